"""Temporary tables for work over all of an audience: of one connection, and gone with the transaction at the latest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Column, Connection, MetaData, PrimaryKeyConstraint, Table
from sqlalchemy.schema import CreateTable, DropTable

_METADATA = MetaData()


def table(name: str, *columns: Column[object]) -> Table:
    """One with its first column as its key on SQLite, where the key is the table. PostgreSQL joins it whole, and a key
    would only cost.
    """
    key = PrimaryKeyConstraint(columns[0].name)
    key.ddl_if(dialect="sqlite")
    return Table(name, _METADATA, *columns, key, prefixes=["TEMPORARY"])


@contextmanager
def made(connection: Connection, *tables: Table) -> Iterator[None]:
    """They are there for as long as it lasts."""
    for one in tables:
        connection.execute(CreateTable(one))
    yield
    for one in tables:
        connection.execute(DropTable(one))


def count_rows(connection: Connection, *tables: Table) -> None:
    """PostgreSQL takes a new table for an empty one, and joins a hundred thousand rows one by one."""
    if connection.dialect.name == "postgresql":
        for one in tables:
            connection.exec_driver_sql(f"ANALYZE {one.name}")
