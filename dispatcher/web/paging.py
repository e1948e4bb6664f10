"""Pages of long lists: how many there are, which of them are shown, and the way to the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from flask import request, url_for
from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

Row = TypeVar("Row")
PER_PAGE = 25
TURNED = "turned"  # in an address: the list's last row first


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """One page of `total` rows; numbers start at 1."""

    rows: Sequence[Row]
    number: int
    total: int
    per_page: int = PER_PAGE

    @property
    def pages(self) -> int:
        return max(1, -(-self.total // self.per_page))

    @property
    def first(self) -> int:
        return (self.number - 1) * self.per_page + 1 if self.total else 0

    @property
    def last(self) -> int:
        return min(self.number * self.per_page, self.total)

    def address(self, number: int) -> str:
        """This list's address at another page, with the same filters."""
        assert request.endpoint
        arguments: dict[str, Any] = {**request.args.to_dict(), **(request.view_args or {}), "page": number}
        return url_for(request.endpoint, **arguments)


def asked_page() -> int:
    """The page asked for by the address; 1 where it is none."""
    text = request.args.get("page", "1")
    return min(max(1, int(text)), 1_000_000) if text.isascii() and text.isdigit() and len(text) < 9 else 1


def asked_order() -> str:
    """TURNED where the address asks for the list from its other end, else ""."""
    return TURNED if request.args.get("order") == TURNED else ""


def rows(session: Session, query: Select[Any], per_page: int = PER_PAGE) -> Page[Any]:
    """The asked-for page of a query's rows, each as a tuple."""
    total = number(session, query)
    shown = min(asked_page(), max(1, -(-total // per_page)))
    found = session.execute(query.limit(per_page).offset((shown - 1) * per_page)).unique().all()
    return Page(found, shown, total, per_page)


def things(session: Session, query: Select[Any], per_page: int = PER_PAGE) -> Page[Any]:
    """The asked-for page of a query that selects one kind of thing."""
    page = rows(session, query, per_page)
    return Page([row[0] for row in page.rows], page.number, page.total, per_page)


def of(everything: Sequence[Any], per_page: int = PER_PAGE) -> Page[Any]:
    """The asked-for page of a list that is at hand as a whole."""
    shown = min(asked_page(), max(1, -(-len(everything) // per_page)))
    return Page(everything[(shown - 1) * per_page : shown * per_page], shown, len(everything), per_page)


def number(session: Session, query: Select[Any]) -> int:
    """How many rows a query has."""
    return session.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0


def contains(text: str) -> str:
    """A LIKE pattern for "contains this text"; use with `escape="/"`."""
    for special in "/%_":
        text = text.replace(special, "/" + special)
    return f"%{text}%"
