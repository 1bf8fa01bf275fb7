"""Whether this machine computes what others do: a small run against its committed digests, whatever was set before."""

import os
import subprocess
import sys

import pytest
from projects import ROOT

from selflabel import processor

# Each library's way to have as little as the oldest processors, and TensorFlow's other operations.
EXTREMES = {
    "OPENBLAS_CORETYPE": "Nehalem", "NPY_DISABLE_CPU_FEATURES": "X86_V3 X86_V4", "OPENCV_CPU_DISABLE": "AVX2,AVX",
    "FAISS_SIMD_LEVEL": "NONE", "ONEDNN_MAX_CPU_ISA": "SSE41", "TF_ENABLE_ONEDNN_OPTS": "0",
}  # fmt: skip
NEWEST = dict.fromkeys(EXTREMES, "") | {"OPENBLAS_CORETYPE": "SkylakeX", "FAISS_SIMD_LEVEL": "AVX512"}

if_pinned = pytest.mark.skipif(bool(processor.note()), reason=processor.note())


def run(*command, **environment):
    done = subprocess.run(command, cwd=ROOT, env=os.environ | environment, capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


@if_pinned
@pytest.mark.parametrize(
    ("environment", "is_alone"),
    [(EXTREMES, False), (NEWEST, True)],
    ids=["old kernels", "new kernels on one core"],
)
def test_a_small_run_gives_the_committed_bytes(environment, is_alone):
    on_cores = ["taskset", "--cpu-list", str(min(os.sched_getaffinity(0)))] if is_alone else []
    code, out, error = run(*on_cores, sys.executable, "-m", "bench.same_bytes", **environment)
    assert not [line for line in out.splitlines() if line.endswith("differs |")], out
    assert code == 0 and "| 5,000 images: student" in out, error


KERNELS = """
import sys; import {first}, selflabel
import cv2, faiss, numpy, scipy.linalg, sklearn.cluster, threadpoolctl
from numpy._core._multiarray_umath import __cpu_features__ as of_numpy
for library in threadpoolctl.threadpool_info():
    if library["user_api"] == "blas":
        print("blas", library["architecture"])
print("numpy", of_numpy["X86_V3"], of_numpy["X86_V4"])
print("faiss", faiss.SIMDConfig.get_level_name())
print("opencv", "*AVX2" in cv2.getCPUFeaturesLine(), "*AVX512-SKX " in cv2.getCPUFeaturesLine() + " ")
"""


@if_pinned
@pytest.mark.parametrize("first", ["selflabel.stages", "selflabel", "bench"])
def test_every_library_uses_the_pinned_kernels_whatever_is_imported_first(first):
    code, out, error = run(sys.executable, "-W", "error", "-c", KERNELS.format(first=first), **NEWEST)
    assert code == 0, error
    lines = out.split("\n")
    assert {line for line in lines if line.startswith("blas")} == {"blas Haswell"}
    assert "numpy True False" in lines and "faiss AVX2" in lines and "opencv True False" in lines
    # Nothing is told of what there is nothing to tell about.
    assert error == ""


@pytest.fixture
def machine(monkeypatch, tmp_path):
    def set_to(flags, kind="x86_64"):
        monkeypatch.setattr(processor.platform, "machine", lambda: kind)
        monkeypatch.setattr(processor, "CPUINFO", tmp_path / "cpuinfo")
        if flags is not None:
            (tmp_path / "cpuinfo").write_text(f"processor\t: 0\nflags\t\t: {flags}\nbugs\t\t: none\n\nflags\t: other\n")
        environment = {"OPENCV_CPU_DISABLE": "AVX2", "HOME": "/"}
        monkeypatch.setattr(processor.os, "environ", environment)
        processor.pin()
        return environment

    return set_to


def test_a_processor_with_avx_512_has_it_disabled(machine):
    assert machine("fpu avx2 fma avx512f") == {"HOME": "/", **processor.PINS}
    assert processor.note() == ""


def test_where_there_is_no_avx_512_opencv_is_not_told_to_disable_it(machine):
    found = machine("fpu fma avx2")
    assert "OPENCV_CPU_DISABLE" not in found and found["OPENBLAS_CORETYPE"] == "Haswell"


@pytest.mark.parametrize(
    ("flags", "kind"), [("fpu avx fma", "x86_64"), ("fpu avx2", "x86_64"), (None, "x86_64"), ("avx2 fma", "aarch64")]
)
def test_a_processor_that_lacks_the_kernels_keeps_its_own_and_says_so(machine, flags, kind):
    """With kernels that it has not it would die of an illegal instruction."""
    assert machine(flags, kind) == {"OPENCV_CPU_DISABLE": "AVX2", "HOME": "/"}
    assert processor.note().startswith(f"this processor ({kind}) is not known to have AVX2 and FMA: its last digits")
