"""Alembic's entry: runs the migrations on the engine of the product itself."""

from typing import Any, Literal

from alembic import context

from dispatcher.model import Base
from dispatcher.model.base import Utc
from dispatcher.storage.engine import is_of_model, make_engine


def render_item(kind: str, item: Any, _context: Any) -> str | Literal[False]:
    """Migrations are history: they name SQLAlchemy's types, not ours, which may change."""
    if kind == "type" and isinstance(item, Utc):
        return "sa.DateTime(timezone=True)"
    if kind == "type" and type(item).__name__ == "JSON":
        return "sa.JSON().with_variant(postgresql.JSONB(), 'postgresql')"
    return False


engine = make_engine(context.config.attributes["url"])
with engine.connect() as connection:
    if engine.dialect.name == "sqlite":
        # A table made anew is dropped meanwhile, and what refers to it must bear that. In a transaction nobody listens.
        connection.connection.cursor().execute("PRAGMA foreign_keys=OFF")
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        render_as_batch=True,
        render_item=render_item,
        include_name=is_of_model,
    )
    with context.begin_transaction():
        if engine.dialect.name == "postgresql":
            # Who waits for a table that somebody reads makes everybody after them wait as well.
            connection.exec_driver_sql("SET LOCAL lock_timeout = '10s'")
        context.run_migrations()
        lost = connection.exec_driver_sql("PRAGMA foreign_key_check").all() if engine.dialect.name == "sqlite" else ()
        if lost:
            names = ", ".join(sorted({str(row[0]) for row in lost}))
            raise RuntimeError(f"{len(lost)} rows stand for nothing, in {names}: `dispatcher verify` names them")
    connection.commit()
engine.dispose()
