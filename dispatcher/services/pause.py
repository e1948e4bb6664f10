"""The pause: nothing starts to customers until a person resumes. Letters to staff still go out.

A person pauses, or the product itself does when it finds that its database was restored (`witness.py`). It stands
in the database, one for each cause, and on the record.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from dispatcher.bells import note
from dispatcher.model import CHANNELS, Attempt, Delivery, Letter, Mark, Message, Pause, Staff
from dispatcher.model.bounds import CAUSES
from dispatcher.model.delivery import GOING, WAITING, in_states
from dispatcher.model.errors import NotAllowed, Refused, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import tasks
from dispatcher.services.audit import record
from dispatcher.services.once import clean, insert_once

RESTORED = "restored from a backup: it may have been sent after that was made"
RESTORED_CODE = "restored"  # of an attempt: what it stands for may have left under an id that nobody remembers
_CHUNK = 5000


@dataclass(frozen=True, slots=True)
class Waiting:
    """What goes out as soon as nothing holds it: how many deliveries of a message on a channel.

    `state` is the message's: of one that is approved, everything, by whatever channel, since it is released then.
    """

    message_id: int
    subject: str
    state: str
    channel: str
    count: int


# Built once: every claim asks, and to build it takes longer than to run it.
_STANDING = select(Pause).where(Pause.standing.is_not(None))


def in_force(session: Session) -> Pause | None:
    """The pause that stands, of two the graver; None when sending goes on. One look at a table of a few rows."""
    standing = session.scalars(_STANDING).all()
    return min(standing, key=lambda one: CAUSES.index(one.cause), default=None)


def begin(session: Session, runtime: Runtime, staff: Staff | str, reason: str) -> Pause:
    """Stop sending, by order of an administrator; `staff` is "system" for the command on this host.

    Raises NotAllowed, Refused without a reason, StateConflict where a person has paused already.
    """
    _require_admin(staff)
    words = " ".join(clean(reason).split())
    if not words:
        raise Refused({"reason": "is empty: say why, for those who find sending paused"})
    if len(words) > 500:
        raise Refused({"reason": f"has {len(words)} characters; at most 500 are taken"})
    made = open_pause(session, runtime, "person", words, staff)
    if made is None:
        raise StateConflict("sending is paused already", state="paused")
    return made


def open_pause(
    session: Session, runtime: Runtime, cause: str, reason: str, actor: Staff | str, outside: Sequence[Any] = ()
) -> Pause | None:
    """The pause with this cause, put on record and told to the administrators; None where one stands."""
    by = actor.email if isinstance(actor, Staff) else actor
    made = insert_once(
        session,
        Pause,
        cause=cause,
        standing=cause,
        reason=reason[:500],
        outside=list(outside),
        began_at=runtime.now(),
        began_by=by,
    )
    if made is not None:
        record(session, runtime, actor, "pause sending", f"pause {made.id}", cause=cause, reason=reason)
        tasks.alarm(session, runtime, "sending", f"is paused: {reason}", about=f"pause {made.id}", tell=True)
    return made


def resume(session: Session, runtime: Runtime, staff: Staff | str, *, look_up: bool | None = None) -> list[Pause]:
    """End every pause; what waits goes out. By order of an administrator, or of the command on this host.

    With `look_up`, as is usual after a restore (None), what waited in the restored database is first looked up at
    its providers: it may have left after the backup was made. Raises NotAllowed, and StateConflict without a pause.
    """
    _require_admin(staff)
    ended = list(session.scalars(select(Pause).where(Pause.standing.is_not(None)).order_by(Pause.id).with_for_update()))
    if not ended:
        raise StateConflict("sending is not paused", state="sending")
    restored = next((one for one in ended if one.cause == "restore"), None)
    doubted = 0
    if restored is not None:
        doubted = _doubt_what_waited(session, runtime, restored) if look_up is not False else 0
        # A new name for what the database becomes from here: its beats are not those of the one that was lost.
        session.execute(delete(Mark))
    session.execute(
        update(Letter)
        .where(Letter.customer_id.is_not(None), in_states(Letter.state, *WAITING))
        .values(due_at=runtime.now())
        .execution_options(synchronize_session=False)
    )
    for channel in runtime.usable_channels():
        note(session, channel, "fan_out", channel)
    for one in ended:
        one.standing, one.ended_at = None, runtime.now()
        one.ended_by = staff.email if isinstance(staff, Staff) else staff
        tasks.close_alarm(session, runtime, "sending", f"pause {one.id}")
        # Last: the record's lock comes after those of deliveries, for everybody.
        record(
            session, runtime, staff, "resume sending", f"pause {one.id}",
            cause=one.cause, looked_up=doubted if one is restored else 0, outside=one.outside,
        )  # fmt: skip
    return ended


def last_restore(session: Session) -> datetime | None:
    """When the last restore was found: what the lost database sent had left by then."""
    return session.scalar(select(func.max(Pause.began_at)).where(Pause.cause == "restore"))


def _require_admin(staff: Staff | str) -> None:
    if isinstance(staff, Staff) and not staff.has("admin"):
        raise NotAllowed("only administrators pause and resume sending")


def _doubt_what_waited(session: Session, runtime: Runtime, pause: Pause) -> int:
    """Whatever waited in the restored database may have left since the backup: looked up before anything else.

    What was in doubt already may have been settled, and sent again, in the past that was lost.
    """
    session.execute(
        update(Attempt)
        .where(Attempt.state.in_(("sending", "unknown")), Attempt.started_at <= pause.began_at)
        .values(code=RESTORED_CODE, absences=0)
        .execution_options(synchronize_session=False)
    )
    deliveries = (
        select(Delivery.id, Delivery.channel, Delivery.tries, Message.released_at.label("since"))
        .join(Message, Message.id == Delivery.message_id)
        .where(in_states(Delivery.state, *WAITING), Message.released_at <= pause.began_at)
        .order_by(Delivery.id)
    )
    letters = (
        select(Letter.id, Letter.channel, Letter.tries, Letter.created_at.label("since"))
        .where(in_states(Letter.state, *WAITING), Letter.customer_id.is_not(None), Letter.created_at <= pause.began_at)
        .order_by(Letter.id)
    )
    providers = {channel: some[0].name for channel, some in runtime.adapters.providers.items() if some}
    done = 0
    for table, query, column in ((Delivery, deliveries, "delivery_id"), (Letter, letters, "letter_id")):
        chunk = query.where(table.channel.in_(providers)).limit(_CHUNK)
        while rows := session.execute(chunk).all():
            attempts = [
                {
                    "id": runtime.new_id(),
                    column: row.id,
                    "n": row.tries + 1,
                    "provider": providers[row.channel],
                    "state": "unknown",
                    "code": RESTORED_CODE,
                    "error": RESTORED,
                    "started_at": row.since,
                }
                for row in rows
            ]
            session.execute(insert(Attempt), attempts)
            session.execute(
                update(table)
                .where(table.id.in_([row.id for row in rows]))
                .values(state="unknown", tries=table.tries + 1, due_at=runtime.now(), error=RESTORED)
                .execution_options(synchronize_session=False)
            )
            done += len(rows)
    session.expire_all()
    return done


def waiting(session: Session, runtime: Runtime) -> list[Waiting]:
    """What a resume would let go: by message and channel, those due first whose release is oldest."""
    rows = session.execute(
        select(Delivery.message_id, Delivery.channel, func.count())
        .join(Message, Message.id == Delivery.message_id)
        .where(in_states(Delivery.state, *WAITING), Message.state.in_(GOING))
        .group_by(Delivery.message_id, Delivery.channel)
    ).all()
    due = session.scalars(
        select(Message.id).where(
            Message.state == "approved", or_(Message.release_at.is_(None), Message.release_at <= runtime.now())
        )
    ).all()
    found = [*((number, channel, count) for number, channel, count in rows), *((number, "", 0) for number in due)]
    messages = {
        one.id: one
        for one in session.scalars(select(Message).where(Message.id.in_({number for number, _, _ in found})))
    }
    order = {name: place for place, name in enumerate(("", *CHANNELS))}
    return [
        Waiting(number, messages[number].current.subject, messages[number].state, channel, count)
        for number, channel, count in sorted(found, key=lambda row: (row[0], order.get(row[1], len(order))))
    ]


def letters_waiting(session: Session) -> int:
    """How many letters to customers, such as representatives' answers, wait."""
    query = select(func.count()).select_from(Letter)
    return session.scalar(query.where(Letter.customer_id.is_not(None), in_states(Letter.state, *WAITING))) or 0


def history(session: Session, limit: int = 20) -> list[Pause]:
    """The last pauses, the newest first."""
    return list(session.scalars(select(Pause).order_by(Pause.id.desc()).limit(limit)))
