"""Many values or rows handed to a statement as one parameter: its text, and so its cost, does not grow with them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache, lru_cache, partial
from typing import Any, TypeVar

import orjson
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Dialect,
    FromClause,
    Select,
    String,
    bindparam,
    cast,
    column,
    func,
    select,
    type_coerce,
    types,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import BinaryExpression
from sqlalchemy.sql.operators import custom_op

T = TypeVar("T")

_SQLITE = sqlite.dialect()


class _Json(types.TypeDecorator[Any]):
    """JSON text, with moments as the database writes them."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:
        return _json(value, partial(_written, dialect.name))


def _json(value: Any, default: Callable[[Any], Any] | None = None) -> str:
    return orjson.dumps(value, default, orjson.OPT_PASSTHROUGH_DATETIME).decode()


@lru_cache(maxsize=2048)
def _written(dialect: str, moment: datetime) -> str:
    """What one request carried became known at one moment, which is written for the attempt and for its delivery."""
    text = moment.astimezone(UTC).isoformat(" ", "microseconds")
    return text if dialect == "postgresql" else text.removesuffix("+00:00")


class _Values(types.TypeDecorator[Sequence[Any]]):
    """PostgreSQL's array, JSON for SQLite."""

    impl = String
    cache_ok = True

    def __init__(self, of: types.TypeEngine[Any]) -> None:
        super().__init__()
        self.of = of

    def load_dialect_impl(self, dialect: Dialect) -> types.TypeEngine[Any]:
        return dialect.type_descriptor(postgresql.ARRAY(self.of) if dialect.name == "postgresql" else String())

    def process_bind_param(self, value: Sequence[Any] | None, dialect: Dialect) -> Any:
        return list(value or ()) if dialect.name == "postgresql" else _json(list(value or ()))


class _Among(BinaryExpression[bool]):
    inherit_cache = True


@compiles(_Among)
def _in_json(element: _Among, compiler: SQLCompiler, **given: Any) -> str:
    of, values = (compiler.process(one, **given) for one in (element.left, element.right))
    return f"{of} IN (SELECT value FROM json_each({values}))"  # noqa: S608  # names and parameters only


@compiles(_Among, "postgresql")
def _any(element: _Among, compiler: SQLCompiler, **given: Any) -> str:
    of, values = (compiler.process(one, **given) for one in (element.left, element.right))
    return f"{of} = ANY({values})"


def among(
    of: InstrumentedAttribute[T] | InstrumentedAttribute[T | None], values: Sequence[T] | str
) -> ColumnElement[bool]:
    """The column is one of many values, or of those that the parameter of this name will hold."""
    kind = _Values(of.type)
    given: BindParameter[Any] = (
        bindparam(values, type_=kind) if isinstance(values, str) else bindparam(None, values, type_=kind, unique=True)
    )
    return _Among(of.expression, given, custom_op("among", is_comparison=True), type_=types.Boolean())


def rows_of(connection: Connection, query: Select[*tuple[Any, ...]], parameters: Mapping[str, Any]) -> Sequence[Any]:
    """The rows of a query that is built once and kept, for what is made of it here is kept with it. All at once:

    of SQLite the driver fetches row by row, and for each of them gives way to the other threads and waits for its turn
    again, with the database locked meanwhile. It is asked for one text that holds them all.
    """
    if connection.dialect.name != "sqlite":
        return connection.execute(query, parameters).all()
    at_once, read = _at_once(query)
    rows = orjson.loads(connection.execute(at_once, parameters).scalar_one())
    for place, reading in read:
        for row in rows:
            if row[place] is not None:
                row[place] = reading(row[place])
    return rows  # type: ignore[no-any-return]


@cache
def _at_once(query: Select[*tuple[Any, ...]]) -> tuple[Select[str], list[tuple[int, Callable[[Any], Any]]]]:
    """The same rows as one text, and what makes values of what is no number and no text in it."""
    rows = query.subquery()
    read = [(place, one.type.dialect_impl(_SQLITE).result_processor(_SQLITE, None)) for place, one in enumerate(rows.c)]
    text = select(func.json_group_array(func.json_array(*(type_coerce(one, types.NullType()) for one in rows.c))))
    return text, [(place, reading) for place, reading in read if reading is not None]


def given(dialect: Dialect, name: str, **columns: types.TypeEngine[Any]) -> FromClause:
    """A table of the rows, as dictionaries, that the parameter of this name will hold."""
    value = bindparam(name, type_=_Json())
    if dialect.name == "postgresql":
        typed = (column(one, kind) for one, kind in columns.items())
        records = func.json_to_recordset(cast(value, postgresql.JSON(none_as_null=True)))
        return records.table_valued(*typed).render_derived(name=name, with_types=True)
    each = func.json_each(value).table_valued("value")
    found_in = ((one, kind, func.json_extract(each.c.value, f"$.{one}")) for one, kind in columns.items())
    return select(*(type_coerce(it, kind).label(one) for one, kind, it in found_in)).subquery(name)
