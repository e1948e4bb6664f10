"""The benchmark's directory: as many customers as asked for, overlapping lists, firms of very different sizes."""

from __future__ import annotations

from collections import Counter

import pytest
from sqlalchemy import Engine, func, inspect, select

from dispatcher.bench.directory import FIRMS, LISTS, clear, fill
from dispatcher.bench.options import Options
from dispatcher.model import ContactPoint, Customer, ListMember, Preference


@pytest.mark.parametrize(
    ("mix", "wanted"),
    [("sms", {"sms": 1000}), ("mixed", {"sms": 500, "email": 450, "voice": 50})],
)
def test_a_directory_is_made_by_a_few_statements(engine: Engine, mix: str, wanted: dict[str, int]) -> None:
    with engine.begin() as connection:
        fill(connection, Options(recipients=1000, mix=mix))
        lists = (
            connection.execute(select(func.count(ListMember.list_id)).group_by(ListMember.customer_id)).scalars().all()
        )
        first = connection.execute(select(Preference.channel, func.count()).group_by(Preference.channel)).all()
        firms = connection.execute(select(func.count(Customer.id)).group_by(Customer.firm_id)).scalars().all()
        members = (
            connection.execute(select(func.count(ListMember.list_id)).group_by(ListMember.list_id)).scalars().all()
        )
        points = connection.execute(select(ContactPoint.channel, ContactPoint.address)).all()
    assert Counter(lists) == {1: 400, 2: 400, 3: 200}
    assert {row[0]: row[1] for row in first} == wanted
    assert len(members) == len(LISTS)
    assert len(firms) <= FIRMS
    assert max(firms) > 20 * min(firms)
    # Nobody shares an address: as many deliveries as recipients.
    assert len(points) == len(set(points)) == 2000


def test_a_lent_database_is_given_back_empty(engine: Engine) -> None:
    clear(engine)
    assert inspect(engine).get_table_names() == []
