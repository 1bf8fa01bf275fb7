"""The one module that opens the project's data files.

Everything written is byte-stable (sorted JSON keys, fixed column order, no dates) and appears under its name
only when it is complete.
"""

import csv
import hashlib
import io
import json
import mmap
import os
import re
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, TemporaryFile
from typing import IO, TYPE_CHECKING, Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.csv
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from selflabel.chunks import chunks

if TYPE_CHECKING:
    # Seconds to import, and only one stage draws.
    from matplotlib.figure import Figure


_ROWS = 1_000
PathLike = str | Path


@contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Yield a name beside ``path``; move it to ``path`` when the block ends well, delete it otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Always the same name: what a killed process left is overwritten, not left over. The ending stays: some writers
    # choose the format by it.
    partial = path.with_name(f".partial-{path.name}")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read_text(path: PathLike) -> str:
    """Return the text of a UTF-8 file."""
    return Path(path).read_text(encoding="utf-8")


def write_text(path: PathLike, text: str) -> None:
    """Write a UTF-8 file."""
    with _replacing(Path(path)) as partial:
        partial.write_text(text, encoding="utf-8")


def append_text(path: PathLike, text: str) -> None:
    """Append to a UTF-8 file, whose other bytes stay as they are; when this returns the text is on the disk.

    Where it cannot be written, the file is as it was.
    """
    data = text.encode()
    with Path(path).open("ab") as target:
        length = target.tell()
        try:
            target.write(data)
            target.flush()
            os.fsync(target.fileno())
        except OSError:
            target.truncate(length)
            raise


def write_bytes(path: PathLike, data: bytes) -> None:
    """Write a file as it is."""
    with _replacing(Path(path)) as partial:
        partial.write_bytes(data)


def copy(source: PathLike, path: PathLike) -> None:
    """Write a file with the bytes of another one."""
    with _replacing(Path(path)) as partial:
        shutil.copyfile(source, partial)


def digest(path: PathLike) -> str:
    """Return SHA-256 of a file's bytes, in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_link(path: PathLike, target: PathLike) -> None:
    """Write a symbolic link to a file: a relative one if ``target`` is relative."""
    with _replacing(Path(path)) as partial:
        partial.unlink(missing_ok=True)
        partial.symlink_to(target if Path(target).is_absolute() else os.path.relpath(target, Path(path).parent))


def read_json(path: PathLike) -> Any:
    """Return what a JSON file holds."""
    return json.loads(read_text(path))


def read_yaml(path: PathLike) -> Any:
    """Return what a YAML 1.2 file holds; raise ``ValueError`` naming the file if it is not YAML."""
    try:
        tree = parse_yaml(read_text(path))
        # What is nested too deep for a sentence about it is no parameters file.
        repr(tree)
        return tree
    except (YAMLError, RecursionError) as error:
        raise ValueError(f"{path} must be valid YAML, got {' '.join(str(error).split())}") from error


def parse_yaml(text: str) -> Any:
    """Return what a YAML 1.2 text says, as DVC reads it; raise ``ruamel.yaml.error.YAMLError`` if it is not YAML.

    Not PyYAML, which reads version 1.1: there 010 is eight and a doubled key no fault, and a run would take its
    parameters for others than DVC compares.
    """
    return YAML(typ="safe").load(text)


def edit_yaml(text: str, change: Callable[[Any], None]) -> str:
    """Return a YAML 1.2 text whose tree ``change`` has changed; comments, quotes and the order of keys stay."""
    yaml = YAML()
    # None: new lists stand on one line.
    yaml.preserve_quotes, yaml.width, yaml.default_flow_style = True, sys.maxsize, None
    yaml.representer.add_representer(type(None), lambda to, _: to.represent_scalar("tag:yaml.org,2002:null", "null"))
    # New sections on lines of their own, as the others.
    yaml.representer.add_representer(
        dict, lambda to, tree: to.represent_mapping("tag:yaml.org,2002:map", tree, flow_style=False)
    )
    # Line breaks of Unicode that a plain or quoted scalar would lose are escaped between double quotes alone.
    yaml.representer.add_representer(
        str,
        lambda to, value: to.represent_scalar(
            "tag:yaml.org,2002:str", value, style='"' if value.splitlines() not in ([], [value]) else None
        ),
    )
    tree, out = yaml.load(text), io.StringIO()
    change(tree)
    yaml.dump(tree, out)
    return out.getvalue()


def write_json(path: PathLike, value: object) -> None:
    """Write JSON with sorted keys; raise ``ValueError`` for NaN and infinity, which JSON does not have."""
    write_text(path, json.dumps(value, indent=2, sort_keys=True, allow_nan=False, ensure_ascii=False) + "\n")


def read_array(path: PathLike) -> np.ndarray:
    """Return the array of an ``.npy`` file, memory-mapped read-only.

    Raises ``ValueError`` naming the file where it is not as long as its header says: a cache may hold half of it.
    """
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (ValueError, EOFError, SyntaxError) as error:
        raise ValueError(_damaged(path, ".npy", str(error))) from error
    wanted, there = getattr(array, "offset", 0) + array.nbytes, Path(path).stat().st_size
    if array.size and wanted != there:
        raise ValueError(_damaged(path, ".npy", f"{there:,} bytes where its header promises {wanted:,}"))
    return array


def _damaged(path: PathLike, kind: str, why: str) -> str:
    return (
        f"{path} must be a whole {kind} file, got a damaged one ({why}); `selflabel check-cache` lists what is "
        "damaged in DVC's cache, and how to mend it"
    )


def damaged_in_cache(root: PathLike, progress: Callable[[Iterable[Any]], Iterable[Any]] = iter) -> list[Path]:
    """Return the files of DVC's cache whose content is not what they are named after, sorted.

    ``root``: of a cache, whose folder files/md5 holds each file under the MD5 sum of its content.
    """
    paths = sorted(path for path in Path(root, "files/md5").glob("??/*") if path.is_file())
    return [path for path in progress(paths) if _md5(path) != f"{path.parent.name}{path.stem}"]


def _md5(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def write_array(path: PathLike, array: np.ndarray) -> None:
    """Write an ``.npy`` file."""
    with new_array(path, array.shape, array.dtype) as target:
        target[...] = array


def write_arrays(path: PathLike, arrays: Sequence[np.ndarray]) -> None:
    """Write arrays in their order as an ``.npz`` file: arr_0, arr_1, and so on."""
    with _replacing(Path(path)) as partial:
        np.savez(partial, *arrays)


def read_arrays(path: PathLike) -> list[np.ndarray]:
    """Return the arrays that ``write_arrays`` wrote, in their order."""
    with np.load(path, allow_pickle=False) as archive:
        return [archive[name] for name in archive.files]


@contextmanager
def new_array(path: PathLike, shape: tuple[int, ...], dtype: np.dtype) -> Iterator[np.ndarray]:
    """Yield a writable array that becomes the ``.npy`` file ``path`` when the block ends well.

    The array is memory-mapped, so that filling it in chunks keeps memory flat.
    """
    with _replacing(Path(path)) as partial:
        # A memory map cannot be empty.
        if 0 in shape:
            array = np.zeros(shape, dtype)
            yield array
            np.save(partial, array)
        else:
            array = np.lib.format.open_memmap(partial, "w+", dtype=dtype, shape=shape)
            _reserve(partial)
            yield array
            array.flush()
            del array


@contextmanager
def scratch_array(
    beside: PathLike, shape: tuple[int, ...], dtype: np.dtype, *, is_named: bool = False
) -> Iterator[np.ndarray]:
    """Yield a writable array, memory-mapped, in a file beside another that is gone when the block ends.

    ``is_named``: another process can open the file until then; one that has no name is gone even if this one is killed.
    """
    Path(beside).parent.mkdir(parents=True, exist_ok=True)
    kind = NamedTemporaryFile if is_named else TemporaryFile
    with kind(dir=Path(beside).resolve().parent) as file:
        # A memory map cannot be empty.
        array = np.zeros(shape, dtype) if 0 in shape else np.memmap(file, dtype, "w+", shape=shape)
        _reserve(file.fileno())
        yield array


def unpacked_array(
    packed: IO[bytes] | io.BufferedIOBase,
    dtype: np.dtype,
    shape: tuple[int, ...] | None = None,
    order: Literal["C", "F"] = "C",
) -> np.ndarray:
    """Return what a stream unpacks to as an array, memory-mapped from a temporary file that goes with it.

    Without ``shape`` it has one dimension. Raises what reading the stream raises.
    """
    with TemporaryFile() as unpacked:
        shutil.copyfileobj(packed, unpacked)
        unpacked.flush()
        # A memory map cannot be empty.
        if not unpacked.tell():
            return np.empty(shape or 0, dtype)
        return np.asarray(np.memmap(unpacked, dtype, "r", shape=shape, order=order))


def _reserve(file: Path | int) -> None:
    # A mapped file has holes: where the disk is full, writing into one ends the process without a word.
    if not hasattr(os, "posix_fallocate"):
        return
    descriptor = file if isinstance(file, int) else os.open(file, os.O_RDWR)
    try:
        if size := os.fstat(descriptor).st_size:
            os.posix_fallocate(descriptor, 0, size)
    finally:
        if descriptor != file:
            os.close(descriptor)


def write_rows(path: PathLike, array: np.ndarray, rows: np.ndarray) -> None:
    """Write some rows of an array as an ``.npy`` file, in portions."""
    with new_array(path, (len(rows), *array.shape[1:]), array.dtype) as target:
        for part in chunks(len(rows), _ROWS):
            target[part] = array[rows[part]]
            give_back(target, array)


def give_back(*arrays: np.ndarray) -> None:
    """Take arrays that are memory-mapped from files out of this process's memory; they are read again when used.

    The system would do so by itself as soon as others want the room; till then they count as this process's.
    """
    for array in arrays:
        owner: Any = array
        while isinstance(owner, np.ndarray):
            owner = owner.base
        if isinstance(owner, mmap.mmap) and hasattr(mmap, "MADV_DONTNEED"):
            owner.madvise(mmap.MADV_DONTNEED)


def read_table(path: PathLike) -> dict[str, np.ndarray]:
    """Return the columns of a CSV file that ``write_table`` wrote, in their order."""
    table = pa.csv.read_csv(
        path,
        parse_options=pa.csv.ParseOptions(newlines_in_values=True, ignore_empty_lines=False),
        # Texts are quoted, numbers are not: an empty cell without quotes is a missing number.
        convert_options=pa.csv.ConvertOptions(
            null_values=[""], quoted_strings_can_be_null=False, column_types=dict.fromkeys(_texts(path), pa.string())
        ),
    )
    columns = (column.cast("float64") if column.type == pa.null() else column for column in table.columns)
    return {name: column.to_numpy() for name, column in zip(table.column_names, columns, strict=True)}


def _texts(path: PathLike) -> list[str]:
    # The columns whose first cell is quoted, lest an annotator who is called 007 become a number.
    with Path(path).open(encoding="utf-8", newline="") as lines:
        names, row = next(csv.reader(lines), []), ","
        for line in lines:
            row += line
            if row.count('"') % 2 == 0:
                break
    cells = re.findall(r',(?:(")(?:[^"]|"")*"|[^,]*)', row)
    return [name for name, quote in zip(names, cells, strict=False) if quote]


def write_table(path: PathLike, columns: Mapping[str, np.ndarray | list[Any]]) -> None:
    """Write columns of one length as CSV with a header; NaN becomes an empty cell."""
    table = pa.table({name: pa.array(column, from_pandas=True) for name, column in columns.items()})
    options = pa.csv.WriteOptions(quoting_style="needed", quoting_header="needed")
    with _replacing(Path(path)) as partial:
        pa.csv.write_csv(table, partial, write_options=options)


def write_columns(path: PathLike, columns: Mapping[str, np.ndarray]) -> None:
    """Write columns of one length as an Arrow IPC file (Feather), uncompressed, so that reading one maps its bytes.

    Texts of which most are met again are numbers of a dictionary there.
    """
    table = pa.table({name: _compact(column) for name, column in columns.items()})
    with _replacing(Path(path)) as partial, pa.ipc.new_file(str(partial), table.schema) as writer:
        writer.write_table(table, max_chunksize=max(len(table), 1))


def _compact(column: np.ndarray) -> pa.Array:
    array = pa.array(column)
    if not pa.types.is_string(array.type):
        return array
    encoded = array.dictionary_encode()
    return encoded if 2 * len(encoded.dictionary) <= len(array) else array


def read_columns(path: PathLike, *names: str) -> dict[str, np.ndarray]:
    """Return the columns of a file that ``write_columns`` wrote, or of those that are there ``names`` alone.

    Numbers are memory-mapped read-only, texts objects. Raises ``ValueError`` naming the file where it is damaged.
    """
    try:
        table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
    except pa.ArrowInvalid as error:
        raise ValueError(_damaged(path, "Arrow", str(error))) from error
    wanted = [name for name in table.column_names if name in (names or table.column_names)]
    return {name: table[name].combine_chunks().to_numpy(zero_copy_only=False) for name in wanted}


def write_parquet(path: PathLike, columns: Mapping[str, np.ndarray | list[Any]]) -> None:
    """Write columns of one length as Parquet; NaN becomes null."""
    # Here and below: one stage alone needs it.
    from pyarrow import parquet

    table = pa.table({name: pa.array(column, from_pandas=True) for name, column in columns.items()})
    with _replacing(Path(path)) as partial:
        parquet.write_table(table, partial)


def write_image(path: PathLike, image: np.ndarray) -> None:
    """Write an image, uint8 (h, w) or (h, w, 3), as PNG."""
    from PIL import Image

    with _replacing(Path(path)) as partial:
        Image.fromarray(image).save(partial, format="PNG")


def write_picture(path: PathLike, figure: "Figure") -> None:
    """Write a matplotlib figure as PNG, without the version that matplotlib would note in it."""
    with _replacing(Path(path)) as partial:
        figure.savefig(partial, dpi=100, metadata={"Software": None})
