"""The rows of a release as columns of numbers, read a column at a time.

The database writes each column into one text, which is read back at once: many times as fast as to fetch row by row,
and other threads run meanwhile. A hundred thousand deliveries are a few megabytes; as rows of Python objects they would
be a hundred.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import BigInteger, ColumnElement, Select, String, case, cast, extract, func, select, type_coerce
from sqlalchemy.orm import InstrumentedAttribute, Session

# numpy is imported where it is used: most processes never make a report.
if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ids = NDArray[np.int64]
    Numbers = NDArray[np.float64]
    Flags = NDArray[np.bool_]

_BETWEEN = " "
_NEVER = "1970-01-01 00:00:00.000000"  # as SQLite keeps a moment: the longest it can be, and each as long
_WIDTH = len(_NEVER)


def packed(session: Session, query: Select[*tuple[Any, ...]]) -> list[Ids]:
    """The rows of a query for whole numbers, flags and what `moment` gives, none of them null, as one array a column.

    The rows come in any order, the same in each column.
    """
    rows = query.subquery()
    texts: Select[*tuple[Any, ...]] = select(*(func.aggregate_strings(cast(one, String), _BETWEEN) for one in rows.c))
    return [_read(text) for text in session.connection().execute(texts).one()]


def _read(text: str | None) -> Ids:
    import numpy as np

    if not text:
        return np.empty(0, dtype=np.int64)
    if text[4:5] != "-":
        return np.fromstring(text, dtype=np.int64, sep=_BETWEEN)
    letters = np.frombuffer((text + _BETWEEN).encode(), dtype="S1").reshape(-1, _WIDTH + len(_BETWEEN))
    moments = np.ascontiguousarray(letters[:, :_WIDTH]).view(f"S{_WIDTH}")[:, 0].astype("datetime64[us]")
    return moments.astype(np.int64)


def moment(session: Session, column: InstrumentedAttribute[datetime | None]) -> ColumnElement[Any]:
    """For `packed`: the microseconds since 1970 of a moment in UTC, 0 for none."""
    if session.get_bind().dialect.name == "postgresql":
        return func.coalesce(cast(extract("epoch", column) * 1_000_000, BigInteger), 0)
    # The text itself: to reckon with moments takes SQLite longer than to read them here.
    return func.coalesce(type_coerce(column, String), _NEVER)


def place_in(names: Sequence[str], column: InstrumentedAttribute[str]) -> ColumnElement[int]:
    """For `packed`: the place of a name among these, which are all that there are; the likely ones first."""
    return case({name: place for place, name in enumerate(names)}, value=column, else_=len(names))


def flag(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """For `packed`: 1 where it is so, else 0."""
    return case((condition, 1), else_=0)


def seconds_from(start: datetime | None, moments: Ids) -> Numbers:
    """What `packed` read of `moment` as seconds since the start; nan for none."""
    import numpy as np

    began = round(start.timestamp() * 1e6) if start else 0
    return np.where(moments > 0, (moments - began) / 1e6, np.nan)
