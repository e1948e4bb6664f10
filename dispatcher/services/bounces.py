"""What comes back by mail about a mail of ours. It counts only where it carries a token that we issued.

Anybody can write a mail that looks like a bounce, to cut a customer off. So it changes something only where it came to
the address of that delivery, or quotes the Message-ID or the address that it went out with, within 30 days, and speaks
of that recipient's address. It then does what the same news of a provider does.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Attempt, Callback, Delivery, ProviderEvent
from dispatcher.model.ports import Event, Returned
from dispatcher.runtime import Runtime
from dispatcher.services import conversations, directory_marks, good_news, matching, status, tasks
from dispatcher.services.arrival import Arrival
from dispatcher.services.matching import RECENT, Match
from dispatcher.services.once import clean, insert_missing
from dispatcher.services.ownership import owner_of

# The kinds of machines that say what became of a mail of ours.
NEWS = ("bounce", "delayed", "challenge")
UNPROVEN = "carries no token of ours for the address it speaks of: nothing was changed"
# Codes of RFC 3463 that say that there is no such address. A full mailbox, a policy or a size says nothing about it.
NO_SUCH_ADDRESS = ("5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10")


@dataclass(frozen=True, slots=True)
class Known:
    """News that proves itself: of this attempt, and whose conversation it belongs to."""

    attempt: Attempt
    address: str
    mark: str
    code: str
    found: Match
    note: str


def learn(arrival: Arrival, machine: str) -> Known | None:
    """Act on a bounce or a challenge that proves itself; None for one that does not, which changes nothing."""
    session, runtime = arrival.session, arrival.runtime
    said = arrival.reply.returned or Returned()
    attempt = None if arrival.reply.distrust else _attempt(arrival, said)
    if attempt is None:
        return None
    target = attempt.delivery or attempt.letter
    if target is None or not _is_about(arrival, machine, said, target.address):
        return None
    if not (machine == "challenge" or said.by_server or _is_from(arrival.reply.sender, target.address)):
        _ask_whether_it_arrived(arrival, attempt, target.address)
        return None
    found = _whose(session, arrival, attempt)
    if machine == "delayed" or (machine == "bounce" and not said.failed and said.delayed):
        note = f"{target.address} has not got it yet: {said.said}"
        return Known(attempt, target.address, "", said.status, found, note)
    code = "challenge" if machine == "challenge" else said.status
    mark = "invalid" if machine == "bounce" and said.status in NO_SUCH_ADDRESS else ""
    why = "their mailbox asks every sender to prove to be a person" if machine == "challenge" else said.said
    event = Event(
        dedupe=f"mail:{hashlib.sha256(arrival.reply.dedupe.encode()).hexdigest()}",
        state="bounced",
        at=arrival.reply.received_at,
        attempt=attempt.id,
        address=target.address,
        code=code,
        detail=clean(why, 300),
        mark=mark,
    )
    _hold_conversation(arrival, found)
    if machine == "challenge" and isinstance(target, Delivery):
        _ask_to_reach(session, target)  # before they are moved on to their next channel
    if _write_down(session, arrival, event):
        status.apply(session, runtime, attempt.provider, event)
    return Known(attempt, target.address, mark, code, found, f"did not reach {target.address}: {clean(why)}"[:300])


def remember(arrival: Arrival, known: Known) -> None:
    """What it teaches about the address; after the reply was kept, for the record is locked last."""
    if known.mark:
        source = f"bounce by mail {known.code}"
        directory_marks.learn(arrival.session, arrival.runtime, "email", known.address, known.mark, source)


# --- proof ------------------------------------------------------------------------------------------------


def _attempt(arrival: Arrival, said: Returned) -> Attempt | None:
    """The attempt that it is about: by what it quotes of ours and the address it came to, where these agree."""
    session, runtime = arrival.session, arrival.runtime
    named = [found for one in said.attempts if (found := session.get(Attempt, one)) is not None]
    tokens = matching.tokens(runtime, (*arrival.reply.recipients, *said.quoted))
    named += [found for kind, token in tokens if (found := _by_token(session, runtime, kind, token)) is not None]
    recent = [one for one in named if one.started_at > runtime.now() - RECENT]
    if not recent or len({(one.delivery_id, one.letter_id) for one in named}) != 1:
        return None
    return max(recent, key=lambda one: one.n)


def _by_token(session: Session, runtime: Runtime, kind: str, token: str) -> Attempt | None:
    """The last attempt of what this token was issued for."""
    of_delivery = kind == "reply"
    number = runtime.read_token("delivery" if of_delivery else "letter", token)
    if number is None:
        return None
    column = Attempt.delivery_id if of_delivery else Attempt.letter_id
    return session.scalars(select(Attempt).where(column == number).order_by(Attempt.n.desc()).limit(1)).first()


def _is_about(arrival: Arrival, machine: str, said: Returned, address: str) -> bool:
    """Whether it speaks of the address that we wrote to."""
    if machine == "challenge":
        return _is_from(arrival.reply.sender, address)
    named = {*said.failed, *said.delayed}
    return address.lower() in named


def _is_from(sender: str, address: str) -> bool:
    """Whether it was sent from that mailbox, or from its domain."""
    here, _, domain = sender.strip().lower().rpartition("@")
    return bool(here) and domain == address.lower().rpartition("@")[2]


def _whose(session: Session, arrival: Arrival, attempt: Attempt) -> Match:
    """Whose conversation it is shown in: what its address said, else that of what it returns."""
    if arrival.found.customer is not None:
        return arrival.found
    delivery, letter = attempt.delivery, attempt.letter
    if delivery is not None:
        person, shared = matching.person_of(session, delivery)
        return Match(person, delivery.message_id, delivery, note=shared)
    if letter is not None and letter.customer is not None:
        return Match(letter.customer, letter.message_id)
    return replace(arrival.found, note="")


# --- what follows -----------------------------------------------------------------------------------------


def _hold_conversation(arrival: Arrival, found: Match) -> None:
    """Before what was sent, as whoever writes an order holds them: else the two wait in a circle."""
    if found.customer is not None:
        conversations.thread(
            arrival.session, arrival.runtime, found.customer, found.message_id, channel=arrival.reply.channel,
            address=clean(arrival.answer_to(found), 320), at=arrival.reply.received_at, disturb=False,
        )  # fmt: skip


def _write_down(session: Session, arrival: Arrival, event: Event) -> bool:
    """Keep it as news, as a provider's is; False where it was kept before. The kept callback is its proof."""
    callback = session.get(Callback, arrival.callback_id) if arrival.callback_id else None
    if callback is None:
        return False
    return bool(insert_missing(session, ProviderEvent, [good_news.row_of(callback, event)], ProviderEvent.id))


def _ask_whether_it_arrived(arrival: Arrival, attempt: Attempt, address: str) -> None:
    """A stranger says so, who was shown the alert: a person asks, and the alert goes no other way meanwhile."""
    found = _whose(arrival.session, arrival, attempt)
    person = found.customer
    rep = owner_of(arrival.session, person) if person else None
    tasks.open_task(
        arrival.session,
        kind="failed",
        dedupe=f"said-to-bounce:{attempt.delivery_id or 0}:{attempt.letter_id or 0}",
        text=f"{clean(arrival.reply.sender, 100)}, who is no mail server, says that our mail did not reach {address}: "
        "nothing was changed; ask the customer whether it arrived",
        rep_id=rep.id if rep else None,
        customer_id=person.id if person else None,
        message_id=found.message_id,
        delivery_id=attempt.delivery_id,
        letter_id=attempt.letter_id,
    )


def _ask_to_reach(session: Session, delivery: Delivery) -> None:
    """A person can answer the challenge, or ask the customer to let us through."""
    for recipient in delivery.recipients or []:
        rep = owner_of(session, recipient.customer)
        tasks.open_task(
            session,
            kind="failed",
            dedupe=f"challenge:{delivery.message_id}:{recipient.customer_id}",
            text=f"The mailbox {delivery.address} asks every sender to prove to be a person, so the alert waits there: "
            "ask the customer to let us through",
            rep_id=rep.id if rep else None,
            customer_id=recipient.customer_id,
            message_id=delivery.message_id,
            delivery_id=delivery.id,
        )
