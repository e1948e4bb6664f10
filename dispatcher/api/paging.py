"""Long lists by `limit` and `cursor`: a cursor is the place where the next page begins, and nothing else."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select
from sqlalchemy.orm import InstrumentedAttribute, Session

from dispatcher.model.errors import Refused

T = TypeVar("T")
_MAX = 2**63 - 1
_BAD = {"cursor": "is not one that this list gave: start again without it"}


def encode(number: int) -> str:
    """The cursor that stands behind the row with this id."""
    return base64.urlsafe_b64encode(f"after:{number}".encode()).decode().rstrip("=")


def decode(cursor: str) -> int:
    """The id behind which the page begins. Raises Refused for what is no cursor."""
    try:
        word, _, digits = (
            base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode().partition(":")
        )
    except (binascii.Error, ValueError):
        raise Refused(_BAD) from None
    if word != "after" or not (digits.isascii() and digits.isdigit()) or len(digits) > 19 or int(digits) > _MAX:
        raise Refused(_BAD)
    return int(digits)


def page(
    session: Session,
    query: Select[T],
    column: InstrumentedAttribute[int],
    *,
    limit: int,
    cursor: str | None,
    newest_first: bool = False,
) -> tuple[Sequence[T], str | None]:
    """The rows of one page in the order of `column`, and the cursor of the next one, None at the end.

    A row that is added or removed meanwhile neither repeats nor hides another, because a cursor names a row and
    not a count.
    """
    if cursor:
        edge = decode(cursor)
        where: ColumnElement[bool] = column < edge if newest_first else column > edge
        query = query.where(where)
    order = column.desc() if newest_first else column.asc()
    rows = session.scalars(query.order_by(None).order_by(order).limit(limit + 1)).unique().all()
    some = rows[:limit]
    following = encode(_key(column)(some[-1])) if len(rows) > limit else None
    return some, following


def page_of(everything: Sequence[T], *, limit: int, cursor: str | None) -> tuple[Sequence[T], str | None]:
    """One page of a list that grows at its front: the cursor counts what is left, so news move nothing."""
    left = min(decode(cursor), len(everything)) if cursor else len(everything)
    rest = everything[len(everything) - left :]
    return rest[:limit], encode(left - limit) if left > limit else None


def _key(column: InstrumentedAttribute[int]) -> Callable[[Any], int]:
    name = column.key
    return lambda row: int(getattr(row, name))
