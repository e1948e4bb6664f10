"""Who is on the telephone, what they may hear, and what they ask for by key or by voice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Attempt, Customer, Delivery, Message, Recipient, Reply, Staff
from dispatcher.model.call import REPLY
from dispatcher.model.delivery import MAY_HAVE_LEFT
from dispatcher.runtime import Runtime
from dispatcher.services import (
    covers,
    languages,
    matching,
    recordings,
    renditions,
    reply_notices,
    reply_store,
    suppressions,
)
from dispatcher.services.ownership import owner_of
from dispatcher.services.understanding import Understood

# A call is answered within minutes of its attempt, or hours where many wait at the provider.
CALL_LIFE = timedelta(days=1)
# The representative is told at the latest a minute after; the sweep needs some seconds of it.
TELL_AFTER = timedelta(seconds=50)
MOST_RUNG = 3  # people, one after the other, while a customer waits
WITHHELD = "withheld"  # stands for the number of a caller who does not show it
ORDER_RULE = "was told that no order is accepted until you have confirmed it"
FROM_ELSEWHERE = "called from another telephone with the code"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is on the line and about which alert; without `message` about none, without `customer` nobody we know.

    `number` is the telephone they call from or are called at. `elsewhere`: it is none of theirs, they keyed a code.
    """

    customer: Customer | None
    message: Message | None
    delivery: Delivery | None
    number: str
    note: str = ""
    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class Alert:
    """What may be heard: the approved words in pieces, None where the recording is played; the first announces it.

    `written` is the text that came with a recording.
    """

    subject: str
    pieces: tuple[str | None, ...]
    media_id: int | None
    written: tuple[str, ...] = ()

    def voice(self, language: str) -> str:
        """What says it to somebody of this language."""
        return languages.voice_for(" ".join(one for one in (*self.pieces, *self.written) if one), language)


# --- who --------------------------------------------------------------------------------------------------


def by_attempt(session: Session, runtime: Runtime, attempt_id: str) -> Caller | None:
    """Who is called by this attempt; None where it is unknown or old, or nothing of the message may be heard."""
    attempt = session.get(Attempt, attempt_id) if attempt_id else None
    delivery = attempt.delivery if attempt else None
    if attempt is None or delivery is None or attempt.started_at < runtime.now() - CALL_LIFE:
        return None
    if delivery.channel != "voice" or not delivery.may_be_answered:
        return None
    person, shared = matching.person_of(session, delivery)
    return Caller(person, delivery.message, delivery, delivery.address, shared) if person else None


def by_number(session: Session, runtime: Runtime, number: str) -> Caller | None:
    """Who rings from this number, with their last alert of 30 days; None for a number that nobody has."""
    people = matching.people_with(session, ("voice", "sms"), number) if number else []
    if not people:
        return None
    latest = [(matching.latest_delivery(session, runtime, one.id), one) for one in people]
    with_alert = [(delivery, one) for delivery, one in latest if delivery]
    names = [one.name for one in people]
    shared = "" if len(names) == 1 else "shared by " + ", ".join(names[:-1]) + f" and {names[-1]}"
    if not with_alert:
        return Caller(people[0], None, None, number, shared)
    delivery, person = max(with_alert, key=lambda pair: pair[0].message.released_at or pair[0].message.created_at)
    return Caller(person, delivery.message, delivery, number, shared)


def again(
    session: Session, runtime: Runtime, customer_id: int, message_id: int | None, number: str = ""
) -> Caller | None:
    """The caller of an earlier step of the same call; the ids come from an address that the vendor signed."""
    customer = session.get(Customer, customer_id)
    if customer is None or not customer.active:
        return None
    recipient = session.scalar(
        select(Recipient).where(Recipient.message_id == message_id, Recipient.customer_id == customer_id)
    )
    message = session.get(Message, message_id) if recipient and message_id else None
    if message is not None and (message.state not in MAY_HAVE_LEFT or message.released_at is None):
        return None
    telephones = [one.address for one in customer.contact_points if one.channel in ("voice", "sms")]
    return Caller(customer, message, recipient.delivery if recipient else None, number or (telephones or [""])[0])


def by_code(session: Session, delivery: Delivery, number: str) -> Caller | None:
    """Who keyed the code of this delivery, on whatever telephone; None where it is nobody's any more."""
    person, shared = matching.person_of(session, delivery)
    if person is None or not person.active:
        return None
    return _elsewhere(Caller(person, delivery.message, delivery, number, shared), number)


def _elsewhere(caller: Caller, number: str) -> Caller:
    note = "; ".join(one for one in (FROM_ELSEWHERE, caller.note) if one)
    return replace(caller, number=number or WITHHELD, note=note, elsewhere=True)


def stranger(number: str) -> Caller:
    """A caller whom we do not know."""
    return Caller(None, None, None, number or WITHHELD)


def by_address(session: Session, runtime: Runtime, given: Mapping[str, str], number: str = "") -> Caller | None:
    """The caller of a call under way by what our own addresses carry, which the vendor signs; None where there is
    nothing to hear any more. `number` is the telephone they call from, where the request says so."""
    if given.get("attempt"):
        return by_attempt(session, runtime, given["attempt"])
    if given.get("stranger"):
        return stranger(number)
    customer, message = given.get("customer", ""), given.get("message", "")
    if not customer.isdigit():
        return None
    caller = again(session, runtime, int(customer), int(message) if message.isdigit() else None, number)
    return _elsewhere(caller, number) if caller and given.get("code") else caller


def representative(session: Session, caller: Caller) -> Staff | None:
    """Who answers for this customer."""
    return owner_of(session, caller.customer) if caller.customer else None


def answerers(session: Session, runtime: Runtime, caller: Caller) -> list[Staff]:
    """Who is rung for this customer, one after the other: their representative, then the cover. Who is away is not."""
    rep = representative(session, caller)
    if rep is None:
        return []
    found = [covers.standing_in(session, runtime, rep)]
    while (cover := found[-1].cover) is not None and len(found) < MOST_RUNG:
        found.append(covers.standing_in(session, runtime, cover))
        if found[-1] in found[:-1]:
            found.pop()
            break
    return [one for one in found if one.active and not covers.is_away(runtime, one)]


def heard(runtime: Runtime, message: Message) -> Alert:
    """What the officer approved for the telephone, as it is to be said and played."""
    version = message.current
    rendition = renditions.for_channel(runtime, version, "voice")
    pieces = tuple(None if line.startswith("♪") else line for line in _lines(rendition.spoken))
    return Alert(rendition.subject, pieces, version.recording_id, tuple(_lines(rendition.written)))


def _lines(text: str) -> list[str]:
    return [line.strip() for line in text.split("\n") if line.strip()]


_BY_KEY = {
    "call": Understood("call", "key", "asked to be joined or called"),
    # Left under "to leave an order or a question": only who hears it knows which.
    "spoken": Understood("other", "key", "left a spoken answer", doubt="order"),
    "stop": Understood("opt-out", "key", "9"),
}


# --- what they ask for ------------------------------------------------------------------------------------


def _keep(
    session: Session,
    runtime: Runtime,
    caller: Caller,
    dedupe: str,
    understood: Understood,
    text: str,
    stops: Sequence[tuple[str, str]] = (),
) -> Reply:
    return reply_store.keep(
        session,
        runtime,
        dedupe=dedupe,
        channel="voice",
        sender=caller.number,
        understood=understood,
        text=text,
        person=caller.customer,
        message_id=caller.message.id if caller.message else None,
        delivery_id=caller.delivery.id if caller.delivery else None,
        note=caller.note,
        tell_at=runtime.now() + TELL_AFTER,
        stops=stops,
    )


def asks_for_call(session: Session, runtime: Runtime, provider: str, call_ref: str, caller: Caller) -> Reply:
    """They want to speak to their representative. Kept once a call; told in a minute, or with the result."""
    return _keep(session, runtime, caller, f"{provider}:{call_ref}:call", _BY_KEY["call"], RESULTS["asked"])


_ASKED = "Asked by key to speak to you at once"
# What may have become of it, the weakest first: of what is told of one call, the strongest stays.
RESULTS = {
    "asked": f"{_ASKED}.",
    "failed": f"{_ASKED}; the call did not come about. Please call back.",
    "no-answer": f"{_ASKED}; you did not answer. Please call back.",
    "busy": f"{_ASKED}; your line was busy. Please call back.",
    "declined": f"{_ASKED}; you declined. Please call back.",
    "nobody": f"{_ASKED}; neither you nor your cover took the call. Please call back.",
    "cover": f"{_ASKED}; your cover took the call.",
    "completed": f"{_ASKED}; the call was put through to your telephone.",
    "": "Asked by key to be called by you.",
}


def call_ended(
    session: Session, runtime: Runtime, provider: str, call_ref: str, caller: Caller, result: str, *, last: bool = True
) -> None:
    """What became of it: written down, and with the `last` who was rung the representative is told now. Until then
    they are not told that somebody waits to whom a colleague may be talking.

    `result` is completed, cover, nobody, declined, busy, no-answer, failed, or "" where nobody could be rung.
    """
    reply = asks_for_call(session, runtime, provider, call_ref, caller)
    known, order = {text: name for name, text in RESULTS.items()}, list(RESULTS)
    if order.index(known.get(reply.text, "asked")) < order.index(result if result in RESULTS else "failed"):
        # What they asked for, by which the record holds the reply, stays as it was.
        reply.text = RESULTS.get(result, RESULTS["failed"])
        session.flush()
    if last:
        recordings.tell(session, runtime, reply)
    else:
        reply_notices.put_off(session, reply, runtime.now() + TELL_AFTER)


def leaves_recording(
    session: Session,
    runtime: Runtime,
    provider: str,
    caller: Caller,
    recording_ref: str,
    seconds: float,
    *,
    call_ref: str = "",
) -> Reply:
    """A spoken answer, kept once; it is fetched as soon as the provider has it.

    They have been told before it that an order is not accepted until it is confirmed: that is kept with it.
    """
    caller = replace(caller, note="; ".join(one for one in (caller.note, ORDER_RULE) if one))
    length = f", {recordings.length(seconds)}" if seconds else ""
    reply = _keep(
        session, runtime, caller, f"{provider}:recording:{recording_ref}", _BY_KEY["spoken"], f"Spoken answer{length}."
    )
    recordings.expect(
        session,
        runtime,
        provider=provider,
        ref=recording_ref,
        call_ref=call_ref,
        purpose=REPLY,
        seconds=seconds,
        reply=reply,
    )
    return reply


def wants_no_calls(session: Session, runtime: Runtime, provider: str, call_ref: str, caller: Caller) -> None:
    """No more calls to this number: at once, recorded, never forwarded as if it were an answer."""
    dedupe = f"{provider}:{call_ref}:stop"
    if session.scalar(select(Reply.id).where(Reply.dedupe == dedupe)):
        return  # an old copy must not undo what they may have taken back since
    stops = [("voice", caller.number)]
    kept = _keep(session, runtime, caller, dedupe, _BY_KEY["stop"], "Pressed 9: no more calls.", stops)
    actor = f"customer {caller.customer.key}" if caller.customer else "system"
    suppressions.suppress(session, runtime, "voice", caller.number, "opt-out", "key 9", actor, reply_id=kept.id)
