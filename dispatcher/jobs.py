"""The RQ functions: each opens a session, calls one use case, commits, rings.

They run in a persistent worker process that called `configure` once; one event loop lives as long as the
process, because the providers' connections belong to it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.runtime import Runtime
from dispatcher.services import callbacks, letter_sending, reconcile, replies, sending
from dispatcher.services import release as releasing
from dispatcher.storage import gave_way

TRANSACTION_TRIES = 4
# Seconds. The queue's own limit raises in a signal, which the event loop swallows: this one ends a job that hangs.
JOB_LIMIT = 600.0

_runtime: Runtime | None = None
_loop: asyncio.AbstractEventLoop | None = None


def configure(runtime: Runtime) -> None:
    """Give this process its runtime. Called once, before the first job."""
    global _runtime
    _runtime = runtime


def close() -> None:
    """End the providers' connections. Called once, after the last job."""
    if _loop is not None:
        for providers in _current().adapters.providers.values():
            for provider in providers:
                _run(provider.aclose())


def _current() -> Runtime:
    if _runtime is None:
        raise RuntimeError("jobs run in `dispatcher worker`, which configures them")
    return _runtime


def _run(work: Coroutine[Any, Any, object]) -> Any:
    global _loop
    if _loop is None:
        _loop = uvloop.new_event_loop()
    return _loop.run_until_complete(asyncio.wait_for(work, JOB_LIMIT))


def fan_out(message_id: int, channel: str, batch: int) -> None:
    """Send one batch of a release."""
    _run(sending.send_batch(_current(), message_id, channel, batch))


def fan_out_due(message_id: int, channel: str) -> None:
    """Send what is due on a channel of a release: retries, fallbacks, what was left lying."""
    _run(sending.send_batch(_current(), message_id, channel, None))


def send_letter(letter_id: int) -> None:
    """Send one letter."""
    _run(letter_sending.send_letter(_current(), letter_id))


def look_up(attempt_id: str) -> None:
    """Ask the provider what became of an attempt."""
    _run(reconcile.look_up(_current(), attempt_id))


def release(message_id: int) -> None:
    """Release a message whose time has come."""
    _transact(lambda session, runtime: releasing.release_due(session, runtime, message_id))


def apply_callback(callback_id: int) -> None:
    """Read a kept callback and apply what it says."""
    _transact(lambda session, runtime: callbacks.apply(session, runtime, callback_id))


def _transact(work: Callable[[Session, Runtime], object]) -> None:
    """One use case in one transaction, again where the database chose it to give way to another."""
    runtime = _current()
    for left in reversed(range(TRANSACTION_TRIES)):
        try:
            with runtime.sessions() as session:
                work(session, runtime)
                commit(session, runtime.bells)
            return
        except OperationalError as error:
            if not left or not gave_way(error):
                raise


def fetch_recording(reply_id: int) -> None:
    """Bring a spoken answer over from the provider; no session is open meanwhile."""
    runtime = _current()
    with runtime.sessions() as session:
        pending = replies.pending_recording(session, reply_id)
    if pending is None:
        return
    line = next(iter(runtime.adapters.lines.values()))
    file = _run(line.fetch_recording(pending))
    with runtime.sessions() as session:
        replies.attach_recording(session, runtime, reply_id, file)
        commit(session, runtime.bells)
