"""The database: SQLite and PostgreSQL behind one engine, and its migrations."""

from dispatcher.storage.engine import (
    is_of_model,
    joined_by_hash,
    lock_chain,
    looked_up_by_key,
    make_engine,
    make_sessions,
    migrate,
    roomy,
    schema_is_newest,
    taken_again,
    unmigrate,
    was_chosen,
)

__all__ = [
    "is_of_model", "joined_by_hash", "lock_chain", "looked_up_by_key", "make_engine", "make_sessions",
    "migrate", "roomy", "schema_is_newest", "taken_again", "unmigrate", "was_chosen",
]  # fmt: skip
