"""CSV that people write by hand, read strictly: each fault with its line, and the rows after it all the same.

Not the csv module: it takes a stray quote for text, and after a fault it cannot go on at the next line.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

MAX_FAULTS = 20

_END = r"(?:\r\n|\r|\n)"
# A row, and a cell with the delimiter before it, by delimiter.
_PATTERNS = {
    mark: (
        re.compile(rf"({cell}(?:{mark}{cell})*|[^\r\n]*)(?:{_END}|\Z)"),
        re.compile(f"{mark}{cell}"),
    )
    for mark in (",", ";", "\t")
    for cell in [rf'(?:"[^"]*(?:""[^"]*)*"|[^"{mark}\r\n]*)']
}
_MARKERS = ("<<", "||", "==", ">>")
# Git merges no file with a NUL, a terminal obeys the other control characters, a lone surrogate has no UTF-8.
NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def read(
    text: str, make: Callable[..., Any], is_right: Callable[..., Any], rule: str, source: str, *, delimiter: str = ","
) -> list[Any]:
    """Return ``make`` of the named cells of each row; raise with the faults of all rows, or that of the header.

    ``is_right``: whether a header is; ``rule``: what it must. ``source``: the file's name. ``delimiter``: a comma, a
    semicolon or a tab.
    """
    (line, first), *rows = list(_rows(text.removeprefix("\ufeff"), source, delimiter)) or [(1, "")]
    (header,) = _each([(line, first)], lambda row: _cells(row, delimiter), source)
    if not is_right(header):
        raise ValueError(f"{source}:{line}: header must {rule}, got {first!r:.80}")
    return _each(rows, lambda row: make(dict(zip(header, _cells(row, delimiter, len(header)), strict=True))), source)


def _rows(text: str, source: str, delimiter: str) -> Iterator[tuple[int, str]]:
    """Yield the line and text of each row that is not blank; one whose quotes are wrong ends with its first line."""
    line, has_returns = 1, "\r" in text
    for row in _PATTERNS[delimiter][0].finditer(text):
        # The plain tests before the patterns: a file may have a million rows.
        if row[1].startswith(_MARKERS) and re.match(r"([<|=>])\1{6}(?: |\Z)", row[1]):
            rule = "holds a merge-conflict marker: resolve the merge and keep the lines of both sides"
            raise ValueError(f"{source}: line {line} {rule}")
        if row[1].strip():
            yield line, row[1]
        line += len(re.findall(_END, row[0])) if has_returns else row[0].count("\n")


def _each(rows: Sequence[tuple[int, str]], read: Callable[..., Any], source: str) -> list[Any]:
    results, faults = [], []
    for line, row in rows:
        try:
            results.append(read(row))
        except ValueError as error:
            faults += [f"{source}:{line}: {fault}" for fault in error.args]
    more = [f"... and {len(faults) - MAX_FAULTS} more"] if len(faults) > MAX_FAULTS else []
    if faults:
        raise ValueError("\n".join(faults[:MAX_FAULTS] + more))
    return results


def _cells(row: str, delimiter: str, wanted: int | None = None) -> list[str]:
    if character := NO_TEXT.search(row):
        raise ValueError(f"a row must be text, got the character U+{ord(character[0]):04X}")
    if '"' not in row:
        cells = row.split(delimiter)
        if wanted not in (None, len(cells)):
            raise ValueError(f"a row must have {wanted} cells, got {len(cells)}")
        return cells
    cells = _PATTERNS[delimiter][1].findall(f"{delimiter}{row}")
    if "".join(cells) != f"{delimiter}{row}":
        raise ValueError(f"quotes must stand around a whole cell and be doubled inside it, got {row!r:.80}")
    if wanted not in (None, len(cells)):
        raise ValueError(f"a row must have {wanted} cells, got {len(cells)}")
    return [cell[2:-1].replace('""', '"') if cell[1:2] == '"' else cell[1:] for cell in cells]


def quoted(cell: str) -> str:
    """Return a cell as it stands in such a table."""
    return '"' + cell.replace('"', '""') + '"' if re.search('[",\r\n]', cell) else cell
