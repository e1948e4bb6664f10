"""Looks whether the database is the one this host knows, when a process starts and once a minute."""

from __future__ import annotations

import logging

from dispatcher.bells import commit
from dispatcher.runtime import Runtime
from dispatcher.services import witness

log = logging.getLogger(__name__)


def observe(runtime: Runtime, *, anchors: bool = False) -> None:
    """Pause where the database was restored, else note outside how far it is. With `anchors`: by a clock."""
    with runtime.sessions() as session:
        witness.look(session, runtime)
        noted = witness.beat(session, runtime)
        commit(session, runtime.bells)
    if noted is None:
        return
    try:
        witness.note_down(runtime, noted, anchors=anchors)
    except OSError as error:  # a full disk stops no alert: what is outside is only a little older then
        log.warning("VAR_DIR cannot be written: %s", type(error).__name__)
