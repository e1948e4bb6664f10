"""Inserts a row unless one with its unique key is there: safe when two doors get copies of the same news at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeVar

from sqlalchemy import Row as SqlRow
from sqlalchemy import inspect
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import QueryableAttribute, Session

from dispatcher.model import Base

Row = TypeVar("Row", bound=Base)


def insert_once(session: Session, table: type[Row], **values: Any) -> Row | None:
    """The new row, or None where a unique key of it exists already.

    A second writer waits until the first has committed or rolled back, so None means: somebody else's is there
    to be read.
    """
    session.flush()
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    key = inspect(table).primary_key[0]
    new = session.execute(dialect.insert(table).values(**values).on_conflict_do_nothing().returning(key)).scalar()
    return None if new is None else session.get_one(table, new)


def insert_missing(
    session: Session, table: type[Base], rows: Sequence[dict[str, Any]], *returned: QueryableAttribute[Any]
) -> Sequence[SqlRow[Any]]:
    """Insert those of these rows whose unique keys are not there yet; of the new ones the columns `returned`.

    Everybody gives their rows in one order, so that two who insert the same never wait for each other in a circle.
    """
    if not rows:
        return []
    session.flush()
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    # The connection, not the session: rows in bulk need no objects.
    columns = [table.__table__.c[one.key] for one in returned]
    new = dialect.insert(table.__table__).on_conflict_do_nothing().returning(*columns)
    return session.connection().execute(new, list(rows)).all()


def clean(text: str, limit: int | None = None) -> str:
    """Text that every database stores: without NUL, which PostgreSQL refuses, and without lone surrogates."""
    kept = text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
    return kept if limit is None else kept[:limit]
