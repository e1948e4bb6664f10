"""Standing orders not to use a contact point: given, graver or lifted, and what they keep from it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, ScalarSelect, select, update
from sqlalchemy.orm import Session

from dispatcher.bells import note
from dispatcher.model import AuditEntry, Letter, Message, Reply, Staff, Suppression, Task
from dispatcher.model.delivery import CALL_FOLLOWS
from dispatcher.runtime import Runtime
from dispatcher.services import tasks
from dispatcher.services.audit import record
from dispatcher.services.holding import hold_what_waits
from dispatcher.services.once import clean, insert_once

REASONS = ("opt-out", "bounce", "complaint", "wrong-person", "provider", "by-hand", "doubt")
# What the person themselves may take back by a START or in their preferences. The others are the bank's.
THEIR_OWN = ("opt-out", "provider", "doubt")
# The source of orders that one press has given for all ways of a customer, and one takes back.
EVERYWHERE = "preferences page, everything everywhere"
# A second order counts where it is the graver one: who complained must not get alerts again by a START.
_GRAVITY = {"doubt": 0, "opt-out": 1, "provider": 1}
_GRAVEST = 2
# Where the carrier itself blocks who has sent it a STOP, and lets only a START undo that.
_BLOCKED = ("sms",)
# How long the confirmation of an opt-out may take. A provider that is told before would drop it.
CONFIRMED_WITHIN = timedelta(minutes=5)
_MIRRORED_AFTER = CONFIRMED_WITHIN + timedelta(minutes=1)


def concerns(topic: str | ColumnElement[str] | ScalarSelect[str]) -> ColumnElement[bool]:
    """The order is in force, and holds for messages of this topic: it is for all topics or for that one."""
    return Suppression.topic.in_(("", topic)) & Suppression.lifted_at.is_(None)


def bars(topic: str | ColumnElement[str] | ScalarSelect[str]) -> ColumnElement[bool]:
    """As `concerns`, but for one that is only doubtful: what goes there waits, see `doubted`."""
    return concerns(topic) & (Suppression.reason != "doubt")


def in_force(session: Session, channel: str, address: str, topic: str = "") -> Suppression | None:
    """The standing order that keeps messages of this topic from the address: for all topics first, else for that one.

    Without a topic: the order for all topics.
    """
    return _first(session, channel, address, concerns(topic))


def _first(session: Session, channel: str, address: str, standing: ColumnElement[bool]) -> Suppression | None:
    return session.scalars(
        select(Suppression)
        .where(Suppression.channel == channel, Suppression.address == address, standing)
        .order_by(Suppression.topic)
        .limit(1)
    ).first()


def all_in_force(session: Session, channel: str, address: str) -> list[Suppression]:
    """Every standing order for the address, the one for all topics first."""
    return list(
        session.scalars(
            select(Suppression)
            .where(Suppression.channel == channel, Suppression.address == address, Suppression.lifted_at.is_(None))
            .order_by(Suppression.topic)
        )
    )


def against(session: Session, letter: Letter) -> Suppression | None:
    """The standing order that keeps a letter from its customer; None for letters to staff.

    Its own order lets the one confirmation of it pass. While it is doubtful what they meant, what a person answers
    them goes out, and what tells them how their own order stands; nothing else.
    """
    if letter.customer_id is None:
        return None
    if letter.kind in ("response", "order-noted"):
        return barring(session, letter.channel, letter.address)
    about = letter.message_id if letter.kind == CALL_FOLLOWS else None
    topic = session.get_one(Message, about).current.topic if about else ""
    order = in_force(session, letter.channel, letter.address, topic)
    confirms = order is not None and order.reason == "opt-out" and letter.dedupe == confirmation_of(order)
    return None if confirms else order


def barring(session: Session, channel: str, address: str, topic: str = "") -> Suppression | None:
    """As `in_force`, but for an order that is only doubtful: it keeps no person's own answer from the address, nor
    what tells a customer of their own order.
    """
    return _first(session, channel, address, bars(topic))


def confirmation_of(order: Suppression) -> str:
    """The `dedupe` of the letter that confirms an order: there is one, and it alone passes that order."""
    return f"stopped:{order.id}"


def suppress(
    session: Session,
    runtime: Runtime,
    channel: str,
    address: str,
    reason: str,
    source: str,
    actor: Staff | str = "system",
    *,
    topic: str = "",
    reply_id: int | None = None,
    at_provider: bool = False,
) -> Suppression:
    """Do not use this address from now on, for messages of `topic` or for all. The order that is then in force.

    `reason` is one of REASONS; `source` says how it came, e.g. "sms STOP"; `actor` who ordered it; `reply_id` names the
    reply it was read in. A second order leaves the first as it is, unless it is the graver one, or the word of somebody
    who has ended this way by itself after everything EVERYWHERE, which must not come back with the others.
    `at_provider`: the provider knows it already, from the customer. What waits is held first, see `holding`.
    """
    hold_what_waits(session, runtime, channel, address, topic)
    new = known = None
    while new is None and known is None:  # a known one may be lifted between the two looks
        new = insert_once(
            session,
            Suppression,
            channel=channel,
            address=address,
            topic=topic,
            reason=reason,
            source=clean(source, 200),
            reply_id=reply_id,
            created_at=runtime.now(),
        )
        known = _locked(session, channel, address, topic) if new is None else None
    order = new or known
    assert order is not None
    graver = known is not None and not is_as_grave(known, reason)
    if graver:
        _no_longer_asked(session, runtime, order, by_a_word=True)
    by_word = reply_id is not None or actor not in ("system", "")
    alone = by_word and order.source == EVERYWHERE and order.reason == reason
    if graver or alone:
        order.reason, order.source, order.reply_id = reason, clean(source, 200), reply_id
    # Somebody's word is on record in any case: it stands when the graver order is taken back, see `ordered`.
    if new is not None or graver or (by_word and not _is_said(session, actor, order, reason, source, reply_id)):
        _record(session, runtime, actor, order, reason, source, reply_id)
    _mirror(runtime, order, at_provider)
    return order


def stand_for(session: Session, runtime: Runtime, order: Suppression, actor: Staff, detail: Mapping[str, Any]) -> None:
    """What it was given for last is taken back, and it stands for what else was ordered, as that entry tells it."""
    order.reason, order.source, order.reply_id = detail["reason"], clean(detail["source"], 200), detail.get("reply")
    _record(session, runtime, actor, order, order.reason, order.source, order.reply_id)


def _record(
    session: Session, runtime: Runtime, actor: Staff | str, order: Suppression, reason: str, source: str,
    reply_id: int | None,
) -> None:  # fmt: skip
    detail = _detail(order, reason, source, reply_id)
    record(session, runtime, actor, "suppress", subject_of(order.channel, order.address), **detail)


def _detail(order: Suppression, reason: str, source: str, reply_id: int | None) -> dict[str, Any]:
    return {"reason": reason, "source": source, **_given(topic=order.topic, reply=reply_id)}


def _is_said(
    session: Session, actor: Staff | str, order: Suppression, reason: str, source: str, reply_id: int | None
) -> bool:
    """Whether the last on record of this address is the same word of theirs, as of a button that was pressed twice."""
    last = session.execute(
        select(AuditEntry.actor, AuditEntry.action, AuditEntry.detail)
        .where(AuditEntry.subject == subject_of(order.channel, order.address))
        .order_by(AuditEntry.seq.desc())
        .limit(1)
    ).one_or_none()
    if last is None or last.action != "suppress":
        return False
    by = actor.email if isinstance(actor, Staff) else actor
    detail = _detail(order, reason, source, reply_id)
    return (last.actor, json.loads(last.detail)) == (by, detail)


def _given(**detail: Any) -> dict[str, Any]:
    return {name: value for name, value in detail.items() if value}


def subject_of(channel: str, address: str) -> str:
    """What the record calls a contact point."""
    return f"{channel} {address}"[:120]


def doubt_task(reply_id: int) -> str:
    """The `dedupe` of the task that asks a person what a reply meant."""
    return f"doubt:{reply_id}"


def waits_for(order: Suppression) -> str:
    """How the `dedupe` of each task begins that tells of an alert which waits until a doubt is settled."""
    return f"waits:{order.id}:"


def _no_longer_asked(session: Session, runtime: Runtime, order: Suppression, *, by_a_word: bool) -> None:
    """What a person was asked is settled, its task and its doubt; `by_a_word` of theirs, all that they wrote before."""
    if order.reason != "doubt" or order.reply_id is None:
        return
    asked = (Task.dedupe == doubt_task(order.reply_id)) | Task.dedupe.startswith(waits_for(order))
    closed = {"state": "closed", "answer": tasks.SETTLED, "closed_at": runtime.now()}
    session.execute(update(Task).where(asked, Task.state == "open").values(closed))
    settled = Reply.id == order.reply_id
    if by_a_word:
        whose = select(Reply.customer_id).where(Reply.id == order.reply_id).scalar_subquery()
        settled |= (Reply.customer_id == whose) & (Reply.channel == order.channel) & (Reply.sender == order.address)
    # One that is held by another is being settled by a person now: not to be waited for, behind the record's chain.
    doubtful = select(Reply).where(settled, Reply.doubt == "opt-out").with_for_update(skip_locked=True)
    for reply in session.scalars(doubtful):
        reply.doubt, reply.tries, reply.due_at = "", 0, None  # asked anew, it is reminded of from the start


def is_as_grave(order: Suppression, reason: str) -> bool:
    """Whether an order for this reason would change nothing about one that stands."""
    return gravity(reason) <= gravity(order.reason)


def gravity(reason: str) -> int:
    """Of two orders the one counts for which this is higher."""
    return _GRAVITY.get(reason, _GRAVEST)


def _locked(session: Session, channel: str, address: str, topic: str) -> Suppression | None:
    """The order in force for exactly this topic, held until the end of the transaction."""
    return session.scalar(
        select(Suppression)
        .where(
            Suppression.channel == channel,
            Suppression.address == address,
            Suppression.topic == topic,
            Suppression.lifted_at.is_(None),
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )


def _mirror(runtime: Runtime, order: Suppression, at_provider: bool) -> None:
    """How it is to stand on the list that the provider keeps by itself, which knows of no topics."""
    listing = any(one.channel == order.channel for one in runtime.adapters.lists.values())
    if at_provider:
        order.mirror, order.mirror_at = "listed" if listing else "theirs" if order.channel in _BLOCKED else "", None
    elif listing and order.mirror == "" and order.reason == "opt-out" and order.topic == "":
        order.mirror, order.mirror_at = "put", runtime.now() + _MIRRORED_AFTER


def lift(
    session: Session,
    runtime: Runtime,
    channel: str,
    address: str,
    actor: Staff | str = "system",
    *,
    reasons: tuple[str, ...] = REASONS,
    topic: str | None = "",
) -> bool:
    """Use the address again; False where no order for one of these reasons was in force. See `take_back`."""
    return bool(take_back(session, runtime, channel, address, actor, reasons=reasons, topic=topic))


def take_back(
    session: Session,
    runtime: Runtime,
    channel: str,
    address: str,
    actor: Staff | str = "system",
    *,
    reasons: tuple[str, ...] = REASONS,
    topic: str | None = "",
    said: str = "",
) -> list[Suppression]:
    """Lift the order for all topics, or that for `topic`, with None every one: those that were lifted."""
    lifted = []
    standing = all_in_force(session, channel, address)
    if any(one.reason == "doubt" for one in standing):
        hold_what_waits(session, runtime, channel, address, ends=True)  # it waits no longer
    for one in standing:
        known = _locked(session, channel, address, one.topic) if topic in (None, one.topic) else None
        if known is None or known.reason not in reasons:
            continue
        known.lifted_at = runtime.now()
        known.lifted_by = (actor.email if isinstance(actor, Staff) else actor)[:200]
        _take_off(session, runtime, known)
        # Somebody of ours has read that one reply, and none of the others.
        _no_longer_asked(session, runtime, known, by_a_word=not isinstance(actor, Staff))
        more = _given(topic=known.topic, said=said)
        subject = subject_of(channel, address)
        record(session, runtime, actor, "lift suppression", subject, reason=known.reason, **more)
        lifted.append(known)
    return lifted


def _take_off(session: Session, runtime: Runtime, order: Suppression) -> None:
    """The provider, too, is to send to them again. One that is being told of the order is told of the end after it."""
    if order.mirror == "put" and order.mirror_tries == 0:
        order.mirror, order.mirror_at = "", None
    elif order.mirror in ("put", "listed", "failed"):
        under_way = order.mirror == "put" and order.mirror_at is not None
        order.mirror_at = order.mirror_at if under_way else runtime.now()
        order.mirror, order.mirror_tries = "take", 0
        note(session, "lookups", "mirror_orders")
