"""Portions on threads, and on a real cluster: a scheduler and three workers, processes that speak over TCP."""

import os
import pickle
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
from distributed import KilledWorker
from distributed.client import FutureCancelledError
from distributed.comm.core import CommClosedError
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from projects import ROOT
from sklearn.datasets import load_digits
from small_networks import MEAN, STD, means
from threadpoolctl import threadpool_limits

from selflabel import files, portions, processor
from selflabel.chunks import chunks
from selflabel.config.load import load
from selflabel.data import user_images
from selflabel.embeddings import compute
from selflabel.embeddings.onnx_network import OnnxNetwork, Preparation
from selflabel.embeddings.pictures import Pictures
from selflabel.features import extractors, neighbours, pca
from selflabel.models import classifiers, predict
from selflabel.models.catalogue import ClassifierConfig

pytestmark = pytest.mark.xdist_group("cluster")

if_pinned = pytest.mark.skipif(bool(processor.note()), reason=processor.note())


# Threads.


@given(st.lists(st.integers()), st.integers(1, 5))
def test_results_come_in_the_order_of_the_parts_each_once(parts, cores):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(portions.os, "cpu_count", lambda: cores)
        assert list(portions.over(lambda part: 2 * part, parts)) == [2 * part for part in parts]


def test_few_results_at_a_time_are_in_memory(monkeypatch):
    monkeypatch.setattr(portions.os, "cpu_count", lambda: 2)
    begun = []
    for n, _ in enumerate(portions.over(begun.append, range(50))):
        time.sleep(0.001)
        assert len(begun) <= n + 1 + 2 * portions.AHEAD


def test_the_first_fault_ends_it_and_what_has_not_begun_never_does():
    begun = []

    def work(part):
        begun.append(part)
        time.sleep(0.001)
        raise ValueError(f"no {part}")

    with pytest.raises(ValueError, match="no 0"):
        list(portions.over(work, range(1_000)))
    assert len(begun) < 100


def test_progress_is_put_around_the_parts_and_moves_as_results_come(monkeypatch):
    seen = []

    def progress(parts):
        assert len(parts) == 3
        for part in parts:
            yield part
            seen.append(part)

    for n, _ in enumerate(portions.over(str, range(3), progress=progress)):
        assert len(seen) == n
    assert seen == [0, 1, 2]


# What is sent.


VIEWS = {
    "whole": lambda a: a, "columns": lambda a: a[:, :3], "rows": lambda a: a[5:90], "backwards": lambda a: a[::-2, 1:],
    "of a view": lambda a: a[7:, 2:][3:, :2], "one column": lambda a: a[:, 4], "reshaped": lambda a: a.reshape(-1, 2),
}  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_a_mapped_array_travels_as_a_reference_to_its_file(tmp_path, monkeypatch, view):
    monkeypatch.chdir(tmp_path)
    # Longer than a page, so that a map may begin elsewhere than the file.
    array = np.random.default_rng(0).normal(size=(9_000, 6))
    files.write_array("a.npy", array)
    for mapped in (files.read_array("a.npy"), np.memmap("a.npy", np.float64, "r", 128 + 48 * 1_000, (8_000, 6))):
        sent = portions._dumps(VIEWS[view](mapped))
        monkeypatch.chdir("/")
        found = pickle.loads(sent)
        np.testing.assert_array_equal(found, VIEWS[view](mapped), strict=True)
        assert len(sent) < 500 and not found.flags.writeable
        monkeypatch.chdir(tmp_path)


def test_what_is_no_longer_mapped_travels_as_bytes(tmp_path):
    files.write_array(tmp_path / "a.npy", np.arange(1000.0))
    sent = portions._dumps(files.read_array(tmp_path / "a.npy") + 1)
    (tmp_path / "a.npy").unlink()
    np.testing.assert_array_equal(pickle.loads(sent), np.arange(1, 1001.0))


@pytest.mark.parametrize("is_named", [True, False])
def test_a_scratch_array_travels_with_what_was_just_written(tmp_path, is_named):
    with files.scratch_array(tmp_path / "a", (3_000,), np.dtype(np.float64), is_named=is_named) as scratch:
        scratch[...] = 7
        sent = portions._dumps(scratch)
        assert (len(sent) < 500) == is_named
        np.testing.assert_array_equal(pickle.loads(sent), scratch)
    assert list(tmp_path.iterdir()) == []


# The cluster.


class Cluster(NamedTuple):
    address: str
    logs: Path
    processes: list[subprocess.Popen]

    def add(self, **environment: str) -> subprocess.Popen:
        """Start a worker."""
        command = [sys.executable, "-m", "selflabel", "worker", self.address, "--nthreads", "1", "--no-nanny"]
        command += ["--no-dashboard", "--local-directory", str(self.logs)]
        self.processes.append(_start(command, self.logs, **environment))
        return self.processes[-1]


def _start(command: list[str], logs: Path, **environment: str) -> subprocess.Popen:
    with (logs / "log").open("a") as log:
        # Somewhere else: only absolute paths lead anywhere.
        return subprocess.Popen(
            command, cwd=logs, env=os.environ | {"PYTHONPATH": str(ROOT)} | environment, stdout=log, stderr=log
        )


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    logs = tmp_path_factory.mktemp("cluster")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "dask", "scheduler", "--host", "127.0.0.1", "--port", str(port)]
    command += ["--dashboard-address", "127.0.0.1:0"]
    whole = Cluster(f"tcp://127.0.0.1:{port}", logs, [_start(command, logs)])
    try:
        for _ in range(3):
            whole.add()
        yield whole
    finally:
        if portions._client.cache_info().currsize:
            portions._client(whole.address).close(timeout=2)
            portions._client.cache_clear()
        for process in whole.processes:
            process.kill()
            process.wait()


@pytest.fixture
def on_cluster(cluster, monkeypatch, tmp_path):
    """A client of the cluster, which the test's work goes to."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv(portions.SCHEDULER, cluster.address)
    client = portions._client(cluster.address)
    client.wait_for_workers(3, timeout=30)
    return client


def played(folder: Path) -> list[np.ndarray]:
    """Images, features, points, graph and scores of digits, from files to scores."""
    entries = user_images.listed("folder", "digits").entries
    images = np.zeros((len(entries), 16, 16), np.uint8)
    decoded = user_images.decode(entries, images, max_pixels=1_000)
    files.write_array(folder / "images.npy", images)
    options = load(ROOT / "params.yaml").features.model_dump()
    options |= {"hog_fine": {"cell": 4, "padding": 0, "bins": 9}}
    pool = files.read_array(folder / "images.npy")
    extract = extractors.reduced(extractors.EXTRACTORS["hog_fine"](pool, options), pool, 20)
    with files.new_array(folder / "features.npy", (len(pool), 20 + 256), np.dtype(np.float32)) as target:
        extractors.fill([(extract, pool), (extractors.pixels(pool, options), pool)], target)
    features = files.read_array(folder / "features.npy")
    is_named = bool(portions.scheduler())
    with files.scratch_array(folder / "points", (len(pool), 8), np.dtype(np.float32), is_named=is_named) as points:
        neighbours.project(pca.fit(features[:, :20], 8), features[:, :20], points)
        graph = neighbours.build(points, points[:50], neighbours=5)
        points = np.array(points)
    rows = np.arange(0, len(pool), 7)
    given = classifiers.TrainingSet(features, rows, rows % 10)
    fitted = [classifiers.fit(ClassifierConfig(name), given, n_classes=10) for name in ("kernel_ridge", "linear_svm")]
    scores = [predict.score(each, features) for each in fitted]
    held_back = [rows < 0, rows % 3 == 0]
    own = predict._own_shares(fitted, features, rows, rows % 10, held_back, 1.0)
    of_graph = [graph.similarity.data, graph.similarity.indices, graph.test_neighbours, graph.test_weights]
    return [images, np.array(decoded), np.array(features), points, *of_graph, *scores, *own]


def test_threads_and_a_cluster_that_loses_a_worker_give_the_same_bytes(on_cluster, cluster, monkeypatch):
    for n, digit in enumerate(load_digits().images[:300]):
        path = Path(f"digits/{n % 10}/{n:03}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray((digit * 15).astype(np.uint8)).save(path)
    Path("digits/3/003.png").write_bytes(b"")
    # Several portions of each kind.
    monkeypatch.setattr(extractors, "CHUNK", 48)
    monkeypatch.setattr(predict, "SCORING_CHUNK", 48)
    monkeypatch.setattr(neighbours, "PORTION", 48)
    here, there, after = (Path(name).resolve() for name in ("here", "there", "after"))
    with monkeypatch.context() as patch:
        patch.delenv(portions.SCHEDULER)
        expected = played(here)
    sent = []
    submit = on_cluster.submit
    monkeypatch.setattr(on_cluster, "submit", lambda *args, **options: sent.append(1) or submit(*args, **options))
    for folder in (there, after):
        found = played(folder)
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other, strict=True)
            assert one.tobytes() == other.tobytes()
        # Six pieces of work over seven portions at least.
        assert len(sent) >= 42
        if folder == there:
            # In the middle of the next.
            victim = cluster.processes[1]
            begun = len(sent)
            threading.Thread(target=_kill_once, args=(victim, lambda begun=begun: len(sent) > begun + 20)).start()
    assert victim.wait(5) == -signal.SIGKILL
    cluster.add()


def _kill_once(process: subprocess.Popen, is_time) -> None:
    while not is_time():
        time.sleep(0.001)
    process.kill()


def test_what_a_killed_worker_was_at_is_worked_out_again_and_progress_ends(on_cluster, cluster):
    def work(part):
        time.sleep(0.05)
        return part, os.getpid()

    seen, pids = [], set()
    victim = cluster.processes[2]
    for n, (part, pid) in enumerate(portions.over(work, range(60), progress=lambda parts: seen.append(1) or parts)):
        assert part == n
        pids.add(pid)
        if n == 10:
            victim.kill()
    assert n == 59 and seen == [1]
    assert victim.pid in pids and len(pids) >= 3
    victim.wait()
    cluster.add()


def test_a_fault_of_the_work_and_too_little_memory_are_told(on_cluster):
    def work(part):
        if part == "memory":
            raise MemoryError
        raise ValueError(f"no {part}")

    with pytest.raises(ValueError, match=r"^no 1$"):
        list(portions.over(work, [1, 2]))
    with pytest.raises(ValueError, match=r"must have the memory .*, got MemoryError: .* --memory-limit, .* --nthreads"):
        list(portions.over(work, ["memory", 2]))


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (KilledWorker("a", None, 3), "got KilledWorker: start them with a larger --memory-limit"),
        (
            FutureCancelledError("a", "scheduler-restart"),
            "^the Dask scheduler tcp://.* must stay until the run ends, got",
        ),
    ],
)
def test_what_a_cluster_cannot_help_is_told(on_cluster, monkeypatch, error, sentence):
    def submit(*_args, **_options):
        raise error

    monkeypatch.setattr(on_cluster, "submit", submit)
    with pytest.raises(ValueError, match=sentence):
        list(portions.over(str, [1, 2]))


def test_what_lasts_as_a_worker_does_cannot_change(on_cluster):
    pool = np.zeros((2_000, 28, 28), np.uint8)
    options = load(ROOT / "params.yaml").features.model_dump()
    target = np.empty((2_000, 324), np.float32)
    with pytest.raises(ValueError, match=r"l2hys_threshold must be 0\.2 as long as the Dask workers live, got 0\.3"):
        for threshold in (0.2, 0.3, 0.3):
            options["hog"] |= {"l2hys_threshold": threshold}
            extractors.fill([(extractors.hog(pool, options), pool)], target)


def test_an_image_that_workers_do_not_see_is_decoded_here(tmp_path, monkeypatch):
    entries = [user_images.Entry(f"{n}", "", "pool", str(tmp_path / f"{n}.png")) for n in range(40)]
    for entry in entries:
        Image.fromarray(np.full((8, 8), 7, np.uint8)).save(entry.source)
    monkeypatch.setenv(portions.SCHEDULER, "tcp://nobody")
    unseen = (None, "", "no such file")
    monkeypatch.setattr(portions, "over", lambda work, parts, progress: ([unseen] * len(part) for part in parts))
    found = np.zeros((40, 8, 8), np.uint8)
    hashes, reasons = user_images.decode(entries, found, max_pixels=100)
    assert reasons == [""] * 40 and "" not in hashes and (found == 7).all()


def test_a_network_sees_the_same_on_a_cluster_and_here(on_cluster, monkeypatch):
    images = (load_digits().images[:100] * 15).astype(np.uint8)
    for n, image in enumerate(images):
        Image.fromarray(image).save(f"{n}.png")
    network = OnnxNetwork(means(), Preparation(8, MEAN, STD))
    pictures = Pictures(images, [Path(f"{n}.png") for n in range(100)])
    found, expected = np.empty((2, 100, 3), np.float16)
    compute.fill(network, pictures, found)
    assert any(on_cluster.run(lambda: "onnxruntime" in sys.modules).values())
    monkeypatch.delenv(portions.SCHEDULER)
    compute.fill(network, pictures, expected)
    assert found.tobytes() == expected.tobytes() and len(np.unique(found)) > 50


def test_a_network_is_not_run_by_another_kind_of_processor():
    network = OnnxNetwork(means(), Preparation(8, MEAN, STD), name="N")
    network.provider = "CUDAExecutionProvider"
    with pytest.raises(ValueError, match=r"^each Dask worker must run N by onnxruntime \S+, CUDA\w+, got onnxruntime"):
        pickle.loads(pickle.dumps(network))


@pytest.mark.parametrize("kind", ["another version", pytest.param("unpinned", marks=if_pinned)])
def test_a_worker_that_is_not_as_this_process_is_refused(on_cluster, cluster, tmp_path_factory, kind):
    others = tmp_path_factory.mktemp("others")
    if kind == "another version":
        shutil.copytree(ROOT / "selflabel", others / "selflabel", ignore=shutil.ignore_patterns("__pycache__"))
        with (others / "selflabel/rounding.py").open("a") as module:
            module.write("DECIMALS = 5\n")
        worker, sentence = (
            cluster.add(PYTHONPATH=str(others)),
            r"must have the code of this process, \w{12}, got \w{12}",
        )
    else:
        command = [sys.executable, "-m", "dask", "worker", cluster.address, "--no-nanny", "--no-dashboard"]
        unpinned = dict.fromkeys(("OPENBLAS_CORETYPE", "NPY_DISABLE_CPU_FEATURES"), "")
        cluster.processes.append(worker := _start([*command, "--nthreads", "1"], others, **unpinned))
        sentence = "must have the kernels of this process, pinned ones, got those of a NumPy that was loaded before"
    try:
        on_cluster.wait_for_workers(4, timeout=30)
        with pytest.raises(ValueError, match=rf"^the Dask worker tcp://\S+ {sentence}"):
            list(portions.over(str, [1, 2]))
        # Come later than the others were looked at.
        portions._checked.update(on_cluster.nthreads())
        with pytest.raises(ValueError, match=sentence):
            list(portions.over(lambda part: time.sleep(0.02), range(40)))
    finally:
        worker.kill()
        worker.wait()
        while len(on_cluster.nthreads()) > 3:
            time.sleep(0.02)


WANTED = portions.State("a" * 64, "numpy 2", "")


@pytest.mark.parametrize(
    ("got", "sentence"),
    [
        (WANTED, ""),
        (WANTED._replace(libraries="numpy 3"), "the Dask worker W must have numpy 2, got numpy 3"),
        (
            ImportError("no selflabel"),
            "the Dask worker W must have this version of selflabel, got ImportError: no selflabel",
        ),
    ],
)
def test_what_differs_is_told(got, sentence):
    assert portions.fault("W", got, WANTED) == sentence


def test_a_folder_that_is_not_the_same_one_is_told_of(on_cluster, monkeypatch):
    monkeypatch.setattr(portions, "_checked", set())
    monkeypatch.setattr(on_cluster, "run", lambda *_, **__: {"W": (portions.state(), "")})
    with pytest.raises(ValueError, match=r"^the Dask worker W must see the folder /\S+ at the same path, got no such"):
        list(portions.over(str, [1, 2]))


def test_a_worker_that_is_gone_when_it_is_looked_at_is_no_fault(on_cluster, monkeypatch):
    monkeypatch.setattr(portions, "_checked", set())
    monkeypatch.setattr(on_cluster, "run", lambda *_, **__: {"W": CommClosedError("gone")})
    assert list(portions.over(str, [1, 2])) == ["1", "2"]


def test_the_address_of_the_dashboard_is_told(cluster, capsys):
    client = portions._client.__wrapped__(cluster.address)
    try:
        assert f"Dask: {cluster.address}, dashboard http://127.0.0.1:" in capsys.readouterr().err
    finally:
        client.close(timeout=2)


def test_a_scheduler_that_does_not_answer_is_told_of(monkeypatch):
    monkeypatch.setattr(portions, "SECONDS", 0.2)
    monkeypatch.setenv(portions.SCHEDULER, "tcp://127.0.0.1:9")
    with pytest.raises(ValueError, match=r"SELFLABEL_SCHEDULER must be .* that answers, .*, got tcp://127\.0\.0\.1:9"):
        list(portions.over(str, [1, 2]))


def test_without_dask_a_sentence_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.setenv(portions.SCHEDULER, "tcp://nobody")
    with pytest.raises(ValueError, match=r"needs Dask, which is not installed: `pip install selflabel\[cluster\]`"):
        list(portions.over(str, [1, 2]))


def test_one_portion_is_worked_out_here(monkeypatch):
    monkeypatch.setenv(portions.SCHEDULER, "tcp://nobody")
    assert list(portions.over(lambda rows: rows.stop, chunks(9, 10))) == [9]


# Two networks, joined by a cable.

ACROSS = """
import os
import numpy as np
import selflabel
from selflabel import files, portions
from selflabel.chunks import chunks

array = files.read_array("array.npy")

def work(rows):
    return os.readlink("/proc/self/ns/net"), array[rows] @ array[:32].T

networks, products = zip(*portions.over(work, chunks(len(array), 50)), strict=True)
files.write_array("products.npy", np.concatenate(products))
print(os.readlink("/proc/self/ns/net"), *set(networks))
"""


@pytest.fixture
def two_networks():
    """Prefixes of commands that run in one network namespace and in another; where none may be made, no test."""
    names = [f"selflabel{os.getpid()}{letter}" for letter in "ab"]
    making = [["netns", "add", name] for name in names]
    making += [["link", "add", "cable", "netns", names[0], "type", "veth", "peer", "name", "cable", "netns", names[1]]]
    for number, name in enumerate(names, start=1):
        making += [["-n", name, "addr", "add", f"10.77.0.{number}/24", "dev", "cable"]]
        making += [["-n", name, "link", "set", device, "up"] for device in ("lo", "cable")]
    try:
        for command in making:
            if not shutil.which("ip") or subprocess.run(["ip", *command], capture_output=True).returncode:
                pytest.skip("network namespaces need Linux, iproute2 and a privileged user")
        yield [["ip", "netns", "exec", name] for name in names]
    finally:
        for name in names if shutil.which("ip") else []:
            subprocess.run(["ip", "netns", "delete", name], capture_output=True)


def test_a_worker_in_another_network_gives_the_same_bytes(two_networks, tmp_path):
    here, there = two_networks
    address, logs = "tcp://10.77.0.1:8786", tmp_path / "logs"
    logs.mkdir()
    array = np.random.default_rng(0).normal(size=(500, 64)).astype(np.float32)
    files.write_array(tmp_path / "array.npy", array)
    scheduler = ["dask", "scheduler", "--host", "10.77.0.1", "--port", "8786", "--no-dashboard"]
    worker = ["selflabel", "worker", address, "--nthreads", "1", "--no-nanny", "--no-dashboard"]
    running = [
        _start([*prefix, sys.executable, "-m", *command], logs)
        for prefix, command in ((here, scheduler), (there, worker))
    ]
    try:
        client = subprocess.run(
            [*here, sys.executable, "-c", ACROSS], cwd=tmp_path, capture_output=True, text=True, timeout=120,
            env=os.environ | {"PYTHONPATH": str(ROOT), portions.SCHEDULER: address},
        )  # fmt: skip
        assert client.returncode == 0, client.stderr + (logs / "log").read_text()
        own, *others = client.stdout.split()
        assert len(others) == 1 and others != [own]
    finally:
        for process in running:
            process.kill()
            process.wait()
    with threadpool_limits(1):
        expected = np.concatenate([array[rows] @ array[:32].T for rows in chunks(500, 50)])
    assert files.read_array(tmp_path / "products.npy").tobytes() == expected.tobytes()
