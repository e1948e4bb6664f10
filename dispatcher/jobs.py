"""The RQ functions: each opens a session, calls one use case, commits, rings.

They run in a persistent worker process that called `configure` once; one event loop lives as long as the
process, because the providers' connections belong to it.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Coroutine, Sequence
from functools import partial
from typing import Any

import uvloop
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from approvals import by_message, dictation, escalation, review
from dispatcher.bells import commit
from dispatcher.model import Recording
from dispatcher.model.call import ALERT, REASON
from dispatcher.runtime import Runtime
from dispatcher.services import (
    alert_intake,
    callbacks,
    fax_documents,
    hook_posting,
    letter_sending,
    mirrors,
    missed_texts,
    news,
    order_rings,
    reconcile,
    recording_erasure,
    recording_fetch,
    transcripts,
    unclaimed,
    unsettled,
)
from dispatcher.services import release as releasing
from dispatcher.services.sending import Pump
from dispatcher.storage import taken_again

log = logging.getLogger(__name__)

TRANSACTION_TRIES = 4
APPLY_FOR, GATHER_FOR = 5.0, 0.1  # seconds
# Seconds. The queue's own limit raises in a signal, which the event loop swallows: this one ends a job that hangs.
JOB_LIMIT = 600.0

_runtime: Runtime | None = None
_loop: asyncio.AbstractEventLoop | None = None
_pumps: dict[str, Pump] = {}
_stopping: Callable[[], bool] | None = None


def configure(runtime: Runtime, stopping: Callable[[], bool] | None = None) -> None:
    """Give this process its runtime, before its first job; `stopping` tells a long job to come to its end."""
    global _runtime, _stopping
    _runtime, _stopping = runtime, stopping
    _pumps.clear()


def close() -> None:
    """End the providers' connections. Called once, after the last job."""
    if _loop is not None:
        adapters = _current().adapters
        for providers in adapters.providers.values():
            for provider in providers:
                _run(provider.aclose())
        for line in adapters.lines.values():
            _run(line.aclose())
        for one in adapters.lists.values():
            _run(one.aclose())
        if adapters.transcriber is not None:
            _run(adapters.transcriber.aclose())
        if adapters.poster is not None:
            _run(adapters.poster.aclose())


def _current() -> Runtime:
    if _runtime is None:
        raise RuntimeError("jobs run in `dispatcher worker`, which configures them")
    return _runtime


def _run(work: Coroutine[Any, Any, object]) -> Any:
    global _loop
    if _loop is None:
        _loop = uvloop.new_event_loop()
    return _loop.run_until_complete(_limited(work))


async def _limited(work: Coroutine[Any, Any, object]) -> object:
    async with asyncio.timeout(JOB_LIMIT):
        return await work


def fan_out(channel: str) -> None:
    """Send what is due on a channel."""
    pump = _pumps.get(channel) or _pumps.setdefault(channel, Pump(_current(), channel))
    _run(pump.run(_stopping or (lambda: False)))


def send_letter(letter_id: int) -> None:
    """Send one letter."""
    _run(letter_sending.send_letter(_current(), letter_id))


def look_ups() -> None:
    """Ask the providers what became of the attempts in doubt."""
    _run(reconcile.look_ups(_current()))


def post_hooks() -> None:
    """Tell outgoing webhooks what is new."""
    _run(hook_posting.post_due(_current()))


def release(message_id: int) -> None:
    """Release a message whose time has come."""
    _transact(lambda session, runtime: releasing.release_due(session, runtime, message_id))


def escalate(message_id: int) -> None:
    """Tell more people that nobody has decided."""
    _transact(lambda session, runtime: escalation.escalate(session, runtime, message_id))


def pass_on(oldest: int = 0) -> None:
    """Nobody has claimed a conversation in time, or its owner left: the next one has it. `oldest` tells rings apart."""
    _each(unclaimed.due, unclaimed.pass_on)


def escalate_orders(oldest: int = 0) -> None:
    """Put the orders that nobody has claimed to more people. `oldest` tells rings apart."""
    _each(order_rings.due, order_rings.escalate)


def remind_of_doubts(oldest: int = 0) -> None:
    """Remind people of doubts that hold alerts back. `oldest` tells rings apart."""
    _each(unsettled.due, unsettled.remind)


def end_call(call_id: int) -> None:
    """A member of staff's call has gone quiet: what was recorded in it is a draft."""
    _transact(lambda session, runtime: dictation.left(session, runtime, call_id))


def take_alert(reply_id: int) -> None:
    """Make a draft of what an analyst sent by mail or text message, or the written form of a dictated alert."""
    mine: list[bool] = []
    _transact(lambda session, runtime: mine.append(alert_intake.claim(session, runtime, reply_id)))
    if mine[-1]:
        _transact(lambda session, runtime: by_message.take(session, runtime, reply_id))


def apply_callbacks(oldest: int = 0) -> None:
    """Read kept callbacks and do what they say, chunk by chunk until none is due. `oldest` tells rings apart."""
    runtime = _current()
    callbacks.heard(runtime)
    until, first = runtime.monotonic() + APPLY_FOR, True
    while waiting := _callbacks_waiting():
        if runtime.monotonic() > until:  # others wait in this queue, too
            runtime.bells.ring([callbacks.RING])
            return
        if not first and waiting < 1:
            time.sleep(GATHER_FOR)  # they come in a burst: many cost little more than a few
        _apply_chunk()
        first = False


def _callbacks_waiting() -> float:
    with _current().sessions() as session:
        return callbacks.waiting(session, _current())


def _apply_chunk() -> None:
    """What one of them does to the whole transaction is done to it alone."""
    chunk: list[int] = []

    def claim(session: Session, runtime: Runtime) -> None:
        chunk[:] = callbacks.claim(session, runtime)

    _transact(claim)
    if not chunk:
        return
    try:
        _transact(lambda session, runtime: news.apply_all(session, runtime, chunk))
    except DBAPIError as error:
        log.warning("%d callbacks are applied one by one: %s", len(chunk), type(error).__name__)
        for one in chunk:
            _apply_alone(one)


def _apply_alone(callback_id: int) -> None:
    """One callback in a transaction of its own. If that fails though the database answers, the callback is blamed."""
    try:
        _transact(lambda session, runtime: news.apply_all(session, runtime, [callback_id]))
    except DBAPIError as error:
        why = error
        _transact(lambda session, runtime: callbacks.blame(session, runtime, callback_id, why))


def _transact(work: Callable[[Session, Runtime], object]) -> None:
    """One use case in one transaction, again where the database chose it to give way to another."""
    runtime = _current()

    def once() -> None:
        with runtime.sessions() as session:
            work(session, runtime)
            commit(session, runtime.bells)

    taken_again(once, TRANSACTION_TRIES)


def _act_on(act: Callable[[Session, Runtime, int], object], number: int, session: Session, runtime: Runtime) -> None:
    act(session, runtime, number)


def _each(due: Callable[[Session, Runtime], Sequence[int]], act: Callable[[Session, Runtime, int], object]) -> None:
    """Whatever is due, each in a transaction of its own: one that fails keeps none of the others from its turn."""
    runtime = _current()
    until = runtime.monotonic() + APPLY_FOR
    with runtime.sessions() as session:
        numbers = due(session, runtime)
    for number in numbers:
        if runtime.monotonic() > until:  # others wait in this queue, too; the sweep rings again
            return
        try:
            _transact(partial(_act_on, act, number))
        except Exception:
            log.exception("what was due could not be done: %d", number)


def fetch_recording(recording_id: int) -> None:
    """Bring what was said on the telephone over from the provider."""
    _run(recording_fetch.fetch_with_others(_current(), recording_id, _arrived))


def fetch_document(reply_id: int) -> None:
    """Bring the pages of a fax over from the provider."""
    _run(fax_documents.fetch(_current(), reply_id))


def _arrived(session: Session, runtime: Runtime, recording: Recording) -> None:
    """What members of staff have recorded goes into what they recorded it for."""
    if recording.purpose == ALERT:
        dictation.piece_arrived(session, runtime, recording)
    elif recording.purpose == REASON:
        review.reason_arrived(session, runtime, recording)


def find_missed_texts(provider: str) -> None:
    """Ask a provider for text messages or faxes that no webhook has brought."""
    _run(missed_texts.look(_current(), provider))


def erase_recordings() -> None:
    """Delete at the provider what has been kept here for long enough."""
    _run(recording_erasure.erase_due(_current()))


def mirror_orders() -> None:
    """Tell the providers that keep lists of opt-outs of those that they do not know."""
    _run(mirrors.mirror_due(_current()))


def read_suppressions() -> None:
    """Read the lists of opt-outs that providers keep by themselves."""
    _run(mirrors.read_due(_current()))


def transcribe_recording(recording_id: int) -> None:
    """Ask what a machine has understood of it."""
    _run(transcripts.ask(_current(), recording_id))
