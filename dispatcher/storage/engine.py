"""Engines and sessions for SQLite and PostgreSQL."""

from __future__ import annotations

import contextlib
import sqlite3
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.orm import Session, sessionmaker

# Alembic is imported where it is used: it takes a third of a second, which no other process should pay.
if TYPE_CHECKING:
    from alembic.config import Config

T = TypeVar("T")

BUSY_MS = 30_000  # a writer waits so long for the others
# Pages in SQLite's log, 32 MB, before whoever commits next copies them into the database: a release changes the same
# pages over and over, and by SQLite's own 1,000 each of them was copied several times.
LOG_PAGES = 8_000
MIGRATIONS = Path(__file__).with_name("migrations")

# TCP by itself waits for hours before it gives a silent host up, and all the while the server keeps what that host had
# locked. Both sides ask after 10 s of silence, and give up within half a minute.
_OUR_SIDE = {
    "connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 30_000,
}  # fmt: skip
_THEIR_SIDE = (
    "SET tcp_keepalives_idle = 10; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 3; "
    "SET tcp_user_timeout = '30s'; SET idle_in_transaction_session_timeout = '5min'"
)


def make_engine(url: str) -> Engine:
    """An engine whose transactions begin as writers on SQLite, so that two never deadlock upgrading.

    A statement's parameters stay out of errors and so out of logs: they are people's addresses and words.
    """
    if not url.startswith("sqlite"):
        return _postgresql(url)
    engine = create_engine(
        url,
        connect_args={"timeout": 30, "check_same_thread": False},
        pool_size=10,
        max_overflow=40,
        hide_parameters=True,
    )

    @event.listens_for(engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        # The driver's own BEGIN comes too late for reads; we emit ours below.
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
            connection.execute(f"PRAGMA {pragma}")
        connection.execute(f"PRAGMA wal_autocheckpoint={LOG_PAGES}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Any) -> None:
        # Readers say so by execution option; a reader that turned writer could fail with "database is locked".
        if connection.get_execution_options().get("read_only"):
            connection.exec_driver_sql("BEGIN")
        else:
            _begin_writing(connection)

    return engine


def _begin_writing(connection: Any) -> None:
    """SQLite waits by sleeping longer each time, so that of several busy writers one would starve for seconds.

    It is asked by the driver itself: between two busy writers a thousand times a second.
    """
    until, ask = time.monotonic() + BUSY_MS / 1000, connection.connection.driver_connection.execute
    ask("PRAGMA busy_timeout=0")
    try:
        while True:
            try:
                ask("BEGIN IMMEDIATE")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_BUSY or time.monotonic() > until:
                    raise OperationalError("BEGIN IMMEDIATE", None, error, hide_parameters=True) from error
            time.sleep(0.001)
    finally:
        ask(f"PRAGMA busy_timeout={BUSY_MS}")


def _postgresql(url: str) -> Engine:
    engine = create_engine(
        url, pool_size=10, max_overflow=20, pool_pre_ping=True, hide_parameters=True, connect_args=_OUR_SIDE
    )

    @event.listens_for(engine, "connect")
    def _their_side(connection: Any, _record: object) -> None:
        connection.autocommit = True
        connection.execute(_THEIR_SIDE)
        connection.autocommit = False

    return engine


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """Sessions that keep loaded rows usable after a commit."""
    return sessionmaker(engine, expire_on_commit=False)


@contextlib.contextmanager
def joined_by_hash(session: Session) -> Iterator[None]:
    """PostgreSQL knows nothing yet of rows that this transaction has inserted: it would take them for a few, and for
    each of a hundred thousand look through all the others."""
    if session.get_bind().dialect.name != "postgresql":
        yield
        return
    session.execute(text("SET LOCAL enable_nestloop = off"))
    yield
    session.execute(text("SET LOCAL enable_nestloop = on"))


@contextlib.contextmanager
def roomy(session: Session) -> Iterator[None]:
    """More memory for work over all of an audience, which would else be put on disk piece by piece.

    SQLite keeps 2 MB of pages, and reads and writes the others over and over where rows are not met in their order: of
    16 MB it gives the rest back to this process, which may keep it. PostgreSQL sorts and joins in 4 MB, here in 64.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_WORK_MEM)
        yield
        return
    connection = session.connection()
    was = connection.exec_driver_sql("PRAGMA cache_size").scalar()
    connection.exec_driver_sql("PRAGMA cache_size = -16384")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA cache_size = {was}")


_WORK_MEM = text(
    "SELECT set_config('work_mem', '64MB', true) WHERE pg_size_bytes(current_setting('work_mem')) < 64 * 1048576"
)


def looked_up_by_key(session: Session) -> None:
    """For the rest of this transaction PostgreSQL finds rows by their indexes: for a few hundred of a release's rows.

    What it knows of the tables is older than the release itself, and so it would read all of it for each few hundred.
    """
    if session.get_bind().dialect.name == "postgresql":
        session.execute(_BY_KEY)


# Without JIT: up to version 17 a plan that is turned off but the only one counts as dear, and would be compiled.
_BY_KEY = text(
    "SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; "
    "SET LOCAL jit = off"
)


def lock_chain(session: Session) -> None:
    """Make writers of the audit chain wait for each other. SQLite's writers do so anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(74656)"))


def _config(url: str) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.attributes["url"] = url
    return config


def migrate(url: str) -> None:
    """Bring the database to the newest schema. SQLite's files are kept from those who are not of their group."""
    from alembic import command

    command.upgrade(_config(url), "head")
    found = make_url(url)
    if found.get_backend_name() == "sqlite" and found.database:
        for end in ("", "-wal", "-shm"):
            with contextlib.suppress(OSError):  # not there, or another's, who has seen to it
                file = Path(f"{found.database}{end}")
                file.chmod(file.stat().st_mode & ~stat.S_IRWXO)


def unmigrate(url: str) -> None:
    """Take the whole schema out of the database, with all that is in it."""
    from alembic import command

    command.downgrade(_config(url), "base")


def is_of_model(name: str | None, kind: str, _parents: object) -> bool:
    """False for what only migrations know: the index of the search, which triggers keep. Alembic's `include_name`."""
    return not (kind == "table" and name is not None and name.startswith("search_"))


def schema_is_newest(engine: Engine) -> bool:
    """True when every migration has been applied."""
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    head = ScriptDirectory.from_config(_config("")).get_current_head()
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision() == head


def taken_again(work: Callable[[], T], tries: int, again: Callable[[DBAPIError], bool] | None = None) -> T:
    """What `work`, one whole transaction, gives; it is done anew where the database chose it to give way to another,
    or where `again` says so.
    """
    for left in reversed(range(tries)):
        try:
            return work()
        except DBAPIError as error:
            if not left or not (again or _gave_way)(error):
                raise
    raise ValueError("a transaction is tried once at least")


def was_chosen(error: DBAPIError) -> bool:
    """True where PostgreSQL ended a transaction for another's sake: a deadlock or a failed serialization."""
    return getattr(error.orig, "sqlstate", "") in ("40001", "40P01")


def _gave_way(error: DBAPIError) -> bool:
    """The same transaction may do next time. A writer that waited for SQLite has done so for half a minute already:
    a job may wait on, somebody at a page or a program must hear of it.
    """
    return was_chosen(error) or "database is locked" in str(error.orig)
