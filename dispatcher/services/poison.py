"""Poison: what a worker dies of, or raises over, three times is set aside with an alarm, and the rest go on.

Nothing follows by itself, not even the next channel: what kills a worker here may kill it there too. A person
says what becomes of it, by the task.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from dispatcher.model import Conversation, Delivery, Letter, Recording, Task
from dispatcher.model.delivery import due_by
from dispatcher.runtime import Runtime
from dispatcher.services import tasks
from dispatcher.services.ownership import owner_of

log = logging.getLogger(__name__)

MOST_MISHAPS = 3
BACK_OFF = timedelta(seconds=30)
CONTENT_AGAIN = timedelta(minutes=5)

_NOT_FETCHED = "the recording could not be fetched"


def is_poison(target: Delivery | Letter) -> bool:
    """True when too many workers came to harm over it."""
    return target.mishaps >= MOST_MISHAPS


def set_aside(session: Session, runtime: Runtime, target: Delivery | Letter, why: str) -> None:
    """Fail it without what usually follows, and give it to the administrators. The caller holds its row."""
    target.state, target.settled_at, target.due_at, target.lease_until = "failed", runtime.now(), None, None
    target.error = f"set aside: {why}"[:300]
    name = f"{type(target).__name__.lower()} {target.id}"
    text = f"{target.channel.capitalize()} {name} was set aside ({why}): say what shall become of it"
    tasks.alarm(session, runtime, target.channel, f"{name} was set aside: {why}", about="set aside", tell=True)
    if isinstance(target, Letter):
        tasks.open_task(
            session,
            kind="poison",
            dedupe=f"poison:letter:{target.id}",
            text=text,
            rep_id=_rep_of(session, target),
            customer_id=target.customer_id,
            message_id=target.message_id,
            letter_id=target.id,
        )
        return
    customers: list[int | None] = [one.customer_id for one in target.recipients]
    for customer_id in customers or [None]:
        tasks.open_task(
            session,
            kind="poison",
            dedupe=f"poison:delivery:{target.id}:{customer_id or ''}",
            text=text,
            customer_id=customer_id,
            message_id=target.message_id,
            delivery_id=target.id,
        )


def _rep_of(session: Session, letter: Letter) -> int | None:
    whose = session.get(Conversation, letter.conversation_id) if letter.conversation_id and letter.customer_id else None
    return whose.rep_id if whose else None


def stumbled(session: Session, runtime: Runtime, letter: Letter, error: BaseException) -> None:
    """A letter could not even be handed to a provider: later again, at last aside. The caller holds its row."""
    # The name alone: a text of an error may repeat what a person wrote.
    log.warning("letter %d: %s", letter.id, type(error).__name__)
    letter.mishaps += 1
    letter.due_at = runtime.now() + BACK_OFF * letter.mishaps
    if is_poison(letter):
        set_aside(session, runtime, letter, type(error).__name__)


def no_content(session: Session, runtime: Runtime, message_id: int, channel: str, why: str) -> None:
    """A release that cannot be composed for a channel waits, so that others go on; an alarm an hour says so.

    Nothing of it is given up: it goes on when what is wrong was mended, expires, or is cancelled by a person.
    """
    session.execute(
        update(Delivery)
        .where(*due_by(message_id, channel, runtime.now()))
        .values(due_at=runtime.now() + CONTENT_AGAIN, error=why[:300])
        .execution_options(synchronize_session=False)
    )
    tasks.alarm(
        session, runtime, channel, f"message {message_id} is not sent: {why}", about=f"message {message_id}", tell=True
    )


def no_recording(session: Session, runtime: Runtime, recording: Recording, why: str) -> None:
    """What was said on the telephone cannot be fetched: a task for whoever can ask the speaker again.

    The caller holds the recording's row. Of a customer's answer it is who answers them, else the administrators.
    """
    reply, call = recording.reply, recording.staff_call
    if reply is not None:
        reply.note = f"{reply.note}; {_NOT_FETCHED}"[:300].strip("; ")
        text = f"A spoken answer (reply {reply.id}) cannot be fetched from the provider ({why}): ring the customer"
    else:
        speaker = call.staff.name if call and call.staff else "somebody"
        text = f"What {speaker} recorded by telephone ({recording.purpose}) cannot be fetched ({why}): ask them"
    owner = owner_of(session, reply.customer) if reply and reply.customer else None
    tasks.open_task(
        session,
        kind="poison",
        dedupe=f"poison:recording:{recording.id}",
        text=text,
        rep_id=owner.id if owner else None,
        customer_id=reply.customer_id if reply else None,
        message_id=reply.message_id if reply else call.message_id if call else None,
    )


def recording_came(session: Session, runtime: Runtime, recording: Recording) -> None:
    """It was had after all: nobody has to do anything about it. The caller holds the recording's row."""
    if recording.reply is not None:
        recording.reply.note = recording.reply.note.replace(_NOT_FETCHED, "").strip("; ")
    task = session.scalar(select(Task).where(Task.dedupe == f"poison:recording:{recording.id}", Task.state == "open"))
    if task is not None:
        tasks.mark_closed(runtime, task, None, tasks.SETTLED)
