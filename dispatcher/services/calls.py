"""Who is on the telephone, what they may hear, and what they ask for by key or by voice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.bells import note
from dispatcher.model import Attempt, Customer, Delivery, Message, Recipient, Reply, Staff
from dispatcher.model.delivery import MAY_HAVE_LEFT
from dispatcher.model.telephone import RecordingNews
from dispatcher.runtime import Runtime
from dispatcher.services import matching, recordings, renditions, reply_store, suppressions
from dispatcher.services.directory import owner_of

# A call is answered within minutes of its attempt, or hours where many wait at the provider.
CALL_LIFE = timedelta(days=1)
# The representative is told at the latest a minute after; the sweep needs some seconds of it.
TELL_AFTER = timedelta(seconds=50)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is on the line and about which alert; without `message` about none. `number` is theirs."""

    customer: Customer
    message: Message | None
    delivery: Delivery | None
    number: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Alert:
    """What may be heard: the approved words in pieces, None where the recording is played."""

    subject: str
    pieces: tuple[str | None, ...]
    media_id: int | None


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


def representative(session: Session, caller: Caller) -> Staff | None:
    """Who answers for this customer."""
    return owner_of(session, caller.customer)


def heard(runtime: Runtime, message: Message) -> Alert:
    """What the officer approved for the telephone, as it is to be said and played."""
    version = message.current
    spoken = runtime.adapters.channels["voice"].compose(renditions.draft_of(runtime, version)).spoken
    pieces: list[str | None] = []
    for line in spoken.split("\n"):
        if line.startswith("♪"):
            pieces.append(None)
        elif line.strip():
            pieces.append(line.strip())
    return Alert(version.subject, tuple(pieces), version.recording_id)


# --- what they ask for ------------------------------------------------------------------------------------


def _keep(
    session: Session,
    runtime: Runtime,
    caller: Caller,
    dedupe: str,
    kind: str,
    text: str,
    recording_ref: str | None = None,
) -> Reply:
    return reply_store.keep(
        session,
        runtime,
        dedupe=dedupe,
        channel="voice",
        sender=caller.number,
        kind=kind,
        text=text,
        person=caller.customer,
        message_id=caller.message.id if caller.message else None,
        delivery_id=caller.delivery.id if caller.delivery else None,
        recording_ref=recording_ref,
        note=caller.note,
        tell_at=runtime.now() + TELL_AFTER,
    )


def asks_for_call(session: Session, runtime: Runtime, provider: str, call_ref: str, caller: Caller) -> Reply:
    """They want to speak to their representative. Kept once a call; told in a minute, or with the result."""
    return _keep(
        session, runtime, caller, f"{provider}:{call_ref}:call", "call", "Asked by key to speak to you at once."
    )


RESULTS = {
    "completed": "Asked by key to speak to you at once; the call was put through to your telephone.",
    "busy": "Asked by key to speak to you at once; your line was busy. Please call back.",
    "no-answer": "Asked by key to speak to you at once; you did not answer. Please call back.",
    "failed": "Asked by key to speak to you at once; the call did not come about. Please call back.",
    "": "Asked by key to be called by you.",
}


def call_ended(
    session: Session, runtime: Runtime, provider: str, call_ref: str, caller: Caller, dial_status: str
) -> None:
    """What became of it: written down once, and the representative is told now."""
    reply = asks_for_call(session, runtime, provider, call_ref, caller)
    reply.text = reply.original = RESULTS.get(dial_status, RESULTS["failed"])
    session.flush()
    recordings.tell(session, runtime, reply)


def leaves_recording(
    session: Session, runtime: Runtime, provider: str, caller: Caller, recording_ref: str, seconds: float
) -> Reply:
    """A spoken answer, kept once; it is fetched when the provider says that it can be."""
    length = f", {recordings.length(seconds)}" if seconds else ""
    dedupe = f"{provider}:recording:{recording_ref}"
    return _keep(session, runtime, caller, dedupe, "voice", f"Spoken answer{length}.", recording_ref)


def wants_no_calls(session: Session, runtime: Runtime, provider: str, call_ref: str, caller: Caller) -> None:
    """No more calls to this number: at once, recorded, never forwarded as if it were an answer."""
    dedupe = f"{provider}:{call_ref}:stop"
    if session.scalar(select(Reply.id).where(Reply.dedupe == dedupe)):
        return  # an old copy must not undo what they may have taken back since
    _keep(session, runtime, caller, dedupe, "opt-out", "Pressed 9: no more calls.")
    actor = f"customer {caller.customer.key}"
    suppressions.suppress(session, runtime, "voice", caller.number, "opt-out", "key 9", actor)


def recording_news(
    session: Session, runtime: Runtime, provider: str, news: RecordingNews, caller: Caller | None
) -> bool:
    """A recording can be fetched, or is empty; False where nothing is known of it (yet).

    News may come before the call's own step: with a `caller` the spoken answer is kept all the same.
    """
    reply = session.scalar(select(Reply).where(Reply.dedupe == f"{provider}:recording:{news.recording_ref}"))
    if reply is None and news.available and caller is not None:
        reply = leaves_recording(session, runtime, provider, caller, news.recording_ref, news.seconds)
    if reply is None:
        return not news.available
    if not news.available:
        recordings.empty(session, runtime, reply)
    elif reply.recording_id is None:
        note(session, "events", "fetch_recording", reply.id)
    return True
