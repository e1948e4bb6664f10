"""Tables as spreadsheets and banks write them: any line ends, comma or semicolon, quoted or not; UTF-8 only."""

from __future__ import annotations

import codecs
import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dispatcher.model.errors import Refused

MAX_BYTES = 100_000_000
_MARKS = {codecs.BOM_UTF32_LE: "UTF-32", codecs.BOM_UTF32_BE: "UTF-32",
          codecs.BOM_UTF16_LE: "UTF-16", codecs.BOM_UTF16_BE: "UTF-16"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """One row below the header: its number, counted as a spreadsheet does (the header is 1), and its cells.

    `fault` says why the row could not be read; then there are no cells.
    """

    number: int
    cells: dict[str, str]
    fault: str = ""


def read(content: bytes, columns: Sequence[str], may_have: Sequence[str] = ()) -> Iterator[Row]:
    """The rows of a table with exactly these columns, and any of `may_have`, in any order; empty rows are left out.

    Raises Refused, for the file as a whole, when its encoding or its header is not what it should be.
    """
    lines = list(io.StringIO(_decoded(content), newline=""))
    first = next((line for line in lines if line.strip()), "")
    delimiter = ";" if first.count(";") > first.count(",") else ","
    records = _records(lines, delimiter)
    for _, header, _ in records:
        if header and any(header):
            names = [name.strip().lower() for name in header]
            _check_header(names, columns, may_have)
            return _rows(records, names)
    raise Refused({"file": f"is empty; its first row must name the columns {','.join(columns)}"})


def _decoded(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise Refused({"file": f"is larger than {MAX_BYTES // 1_000_000} MB: import it in parts"})
    for mark, name in _MARKS.items():
        if content.startswith(mark):
            raise Refused({"file": f"is {name}: save it as UTF-8 (in Excel: CSV UTF-8)"})
    if b"\0" in content:
        raise Refused({"file": "is not UTF-8 text, probably UTF-16 or no table at all: save it as CSV in UTF-8"})
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        row = content.count(b"\n", 0, error.start) + 1
        raise Refused(
            {"file": f"is not UTF-8, probably Windows-1252 (row {row}): save it as UTF-8 (in Excel: CSV UTF-8)"}
        ) from None


def _check_header(names: list[str], columns: Sequence[str], may_have: Sequence[str]) -> None:
    wrong = []
    if missing := [name for name in columns if name not in names]:
        wrong.append(f"lacks the columns {', '.join(missing)}")
    if unknown := list(dict.fromkeys(name or "(empty)" for name in names if name not in (*columns, *may_have))):
        wrong.append(f"has unknown columns {', '.join(unknown)}")
    if twice := sorted({name for name in names if names.count(name) > 1 and name in (*columns, *may_have)}):
        wrong.append(f"has the columns {', '.join(twice)} twice")
    if wrong:
        raise Refused({"file": f"{'; '.join(wrong)}. The columns are {','.join(columns)}{_perhaps(may_have)}"})


def _perhaps(may_have: Sequence[str]) -> str:
    return f", and perhaps {','.join(may_have)}" if may_have else ""


def _rows(records: Iterator[tuple[int, list[str], str]], names: list[str]) -> Iterator[Row]:
    for number, cells, fault in records:
        if fault:
            yield Row(number, {}, fault)
        elif len(cells) != len(names) and any(cells):
            yield Row(number, {}, f"has {len(cells)} cells where the header has {len(names)}")
        elif any(cell.strip() for cell in cells):
            yield Row(number, dict(zip(names, cells, strict=True)))


def _records(lines: list[str], delimiter: str) -> Iterator[tuple[int, list[str], str]]:
    """Number, cells and fault of each record.

    An unclosed quotation mark would swallow what follows; it costs its own line only: reading goes on below it.
    """
    number, start, width = 0, 0, 0
    while start < len(lines):
        base = start
        reader = csv.reader(_from(lines, base), delimiter=delimiter, strict=True)
        while True:
            number += 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error:
                break
            if base + reader.line_num > start + 1 and width and len(cells) != width:
                break
            width = width or len(cells)
            start = base + reader.line_num
            yield number, cells, ""
        yield number, [], "has a quotation mark that is not closed, or one in the middle of a cell"
        start += 1


def _from(lines: list[str], start: int) -> Iterator[str]:
    for place in range(start, len(lines)):
        yield lines[place]
