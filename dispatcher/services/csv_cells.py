"""Writes tables that a spreadsheet may open: no cell of somebody's words is taken for a formula, and all are readable.

Spreadsheets calculate a cell that begins with = + - or @, also behind blanks, quotation marks or a tab, and in the wide
forms that East Asian keyboards write. A table opened with another separator than it was written with is cut at that
one and at every line's end, so what follows those counts as a beginning, too. Each such sign gets an apostrophe in
front, the spreadsheets' own mark for "this is text". What the product itself has counted stays a number.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime

BOM = "\ufeff"  # without it Excel takes UTF-8 for the computer's own code page
SEPARATORS = (",", ";", "\t")

# Blanks of all widths, quotation marks of all shapes, marks that are not seen, control characters.
_UNSEEN = r"\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\x00-\x1f\x7f-\x9f"
_BEFORE = rf"[\s\"'`´‘’“”„«»‚‹›{_UNSEEN}]*"
_TRIGGERS = r"=+\-@＝＋－＠﹦﹢﹣﹫⁼⁺⁻₌₊₋−|%"
_LINES = r"\r\n\v\f\x85\u2028\u2029"


def _danger(separator: str) -> re.Pattern[str]:
    others = "".join(re.escape(one) for one in (*SEPARATORS, "|") if one != separator)
    return re.compile(rf"(^|[{_LINES}{others}])({_BEFORE})(?=[{_TRIGGERS}])")


_DANGER = {separator: _danger(separator) for separator in SEPARATORS}

Cell = str | int | float | bool | datetime | None


def harmless(words: str, separator: str = ",") -> str:
    """The words with an apostrophe before whatever a spreadsheet would calculate."""
    plain = words.replace("\x00", "")
    found = _DANGER[separator].sub(r"\1\2'", plain)
    # A leading tab or line's end is itself taken for the beginning of something.
    return f"'{found}" if found[:1] in ("\t", "\r", "\n") else found


def cell(value: Cell, separator: str = ",") -> str:
    """One value as a cell: times in RFC 3339, UTC; yes and no as true and false."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return str(value) if isinstance(value, int | float) else harmless(value, separator)


def table(
    columns: Sequence[str], rows: Iterable[Sequence[Cell]], *, separator: str = ",", bom: bool = False
) -> Iterator[str]:
    """The table in pieces: its header, then so many rows as come.

    Lines end as RFC 4180 has it, and every word is quoted.
    """
    held = io.StringIO(newline="")
    writer = csv.writer(held, delimiter=separator, quoting=csv.QUOTE_NONNUMERIC)
    held.write(BOM if bom else "")
    writer.writerow(columns)
    for number, row in enumerate(rows, 1):
        writer.writerow(
            [
                value if isinstance(value, int | float) and not isinstance(value, bool) else cell(value, separator)
                for value in row
            ]
        )
        if number % 200 == 0:
            yield _taken(held)
    yield _taken(held)


def _taken(held: io.StringIO) -> str:
    text = held.getvalue()
    held.seek(0)
    held.truncate()
    return text
