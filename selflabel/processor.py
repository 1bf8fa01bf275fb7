"""The processor's instructions, pinned, so that every x86-64 machine since 2013 (AVX2 and FMA) computes the same bytes.

OpenBLAS, NumPy, OpenCV, faiss and TensorFlow choose their kernels by the processor, and kernels add sums up in another
order. A changed last digit changes a question, and then all that follows. Each library reads its variable when it is
loaded, so that ``pin`` has to come before all other imports: the package's own ``__init__`` calls it. Standard library
only, for that reason.
"""

import os
import platform
import sys
from collections.abc import Mapping
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
# What a machine needs to have the kernels below; without them it would end with an illegal instruction.
NEEDED = frozenset({"avx2", "fma"})
PINS: Mapping[str, str] = {
    # NumPy's, SciPy's, faiss's and OpenCV's each have an OpenBLAS of their own, which all read this.
    "OPENBLAS_CORETYPE": "Haswell",
    # All sets of instructions beyond X86_V3 that NumPy 2.4 knows; it stops at a name that it does not know.
    "NPY_DISABLE_CPU_FEATURES": "X86_V4 AVX512_ICL AVX512_SPR",
    "FAISS_SIMD_LEVEL": "AVX2",
    # TensorFlow. Without oneDNN's operations sums go by the sizes of the caches.
    "TF_ENABLE_ONEDNN_OPTS": "1",
    "ONEDNN_MAX_CPU_ISA": "AVX2",
    # OpenCV tells of what is not there to be disabled: see ``pin``.
    "OPENCV_CPU_DISABLE": "AVX512-SKX",
}


def flags() -> frozenset[str]:
    """Return the names of what the processor can do, as Linux has them; empty where that cannot be told."""
    if platform.machine() not in ("x86_64", "AMD64"):
        return frozenset()
    try:
        text = CPUINFO.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return frozenset()
    lines = (line.partition(":") for line in text.splitlines())
    return frozenset(next((value for name, _, value in lines if name.strip() == "flags"), "").split())


def _late() -> str:
    """Return in words that NumPy is loaded already, with other kernels; empty if it is not, or nothing is pinned."""
    needed = ("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES")
    is_late = (
        "numpy" in sys.modules and flags() >= NEEDED and any(os.environ.get(name) != PINS[name] for name in needed)
    )
    return "those of a NumPy that was loaded before they were pinned" if is_late else ""


# Before ``pin``, which cannot change it.
LATE = _late()


def pin() -> None:
    """Set the variables that choose the kernels, where the processor has them."""
    known = flags()
    if not known >= NEEDED:
        return
    os.environ.update(PINS)
    if "avx512f" not in known:
        del os.environ["OPENCV_CPU_DISABLE"]


def note() -> str:
    """Return in a sentence that this processor's last digits may differ from other machines'; empty if they do not."""
    if flags() >= NEEDED:
        return ""
    return (
        f"this processor ({platform.machine()}) is not known to have AVX2 and FMA: its last digits may differ from "
        "those of machines that have them"
    )
