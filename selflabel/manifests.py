"""The table that lists a user's images, read strictly: a row that is misread would be an image mislabelled."""

import csv
import io
from collections.abc import Iterator

POOL, TEST = "pool", "test"
COLUMNS = ("path", "label", "split")


def parse(data: bytes, *, source: str) -> list[dict[str, str]]:
    """Return path, label and split of each row of a manifest's bytes; what is missing is empty, but for the split.

    Raises ``ValueError`` naming ``source`` and line for bytes that are not UTF-8, quotes that do not close, a header
    without path or with a column twice, another number of cells than the header's, or an unknown split.
    """
    data = data.removeprefix(b"\xef\xbb\xbf")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise ValueError(f"{source}:{line}: a manifest must be UTF-8, got the byte {data[error.start]:#04x}") from error
    rows = _rows(text, source)
    header = next(rows, (1, []))[1]
    if "path" not in header or any(header.count(name) > 1 for name in COLUMNS):
        raise ValueError(f"{source}:1: header must have the column path, and none of its columns twice, got {header}")
    return [_cells(header, row, f"{source}:{line}") for line, row in rows]


def _rows(text: str, source: str) -> Iterator[tuple[int, list[str]]]:
    reader, line = csv.reader(io.StringIO(text, newline=""), strict=True), 1
    try:
        for row in reader:
            # A blank line holds nothing that could be lost.
            if row:
                yield line, row
            line = reader.line_num + 1
    except csv.Error as error:
        raise ValueError(f"{source}:{line}: a row must be CSV, got something else ({error})") from error


def _cells(header: list[str], row: list[str], place: str) -> dict[str, str]:
    if len(row) != len(header):
        raise ValueError(f"{place}: a row must have {len(header)} cells, got {len(row)}")
    cells = dict.fromkeys(COLUMNS, "") | {name: cell for name, cell in zip(header, row, strict=True) if name in COLUMNS}
    if cells["split"] not in ("", POOL, TEST):
        raise ValueError(f"{place}: split must be pool, test or empty, got {cells['split']!r:.80}")
    return cells | {"split": cells["split"] or POOL}
