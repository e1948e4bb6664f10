"""A host that falls silent is given up within half a minute, and with it what it had locked."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from dispatcher.storage import make_engine

SETTINGS = {
    "idle_in_transaction_session_timeout": "5min",
    # On a socket of the same machine there is nothing to be asked: the server says 0 then.
    "tcp_keepalives_idle": ("10", "0"),
    "tcp_user_timeout": ("30s", "0"),
}


@pytest.mark.parametrize("name", SETTINGS)
def test_every_connection_gives_a_silent_host_up(postgres_url: str, name: str) -> None:
    engine = make_engine(postgres_url)
    with engine.connect() as connection:
        assert connection.execute(text(f"SHOW {name}")).scalar_one() in SETTINGS[name]
        connection.rollback()
        assert connection.execute(text(f"SHOW {name}")).scalar_one() in SETTINGS[name], "undone by a rollback"
    engine.dispose()
