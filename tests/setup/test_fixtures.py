"""The fixtures themselves: what everybody's tests stand on."""

from __future__ import annotations

import pytest
import redis
from sqlalchemy import text
from sqlalchemy.orm import Session


@pytest.mark.parametrize("turn", [1, 2])
def test_every_test_has_a_database_of_its_own(session: Session, turn: int) -> None:
    session.execute(text("CREATE TABLE only_here (x integer)"))
    session.commit()


@pytest.mark.parametrize("turn", [1, 2])
def test_valkey_is_empty_and_refuses_rather_than_forgets(valkey: str, turn: int) -> None:
    with redis.Redis.from_url(valkey, decode_responses=True) as client:
        assert client.dbsize() == 0
        client.set("left", "behind")
        assert client.config_get("maxmemory-policy")["maxmemory-policy"] == "noeviction"
        assert client.config_get("appendonly")["appendonly"] == "yes"


def test_ports_differ(free_port: int) -> None:
    assert 1024 < free_port < 32000
