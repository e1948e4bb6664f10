"""Looks whether the database is the one this host knows, when a process starts and once a minute."""

from __future__ import annotations

from dispatcher.bells import commit
from dispatcher.runtime import Runtime
from dispatcher.services import witness


def observe(runtime: Runtime, *, anchors: bool = False) -> None:
    """Pause where the database was restored, else note outside how far it is. With `anchors`: by a clock."""
    with runtime.sessions() as session:
        witness.look(session, runtime)
        noted = witness.beat(session, runtime)
        commit(session, runtime.bells)
    if noted is not None:
        witness.note_down(runtime, noted, anchors=anchors)
