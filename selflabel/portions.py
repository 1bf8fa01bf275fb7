"""One piece of work over many portions: on the threads of this process, or on the workers of a Dask cluster.

``SELFLABEL_SCHEDULER``, the address of a scheduler, chooses the cluster. Where it runs changes no result: portions have
fixed bounds, the sums of each are added up by one thread, and what comes of them comes in their order.
"""

import atexit
import importlib.metadata
import io
import os
import pickle
import platform
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from functools import cache, lru_cache
from mmap import ALLOCATIONGRANULARITY
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from threadpoolctl import threadpool_limits

from selflabel import code_digest, files, processor

SCHEDULER = "SELFLABEL_SCHEDULER"
# Portions a thread that are worked out or wait to be taken: no thread is idle, and memory stays flat. A cluster's are
# on their way for longer.
AHEAD, AHEAD_ON_CLUSTER = 2, 4
# Until a scheduler answers and has a worker; for a good-bye at the end.
SECONDS, SECONDS_TO_CLOSE = 30, 2
PINNED = "pinned ones"
# A last digit may be another one in another version.
LIBRARIES = ("faiss-cpu", "numpy", "opencv-python-headless", "pillow", "scikit-learn", "scipy")

Part = TypeVar("Part")
Result = TypeVar("Result")


def scheduler() -> str:
    """Return the address of the cluster's scheduler; empty where this process's threads do the work."""
    return os.environ.get(SCHEDULER, "")


def over(
    work: Callable[[Part], Result],
    parts: Sequence[Part],
    *,
    progress: Callable[[Iterable[Any]], Iterable[Any]] = iter,
    is_sent: bool = True,
) -> Iterator[Result]:
    """Yield what ``work`` makes of each part, in the order of ``parts``; ``progress`` is put around them.

    ``work`` may be called in another process, unless ``is_sent`` is false: what it returns counts, and not what it
    writes. Memory-mapped arrays that it holds travel by the names of their files. Raises what ``work`` raises, and
    ``ValueError`` for a cluster that does not answer, is not as this process is, or has too little memory.
    """
    # One portion alone is worked out sooner than it is sent.
    run = _on_cluster if is_sent and scheduler() and len(parts) > 1 else _on_threads
    with closing(run(work, parts)) as results:
        for _ in progress(parts):
            yield next(results)


def _on_threads(work: Callable[[Part], Result], parts: Sequence[Part]) -> Generator[Result]:
    # More threads add sums up in another order.
    with threadpool_limits(1), ThreadPoolExecutor(os.cpu_count()) as threads:
        yield from _ahead(lambda part: threads.submit(work, part), parts, AHEAD * (os.cpu_count() or 1))


def _ahead(submit: Callable[[Part], Any], parts: Iterable[Part], most: int) -> Iterator[Any]:
    """Yield the results of futures in their order, of which there are ``most`` at a time."""
    waiting: deque[Any] = deque()
    try:
        for part in parts:
            if len(waiting) == most:
                yield waiting.popleft().result()
            waiting.append(submit(part))
        while waiting:
            yield waiting.popleft().result()
    finally:
        # After a fault nobody waits for what has not begun.
        for future in waiting:
            future.cancel()


# The cluster. Dask is an extra.


def _on_cluster(work: Callable[[Part], Result], parts: Sequence[Part]) -> Generator[Result]:
    client = _client(scheduler())
    import dask
    from distributed import KilledWorker
    from distributed.client import FutureCancelledError

    _check_workers(client)
    try:
        # To each worker once, as bytes: what is wrong with them is a task's error, and no broken connection. As a task,
        # which the scheduler can give again when all who had the bytes are gone, and not scattered.
        with dask.config.set({"distributed.admin.large-graph-warning-threshold": "1TB"}):
            sent = client.submit(bytes, _dumps(work), pure=False)
        client.replicate([sent])
        n_threads = sum(client.nthreads().values())
        yield from _ahead(
            lambda part: client.submit(_task, sent, _dumps((state(), part)), pure=False), parts,
            AHEAD_ON_CLUSTER * max(n_threads, 1),
        )  # fmt: skip
    except FutureCancelledError as error:
        raise ValueError(f"the Dask scheduler {scheduler()} must stay until the run ends, got: {error}") from error
    except (KilledWorker, MemoryError) as error:
        raise ValueError(
            f"the Dask workers must have the memory for a portion on each thread, got {type(error).__name__}: start "
            "them with a larger --memory-limit, or with fewer --nthreads (`selflabel worker ADDRESS --nthreads 1`)"
        ) from error


@cache
def _client(address: str) -> Any:
    try:
        from distributed import Client
    except ImportError as error:
        raise ValueError(f"{SCHEDULER} needs Dask, which is not installed: `pip install selflabel[cluster]`") from error
    try:
        client: Any = Client(address, timeout=SECONDS, set_as_default=False)  # type: ignore[no-untyped-call]
    except (OSError, ValueError) as error:
        raise ValueError(
            f"{SCHEDULER} must be the address of a Dask scheduler that answers, such as tcp://HOST:8786, got {address}"
        ) from error
    atexit.register(client.close, timeout=SECONDS_TO_CLOSE)
    try:
        client.wait_for_workers(1, timeout=SECONDS)
    except TimeoutError as error:
        raise ValueError(
            f"the Dask scheduler {address} must have a worker, got none: `selflabel worker {address}`"
        ) from error
    print(f"Dask: {address}, dashboard {client.dashboard_link}", file=sys.stderr)
    return client


class State(NamedTuple):
    """What has to be the same in two processes, that they compute the same bytes."""

    code: str  # digest of the package's files
    libraries: str  # with their versions
    kernels: str  # what is wrong with them; empty if they are pinned


@cache
def state() -> State:
    """Return this process's state."""
    root = Path(__file__).parents[1]
    paths = sorted(path.relative_to(root).as_posix() for path in Path(__file__).parent.rglob("*.py"))
    versions = [f"Python {platform.python_version()}", *(f"{name} {_version(name)}" for name in LIBRARIES)]
    return State(
        code_digest.digest_of(code_digest.byte_sums(paths, root=root)),
        ", ".join(versions),
        processor.LATE or processor.note(),
    )


def _version(name: str) -> str:
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return "unknown"


def fault(worker: str, got: State | Exception, wanted: State) -> str:
    """Return in a sentence why a worker cannot be used, given its address and its state; empty if it can."""
    if isinstance(got, Exception):
        return f"the Dask worker {worker} must have this version of selflabel, got {type(got).__name__}: {got}"
    if got.code != wanted.code:
        return (
            f"the Dask worker {worker} must have the code of this process, {wanted.code[:12]}, got {got.code[:12]}: "
            "install the same version there, and start it anew"
        )
    if got.libraries != wanted.libraries:
        return f"the Dask worker {worker} must have {wanted.libraries}, got {got.libraries}"
    if got.kernels != wanted.kernels:
        return (
            f"the Dask worker {worker} must have the kernels of this process, {wanted.kernels or PINNED}, got "
            f"{got.kernels or PINNED}: start it with `selflabel worker`"
        )
    return ""


def _look(path: str) -> tuple[State, str]:
    # Runs on a worker.
    return state(), files.read_text(path) if Path(path).exists() else ""


_checked: set[str] = set()


def _check_workers(client: Any) -> None:
    """Raise ``ValueError`` for a worker that is not as this process is, or does not see its folder."""
    if not (new := [worker for worker in client.nthreads() if worker not in _checked]):
        return
    from distributed.comm.core import CommClosedError

    # Not the name alone: another machine may have another folder in its place.
    with tempfile.TemporaryDirectory(prefix=".selflabel-", dir=Path.cwd()) as folder:
        path = Path(folder).resolve() / "shared"
        files.write_text(path, folder)
        for worker, got in sorted(client.run(_look, str(path), workers=new, on_error="return").items()):
            if isinstance(got, CommClosedError):
                # It is gone.
                continue
            if wrong := fault(worker, got if isinstance(got, Exception) else got[0], state()):
                raise ValueError(wrong)
            if got[1] != folder:
                raise ValueError(
                    f"the Dask worker {worker} must see the folder {path.parents[1]} at the same path, got "
                    f"{'no such folder' if not got[1] else 'another one'}"
                )
    _checked.update(new)


def dask_setup(_worker: object) -> None:
    """Note the code of a worker that starts, before its files may change; Dask calls it, see `selflabel worker`."""
    state()


_is_worker = False
_held: dict[str, object] = {}


def _task(work: bytes, given: bytes) -> Any:
    # Runs on a worker. It may have come after the others were checked.
    from distributed import get_worker

    global _is_worker
    _is_worker = True
    wanted, part = pickle.loads(given)
    if wrong := fault(get_worker().address, state(), wanted):
        raise ValueError(wrong)
    try:
        loaded = _loads(work)
    except FileNotFoundError as error:
        raise ValueError(f"each Dask worker must see the files of this run, got no {error.filename}") from error
    # For good: a limit that ends would give others that are at work more threads.
    threadpool_limits(1)
    return loaded(part)


def hold(name: str, value: object) -> None:
    """Raise ``ValueError`` on a worker where ``name`` had another value before: for what lasts as a process does."""
    if _is_worker and _held.setdefault(name, value) != value:
        raise ValueError(f"{name} must be {_held[name]} as long as the Dask workers live, got {value}: start them anew")


@lru_cache(maxsize=1)
def _loads(data: bytes) -> Any:
    return pickle.loads(data)


def _dumps(value: object) -> bytes:
    import cloudpickle

    class Pickler(cloudpickle.Pickler):  # type: ignore[misc]
        def reducer_override(self, thing: Any) -> Any:
            if type(thing) is np.memmap and thing.filename is not None and thing.mode != "c":
                return _reference(thing)
            return super().reducer_override(thing)

    target = io.BytesIO()
    Pickler(target).dump(value)
    return target.getvalue()


def _reference(array: Any) -> tuple[Any, ...]:
    """Return how a memory-mapped array, or a view of one, is made again from its file."""
    if array.mode != "r":
        # Others see what is in the file.
        array._mmap.flush()
    # The map begins at a page; the attribute ``offset`` of a view is that of the whole.
    begin = array.offset - array.offset % ALLOCATIONGRANULARITY
    first = np.frombuffer(array._mmap, np.uint8).ctypes.data
    offset = begin + array.ctypes.data - first
    return _mapped, (str(array.filename), array.dtype, array.shape, array.strides, offset)


def _mapped(path: str, dtype: np.dtype, shape: tuple[int, ...], strides: tuple[int, ...], offset: int) -> np.ndarray:
    whole = np.memmap(path, np.uint8, "r")
    return np.ndarray(shape, dtype, whole, offset, strides)
