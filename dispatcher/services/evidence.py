"""Holds the tables against the record: what was decided, said and ordered is what its entry says."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import AuditEntry, Decision, Media, Reply, Response, Suppression
from dispatcher.runtime import Runtime
from dispatcher.services.audit import fingerprint
from dispatcher.services.oracle import MOST, Breach, Promise, Question


def entries(session: Session, *actions: str) -> Iterator[tuple[str, str, str, dict[str, Any]]]:
    """(actor, action, subject, detail) of the record's entries of these actions, in order.

    Without those that somebody has changed into what cannot be read: the chain names these.
    """
    rows = session.execute(
        select(AuditEntry.actor, AuditEntry.action, AuditEntry.subject, AuditEntry.detail)
        .where(AuditEntry.action.in_(actions))
        .order_by(AuditEntry.seq)
        .execution_options(yield_per=1000)
    )
    for actor, action, subject, detail in rows:
        try:
            told = json.loads(detail)
        except ValueError:
            continue
        if isinstance(told, dict):
            yield actor, action, subject, told


def decisions_as_recorded(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """P3: each decision is by the officer, on the digest and with the words that its entry holds."""
    recorded = {
        (subject, str(detail.get("version"))): (
            actor,
            action,
            detail.get("digest"),
            detail.get("comment"),
        )
        for actor, action, subject, detail in entries(session, "approve message", "return message", "reject message")
    }
    for one in session.scalars(select(Decision).order_by(Decision.id)):
        told = recorded.get((f"message {one.message_id}", str(one.version.number)))
        held = (one.officer.email, f"{one.decision} message", one.digest, one.comment)
        if told is not None and told != held:
            yield Breach(
                "P3", f"decision {one.id}", "is not what its entry in the record says: it was changed afterwards"
            )


def words_as_recorded(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """P6: what customers wrote and reps answered is there, word for word."""
    said = {subject: detail.get("words") for _, _, subject, detail in entries(session, "receive reply")}
    for number, original in session.execute(select(Reply.id, Reply.original).execution_options(yield_per=500)):
        words = said.pop(f"reply {number}", None)
        if words is not None and words != fingerprint(original):
            yield Breach("P6", f"reply {number}", "does not hold the words that were received")
    for subject in list(said)[:MOST]:
        yield Breach("P6", subject, "was received and is gone")
    answered = {detail.get("response"): detail.get("words") for _, _, _, detail in entries(session, "respond")}
    for number, text in session.execute(select(Response.id, Response.text).execution_options(yield_per=500)):
        words = answered.pop(number, None)
        if words is not None and words != fingerprint(text):
            yield Breach("P6", f"response {number}", "does not hold the words that were written")
    for gone in [one for one in answered if one is not None][:MOST]:
        yield Breach("P6", f"response {gone}", "was written and is gone")


def orders_as_recorded(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """P4: every standing order not to use an address that was given and not taken back is in force."""
    standing: dict[tuple[str, str], bool] = {}
    for _, action, subject, detail in entries(session, "suppress", "lift suppression"):
        standing[subject, detail.get("topic", "")] = action == "suppress"
    held = {
        (f"{channel} {address}"[:120], topic)
        for channel, address, topic in session.execute(
            select(Suppression.channel, Suppression.address, Suppression.topic).where(Suppression.lifted_at.is_(None))
        )
    }
    for subject, _ in [one for one, stands in standing.items() if stands and one not in held][:MOST]:
        yield Breach("P4", f"suppression of {subject}", "was ordered and never taken back, but is not in force")


def files_intact(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """P3: recordings and attachments hold the bytes that were stored."""
    for number in session.scalars(select(Media.id).order_by(Media.id)).all():
        media = session.get_one(Media, number)
        if not media.intact:
            yield Breach("P3", f"media {number}", "does not hold the bytes that were stored")
        session.expunge(media)


ALL: tuple[Promise, ...] = (
    decisions_as_recorded,
    words_as_recorded,
    orders_as_recorded,
    files_intact,
)
