"""Writes what became of attempts: the state of the delivery or letter, and what follows from it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from functools import cache

from sqlalchemy import Connection, Dialect, Update, and_, bindparam, case, func, or_, select, update
from sqlalchemy.orm import Session, aliased

from dispatcher.model import Attempt, Conversation, Delivery, Letter
from dispatcher.model.delivery import CALL_FOLLOWS, FINAL, NOBODY, after
from dispatcher.model.gate import BARRED
from dispatcher.model.ports import Outcome
from dispatcher.runtime import Runtime
from dispatcher.services import answer_notices, directory_marks, fallback, order_words, rings
from dispatcher.services.once import clean
from dispatcher.services.tasks import open_task
from dispatcher.storage import looked_up_by_key
from dispatcher.storage.many import among, given

MAX_TRIES = 8
# Whoever comes next asks the circuit breaker, which knows of another provider or of the time to wait.
SOON = timedelta(seconds=1)


def settle(
    session: Session, runtime: Runtime, channel: str, table: type[Delivery | Letter], outcomes: Sequence[Outcome]
) -> None:
    """Write these outcomes of attempts, all of deliveries or all of letters as `table` says; the caller commits.

    Accepted ones, nearly all, in two statements for the lot. LookupError where they are not of this table.
    """
    looked_up_by_key(session)
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        # All attempts before any delivery, in one order for everybody, so that two writers never wait for each other.
        connection.execute(_HELD, {"attempts": [one.attempt for one in outcomes]})
    if accepted := {one.attempt: one for one in outcomes if one.state == "accepted"}:
        _accept(connection, table, accepted.values(), runtime.now())
    for outcome in outcomes:
        if outcome.state != "accepted":
            settle_one(session, runtime, channel, outcome)


def rehearse(session: Session, runtime: Runtime) -> None:
    """Run the statements of `settle` on nothing, as `fan_out.rehearse` does."""
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(_HELD, {"attempts": []})
    _accept(connection, Delivery, (), runtime.now())


_HELD = select(Attempt.id).where(among(Attempt.id, "attempts")).order_by(Attempt.id).with_for_update()


def _accept(
    connection: Connection, table: type[Delivery | Letter], outcomes: Collection[Outcome], now: datetime
) -> None:
    taken = [{"id": one.attempt, "ref": clean(one.provider_ref, 100) or None, "at": one.at or now} for one in outcomes]
    known = connection.execute(_attempts_accepted(connection.dialect), {"accepted": taken})
    told = {"told_by": now + rings.TOLD_WITHIN} if table is Letter else {}
    moved = connection.execute(_targets_accepted(table), {"attempts": [one.attempt for one in outcomes], **told})
    if known.rowcount and not moved.rowcount:
        raise LookupError(f"{known.rowcount} attempts are accepted, and none of them is of {table.__tablename__}")


@cache
def _attempts_accepted(dialect: Dialect) -> Update:
    accepted = given(dialect, "accepted", id=Attempt.id.type, ref=Attempt.provider_ref.type, at=Attempt.settled_at.type)
    return (
        update(Attempt)
        .where(Attempt.id == accepted.c.id)
        .values(state="accepted", provider_ref=accepted.c.ref, settled_at=accepted.c.at)
    )


@cache
def _targets_accepted(table: type[Delivery | Letter]) -> Update:
    """News from a webhook may have overtaken us: then only the time of acceptance is ours to add. What was put off
    although it had left is taken back; not where a person has ordered since that it be sent again, nor a call that is
    made again because it reached nobody.
    """
    target = Attempt.delivery_id if table is Delivery else Attempt.letter_id
    # Of several attempts the first that was taken counts.
    accepted = (
        select(target.label("id"), func.min(Attempt.settled_at).label("at"))
        .where(among(Attempt.id, "attempts"))
        .group_by(target)
        .subquery()
    )
    other = aliased(Attempt)
    latest = (
        select(other.id)
        .where(
            (other.delivery_id if table is Delivery else other.letter_id) == table.id,
            other.n == table.tries,
            other.state == "accepted",
            other.resent_by.is_(None),
            func.coalesce(other.code, "").not_in(NOBODY),
        )
        .correlate(table)
    )
    moves = or_(table.state.in_(("sending", "unknown")), and_(table.state == "deferred", latest.exists()))
    # A ring is due when its end should have been told.
    told_by = case((rings.ARE_RINGS, bindparam("told_by", type_=Letter.due_at.type))) if table is Letter else None
    return (
        update(table)
        .where(table.id == accepted.c.id)
        .values(
            accepted_at=func.coalesce(table.accepted_at, accepted.c.at),
            lease_until=None,
            due_at=case((moves, told_by), else_=table.due_at),
            error=case((moves, None), else_=table.error),
            state=case((moves, "accepted"), else_=table.state),
        )
    )


def settle_one(session: Session, runtime: Runtime, channel: str, outcome: Outcome) -> None:
    """Write one outcome that is not an acceptance, and act on the decision that it carries.

    What an attempt before the latest has to say no longer moves the delivery: it is being sent anew, or was.
    """
    attempt = session.get(Attempt, outcome.attempt, with_for_update=True, populate_existing=True)
    if attempt is None:
        return
    outcome = _stored(outcome)
    attempt.provider_ref = attempt.provider_ref or outcome.provider_ref or None
    if attempt.state == "accepted":
        return  # news has told already that the provider took it
    attempt.state, attempt.code = outcome.state, outcome.code or None
    attempt.error, attempt.settled_at = outcome.error or None, runtime.now()
    target = target_of(session, attempt)
    if outcome.mark:
        source = f"{attempt.provider} {outcome.code}"
        directory_marks.learn(session, runtime, channel, target.address, outcome.mark, source, of_send=True)
    if attempt.n == target.tries:
        apply_state(session, runtime, target, _next_state(session, target, outcome), outcome)


def target_of(session: Session, attempt: Attempt) -> Delivery | Letter:
    """What an attempt was made for, held and read anew. Attempts are held before that, by everybody."""
    if attempt.delivery_id:
        return session.get_one(Delivery, attempt.delivery_id, with_for_update=True, populate_existing=True)
    return session.get_one(Letter, attempt.letter_id, with_for_update=True, populate_existing=True)


def _stored(outcome: Outcome) -> Outcome:
    """As databases take it: a vendor's words may hold what they refuse, and one outcome would then block its chunk."""
    return outcome._replace(
        code=clean(outcome.code, 32),
        error=clean(outcome.error, 300),
        provider_ref=clean(outcome.provider_ref, 100),
    )


def _next_state(session: Session, target: Delivery | Letter, outcome: Outcome) -> str:
    """Certainly not sent means: try again, as long as tries are left. What is no fault of its own costs it none."""
    if outcome.decision == "stop-channel" or outcome.code in BARRED:
        return "deferred"
    if outcome.state == "deferred" and _cost(session, target) >= MAX_TRIES:
        return "failed"
    return outcome.state


def _cost(session: Session, target: Delivery | Letter) -> int:
    """Its tries without those that a gate of ours barred. `tries` numbers the attempts, so it counts all of them."""
    if target.tries < 2:
        return target.tries
    column = Attempt.delivery_id if isinstance(target, Delivery) else Attempt.letter_id
    barred = select(func.count()).where(column == target.id, Attempt.code.in_(tuple(BARRED)))
    return target.tries - (session.scalar(barred) or 0)


def apply_state(session: Session, runtime: Runtime, target: Delivery | Letter, state: str, outcome: Outcome) -> None:
    """Move a delivery or letter along the status machine; start the fallback where it ended badly."""
    before, target.state = target.state, after(target.state, state)
    if target.state == before:
        return
    outcome = _stored(outcome)
    target.error = outcome.error or outcome.code or None
    target.lease_until = None
    if target.state == "deferred" and isinstance(target, Delivery) and target.message.state == "cancelled":
        target.state = "cancelled"
    now = runtime.now()
    if target.state == "deferred":
        target.due_at = now + _delay(runtime, _cost(session, target), outcome)
    elif target.state == "unknown":
        target.due_at = now + timedelta(seconds=runtime.settings.look_up_after_seconds)
    elif target.state == "accepted" and isinstance(target, Letter) and rings.is_ring(target):
        target.due_at = now + rings.TOLD_WITHIN
    elif target.state in FINAL:
        # A ring that has ended is due once more: it is followed by another one, or by nothing, and goes on record.
        rang = isinstance(target, Letter) and rings.is_ring(target) and target.state != "rejected"
        target.settled_at, target.due_at = now, now if rang else None
    if target.state in ("failed", "bounced", "rejected"):
        why = outcome.error or outcome.code or target.state
        if isinstance(target, Delivery):
            fallback.start(session, runtime, target, why)
        else:
            hand_back(session, runtime, target, why)


def hand_back(session: Session, runtime: Runtime, letter: Letter, why: str) -> None:
    """A letter that will not arrive is a task: the conversation's rep's for a response, else the administrators'. Who
    wrote a response is told as well.

    Not one that says that a call will follow: the call does. Nor one that confirms an opt-out, which counts without it;
    nor a ring to an officer that is followed up by policy.
    """
    if letter.kind in (CALL_FOLLOWS, "confirmation") or (rings.is_ring(letter) and letter.due_at is not None):
        return
    of_rep = letter.kind in ("response", "order-noted") and letter.conversation_id is not None
    whose = session.get(Conversation, letter.conversation_id) if of_rep else None
    if letter.kind == "response":
        answer_notices.tell_undelivered(session, runtime, letter, why)
    to = "the customer" if letter.customer_id else "a member of staff"
    text = f"The {letter.kind} to {to} did not go out by {letter.channel} ({why}): reach them yourself"
    if letter.kind == "order-noted":
        text = order_words.untold(letter.channel, why, withdrawn=letter.dedupe.startswith("order-withdrawn"))
    open_task(
        session,
        kind="failed",
        dedupe=f"failed:letter:{letter.id}",
        text=text,
        rep_id=whose.rep_id if whose else None,
        customer_id=letter.customer_id,
        message_id=letter.message_id,
        letter_id=letter.id,
    )


def _delay(runtime: Runtime, tries: int, outcome: Outcome) -> timedelta:
    """What the provider asked for, else twice as long each time from 5 s to 10 min, spread by a quarter."""
    if outcome.decision == "stop-channel" or outcome.code in BARRED:
        return SOON
    seconds = outcome.retry_after if outcome.retry_after is not None else min(600.0, 2.5 * 2 ** min(tries, MAX_TRIES))
    return timedelta(seconds=seconds * runtime.chance.uniform(1.0, 1.25))
