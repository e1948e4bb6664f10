"""PostgreSQL databases that tests have one after the other: to empty one takes a tenth of the time of making it."""

from __future__ import annotations

import contextlib
import uuid
from collections.abc import Iterator
from typing import LiteralString

import psycopg
from sqlalchemy.engine import URL, make_url

# What a test may have changed besides rows: tables and indexes, columns, triggers, functions.
_SHAPE = """
SELECT (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace),
       (SELECT count(*) FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
         WHERE c.relnamespace = 'public'::regnamespace AND NOT a.attisdropped),
       (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal AND tgenabled = 'O'),
       (SELECT count(*) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)
"""
_GUESTS = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s
"""
# Without triggers and foreign keys, so in any order; rows that are deleted leave room that is freed now and then.
_EMPTY = """
DO $$ DECLARE one record; BEGIN
  PERFORM set_config('session_replication_role', 'replica', true);
  FOR one IN SELECT oid::regclass AS name, pg_relation_size(oid) AS bytes FROM pg_class
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND relname <> 'alembic_version'
        AND pg_relation_size(oid) > 0 LOOP
    IF one.bytes > 500000 THEN EXECUTE format('TRUNCATE %s CASCADE', one.name);
    ELSE EXECUTE format('DELETE FROM %s', one.name); END IF;
  END LOOP;
  PERFORM setval(format('%I.%I', schemaname, sequencename), start_value, false)
     FROM pg_sequences WHERE last_value IS NOT NULL;
END $$
"""


class Emptied:
    """The databases of one process, each a copy of a template with the newest schema."""

    def __init__(self, server: str, template: str) -> None:
        self._server, self._template = make_url(server).set(drivername="postgresql"), template
        self._free: list[_Database] = []

    @contextlib.contextmanager
    def lent(self) -> Iterator[str]:
        """The URL of an empty one."""
        one = self._free.pop() if self._free else _Database(self._server, self._template)
        yield one.url.set(drivername="postgresql+psycopg").render_as_string(hide_password=False)
        if one.emptied():
            self._free.append(one)
        else:
            one.drop()

    def drop(self) -> None:
        while self._free:
            self._free.pop().drop()


class _Database:
    def __init__(self, server: URL, template: str) -> None:
        name = f"test_{uuid.uuid4().hex}"
        self._server, self.url = server, server.set(database=name)
        self._at_server(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        self._own = _connected(self.url)
        self._shape = self._own.execute(_SHAPE).fetchone()

    def _at_server(self, statement: LiteralString) -> None:
        with _connected(self._server) as connection:
            connection.execute(statement)

    def emptied(self) -> bool:
        """Whether it is as it was at first."""
        self._own.execute(_GUESTS, [self._own.info.backend_pid])
        if self._own.execute(_SHAPE).fetchone() != self._shape:
            return False
        self._own.execute(_EMPTY)
        return True

    def drop(self) -> None:
        self._own.close()
        self._at_server(f"DROP DATABASE IF EXISTS {self.url.database} WITH (FORCE)")


def _connected(url: URL) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(url.render_as_string(hide_password=False), autocommit=True)
