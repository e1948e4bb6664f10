from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.webhooks.world import World, world_of


@pytest.fixture
def world(sessions: sessionmaker[Session], tmp_path: Path) -> World:
    """On SQLite and on PostgreSQL."""
    return world_of(sessions, tmp_path)


@pytest.fixture
def light(sqlite_url: str, tmp_path: Path) -> World:
    """On SQLite alone, for tables of many cases."""
    from dispatcher.storage import make_engine, make_sessions

    return world_of(make_sessions(make_engine(sqlite_url)), tmp_path)
