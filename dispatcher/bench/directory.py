"""A directory of any size, made by a few statements: firms of very different sizes, five lists that overlap."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, Engine, Integer, String, case, cast, insert, inspect, literal, select

from dispatcher.bench.book import STAFF_DOMAIN
from dispatcher.bench.options import MIXES, BenchError, Options
from dispatcher.model import (
    ContactPoint,
    Customer,
    DistributionList,
    Firm,
    Grant,
    ListMember,
    Preference,
    Staff,
)
from dispatcher.storage import make_engine, migrate, unmigrate

FIRMS = 200
LISTS = tuple(f"list-{number}" for number in range(1, 6))
AUTHOR, OFFICER, REP = (f"{who}@{STAFF_DOMAIN}" for who in ("author", "officer", "rep"))
# What a customer can be reached by besides the first choice: there for a fallback.
_SECOND = {"sms": "email", "email": "sms", "voice": "sms"}


def prepare(options: Options, url: str) -> Engine:
    """The newest schema and the directory in an empty database. Raises BenchError where it is not empty."""
    engine = make_engine(url)
    if tables := inspect(engine).get_table_names():
        raise BenchError(
            f"--database-url names a database that is not empty ({len(tables)} tables): the benchmark fills "
            "and clears it, so give it one of its own"
        )
    migrate(url)
    with engine.begin() as connection:
        fill(connection, options)
    if engine.dialect.name == "postgresql":
        # What autovacuum does by itself, a minute later.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM ANALYZE")
    return engine


def clear(engine: Engine) -> None:
    """Leave a database that was lent as empty as it was."""
    unmigrate(engine.url.render_as_string(hide_password=False))
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE IF EXISTS alembic_version")


def fill(connection: Connection, options: Options) -> None:
    """Staff, firms, lists and `options.recipients` customers."""
    _staff(connection)
    connection.execute(insert(Firm), [{"id": n, "name": f"Firm {n}", "rep_id": 3} for n in range(1, FIRMS + 1)])
    connection.execute(insert(DistributionList), [{"id": n, "key": key, "name": key} for n, key in enumerate(LISTS, 1)])
    number = _numbers(options.recipients)
    _customers(connection, number)
    first = _first_choice(number, options.mix)
    second = case(*((first == one, other) for one, other in _SECOND.items()))
    for channel in (first, second):
        connection.execute(
            insert(ContactPoint).from_select(
                ["customer_id", "channel", "address"], select(number + 1, channel, _address(number, channel))
            )
        )
    connection.execute(
        insert(Preference).from_select(
            ["customer_id", "topic", "rank", "channel"], select(number + 1, literal(""), literal(0), first)
        )
    )
    _memberships(connection, number)


def _staff(connection: Connection) -> None:
    people = ((1, AUTHOR, "analyst"), (2, OFFICER, "officer"), (3, REP, "rep"))
    connection.execute(
        insert(Staff),
        [{"id": n, "email": email, "name": role.title(), "channels": ["email"]} for n, email, role in people],
    )
    connection.execute(insert(Grant), [{"staff_id": n, "role": role} for n, _, role in people])


def _numbers(count: int) -> ColumnElement[int]:
    """The numbers from 0 to count - 1, as a column of a common table expression."""
    numbers = select(literal(0, Integer).label("n")).cte("numbers", recursive=True)
    numbers = numbers.union_all(select(numbers.c.n + 1).where(numbers.c.n < count - 1))
    return numbers.c.n


def _customers(connection: Connection, number: ColumnElement[int]) -> None:
    # A cube makes the sizes of firms very different: the largest has some 17 %, half of them less than 0.3 % each.
    spread = number % 1000 * 7919 % 1000
    firm = spread * spread * spread // (1_000_000_000 // FIRMS) + 1
    connection.execute(
        insert(Customer).from_select(
            ["id", "key", "name", "firm_id"],
            select(number + 1, literal("c") + cast(number, String), literal("Customer ") + cast(number, String), firm),
        )
    )


def _first_choice(number: ColumnElement[int], mix: str) -> ColumnElement[str]:
    edges, total = [], 0
    for channel, share in MIXES[mix].items():
        total += share
        edges.append((number % 20 * 7 % 20 < total, literal(channel)))
    return case(*edges)


def _address(number: ColumnElement[int], channel: ColumnElement[str]) -> ColumnElement[str]:
    # Numbers that could be: nothing leaves for others.
    telephone = literal("+1") + cast(number + 2_022_000_000, String)
    mail = literal("c") + cast(number, String) + literal("@firm") + cast(number % FIRMS, String) + literal(".example")
    return case((channel == "email", mail), else_=telephone)


def _memberships(connection: Connection, number: ColumnElement[int]) -> None:
    """Every customer on one list, six of ten on a second, two of ten on a third."""
    home = number // 10 % len(LISTS)
    for step, from_digit in enumerate((0, 4, 8)):
        connection.execute(
            insert(ListMember).from_select(
                ["list_id", "customer_id"],
                select((home + step) % len(LISTS) + 1, number + 1).where(number % 10 >= from_digit),
            )
        )
