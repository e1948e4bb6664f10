"""What truly reached telephones and mailboxes, by the carrier's own ledger, against what the database says."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Attempt, Customer, Delivery, Message
from dispatcher.model.delivery import NOBODY
from dispatcher.model.errors import StateConflict
from dispatcher.model.ports import ANY_TAG, CODE_TAG, PREFS_TAG, REPLY_TAG, Rendition
from dispatcher.runtime import Runtime
from dispatcher.services import codes, letter_sending, renditions
from dispatcher.services.oracle import TAKEN, Accepted, Breach, Promise, Question
from dispatcher.services.resend import BY_PERSON

_TAGS = re.compile(f"({ANY_TAG.pattern})")
_NAMES = {REPLY_TAG: "reply", PREFS_TAG: "prefs", CODE_TAG: "code"}
_TOKEN = {tag: f"(?P<{name}>[{'0-9' if name == 'code' else 'A-Za-z0-9_-'}]+)" for tag, name in _NAMES.items()}
# States of an attempt that say: the provider never took it.
_NOT_TAKEN = ("deferred", "rejected", "failed")


@dataclass(slots=True)
class _Matched:
    """The ledger's entries by the attempt that each belongs to."""

    of: dict[str, list[Accepted]] = field(default_factory=dict)
    attempts: dict[str, Attempt] = field(default_factory=dict)
    strangers: list[tuple[int, Accepted]] = field(default_factory=list)


def _match(session: Session, asked: Question) -> _Matched:
    """By our own id, else by the carrier's reference together with the address."""
    found = _Matched()
    by_ref: dict[tuple[str, str], str] = {}
    for attempt in session.scalars(select(Attempt).execution_options(yield_per=1000)):
        found.attempts[attempt.id] = attempt
        if attempt.provider_ref:
            target = attempt.delivery or attempt.letter
            by_ref[attempt.provider_ref, target.address if target else ""] = attempt.id
    for place, entry in enumerate(asked.ledger or (), 1):
        attempt_id = entry.attempt or by_ref.get((entry.ref, entry.address), "")
        if attempt_id in found.attempts:
            found.of.setdefault(attempt_id, []).append(entry)
        else:
            found.strangers.append((place, entry))
    return found


def as_the_carrier_has_it(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """P1 and P2: every acceptance is an attempt of ours, and the other way round; one a contact point."""
    if asked.ledger is None:
        return
    found = _match(session, asked)
    for place, entry in found.strangers:
        named = f"attempt {entry.attempt}" if entry.attempt else f"ledger {place}"
        yield Breach("P2", named, f"reached the carrier by {entry.channel}, and was never committed")
    taken: Counter[tuple[str, int]] = Counter()
    ordered: Counter[tuple[str, int]] = Counter()
    for attempt in found.attempts.values():
        whose = _whose(attempt)
        entries = found.of.get(attempt.id, [])
        # A call of which the carrier itself told us that it came to nothing may be made again.
        in_vain = attempt.code in NOBODY and all(one.told == "failed" for one in entries)
        taken[whose] += 0 if in_vain else len(entries)
        ordered[whose] += attempt.resent_by is not None
        yield from _agreed(attempt, entries, asked)
    for (name, number), times in sorted(taken.items()):
        if times > 1 + ordered[name, number]:
            yield Breach("P2", f"{name} {number}", f"reached the carrier {times} times")
    yield from _arrived(session, found, asked)


def _whose(attempt: Attempt) -> tuple[str, int]:
    return ("delivery", attempt.delivery_id) if attempt.delivery_id else ("letter", attempt.letter_id or 0)


def _agreed(attempt: Attempt, entries: list[Accepted], asked: Question) -> Iterator[Breach]:
    target = attempt.delivery or attempt.letter
    if not entries:
        if attempt.state in TAKEN and attempt.code != BY_PERSON:
            by = f" by {target.channel}" if target else ""
            yield Breach("P1", f"attempt {attempt.id}", f"is {attempt.state}{by}, and the carrier never got it")
        return
    if target is not None and any(one.address.lower() != target.address.lower() for one in entries):
        yield Breach("P2", f"attempt {attempt.id}", "reached another address than its own")
    if attempt.state in _NOT_TAKEN and attempt.code != BY_PERSON and attempt.resent_by is None:
        yield Breach("P2", f"attempt {attempt.id}", f"is {attempt.state}, but the carrier took it")
    first = min((one.at for one in entries if one.at is not None), default=None)
    if first is not None and first + asked.skew < attempt.started_at:
        yield Breach("P2", f"attempt {attempt.id}", "reached the carrier before it was committed")


def _arrived(session: Session, found: _Matched, asked: Question) -> Iterator[Breach]:
    """P1: what the carrier told us did not arrive is not taken for delivered."""
    for attempt_id, entries in found.of.items():
        attempt = found.attempts[attempt_id]
        target = attempt.delivery or attempt.letter
        if target is None or attempt.n != target.tries:
            continue
        if any(one.told == "failed" for one in entries) and target.state in ("accepted", "delivered"):
            name, number = _whose(attempt)
            text = f"is {target.state}, though the carrier told us that it did not arrive"
            yield Breach("P1", f"{name} {number}", text)


# --- P3: the bytes ----------------------------------------------------------------------------------------


def the_approved_words(session: Session, runtime: Runtime, asked: Question) -> Iterator[Breach]:
    """P3: what reached the carrier is the approved rendition, with the recipient's own tokens and no other's."""
    if asked.ledger is None:
        return
    found = _match(session, asked)
    known: dict[tuple[int, str], Rendition | None] = {}
    for attempt_id, entries in found.of.items():
        attempt = found.attempts[attempt_id]
        if attempt.delivery is not None:
            delivery = attempt.delivery
            key = (delivery.message_id, delivery.channel)
            if key not in known:
                known[key] = _approved(session, runtime, delivery)
            approved = known[key]
            if approved is None:
                faults = [f"went out by {delivery.channel}, for which its message keeps nothing that can be read"]
            else:
                faults = [fault for one in entries for fault in _words(session, runtime, approved, delivery, one)]
        else:
            assert attempt.letter is not None
            content = letter_sending.content_of(runtime, attempt.letter)
            faults = [fault for one in entries for fault in _words(session, runtime, content.rendition, None, one)]
        for fault in dict.fromkeys(faults):
            yield Breach("P3", f"attempt {attempt_id}", fault)


def _approved(session: Session, runtime: Runtime, delivery: Delivery) -> Rendition | None:
    message = session.get_one(Message, delivery.message_id)
    try:
        return renditions.for_channel(runtime, message.current, delivery.channel)
    except StateConflict:
        return None


def _words(
    session: Session, runtime: Runtime, approved: Rendition, delivery: Delivery | None, got: Accepted
) -> Iterator[str]:
    what = "was approved" if delivery else "was written"
    for name in ("subject", "text", "html"):
        carried: str | None = getattr(got, name)
        ours: str = getattr(approved, name)
        if carried is None or (name == "subject" and got.channel != "email"):
            continue
        fits = _pattern(ours).fullmatch(_plain(carried))
        if fits is None:
            yield f"carried another {name} than {what}"
            continue
        if delivery is not None:
            yield from _tokens(session, runtime, delivery, fits.groupdict())


def _tokens(session: Session, runtime: Runtime, delivery: Delivery, tokens: dict[str, str | None]) -> Iterator[str]:
    reply, prefs, code = (tokens.get(name) for name in _NAMES.values())
    if reply and runtime.read_token("delivery", reply) != delivery.id:
        yield "carried the answer page of another delivery"
    if prefs:
        customer = session.get(Customer, runtime.read_token("customer", prefs) or 0)
        if customer is None:
            yield "carried a preferences page of nobody"
    if code and codes.read(runtime, code) != delivery.id:
        yield "carried the code of another delivery"


def _pattern(text: str) -> re.Pattern[str]:
    seen: set[str] = set()
    parts = []
    for piece in _TAGS.split(_plain(text)):
        token = _TOKEN.get(piece)
        if token is None:
            parts.append(re.escape(piece))
        elif piece in seen:  # a name may be given once; the same token follows
            parts.append(f"(?P={_NAMES[piece]})")
        else:
            seen.add(piece)
            parts.append(token)
    return re.compile("".join(parts))


def _plain(text: str) -> str:
    """Lines as they read: how they end, and what carriers strip at their ends, is not for us to say."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


ALL: tuple[Promise, ...] = (as_the_carrier_has_it, the_approved_words)
