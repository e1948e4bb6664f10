"""Where one channel lags the others: who starts first, who is held back, who is told that a call will follow.

The bank's limit (LAG_LIMIT_SECONDS) is on the time between the first channel that has reached everybody and the last.
Where the forecast is beyond it, LAG_POLICY decides.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from sqlalchemy import Integer, Select, exists, func, insert, select
from sqlalchemy.orm import Session, aliased

from dispatcher.bells import note
from dispatcher.model import ContactPoint, Customer, Delivery, Letter, Message, Recipient, Suppression
from dispatcher.model.delivery import CALL_FOLLOWS, FALLBACK, WAITING
from dispatcher.runtime import Runtime
from dispatcher.services import forecast, quiet_hours, suppressions
from dispatcher.services.forecast import Forecast
from dispatcher.storage import joined_by_hash

_AT_ONCE = 500  # letters written by one statement
CHAINS = 20  # so many are rung for at once; each then rings for its next, so that notices to staff need not queue

# What the text says, word for word; the officer sees it before approving.
_WORDS = {
    "en": (
        "{firm} calls you about an alert in about {minutes}.",
        " If you miss the call, ring {line}.",
        "minute",
        "minutes",
    ),
    "de": (
        "{firm} ruft Sie in etwa {minutes} wegen einer Meldung an.",
        " Falls Sie den Anruf verpassen: {line}.",
        "Minute",
        "Minuten",
    ),
}


@dataclass(frozen=True, slots=True)
class Plan:
    """How a release goes about its channels.

    `order` has the slowest first. `pace` is how many a second may start on a channel that is held back. With
    `text_first` those who wait for a call beyond the limit get a text; how many at most is `waiting`, the last of them
    after `longest` seconds. `warning` is for people, "" where no channel lags beyond the limit.
    """

    order: tuple[str, ...]
    pace: dict[str, float] = field(default_factory=dict)
    text_first: bool = False
    warning: str = ""
    waiting: int = 0
    longest: float = 0.0


def plan(session: Session, runtime: Runtime, message: Message, by_channel: Mapping[str, int]) -> Plan:
    """The plan of a release that has just made so many deliveries on each channel."""
    foretold = forecast.foretell(session, runtime, message, by_channel, ())
    if len(foretold) > 1 and max(one.seconds for one in foretold.values()) > runtime.settings.lag_limit_seconds:
        # Who rests is looked for only where it can matter: the first request should leave at once.
        resting = forecast.resting_of(session, message)
        foretold = forecast.foretell(session, runtime, message, by_channel, resting)
    return plan_of(runtime, foretold)


def plan_of(runtime: Runtime, foretold: Mapping[str, Forecast]) -> Plan:
    """The plan under what is foretold; quiet hours are the customers' own wish and count for nobody's lag."""
    order = tuple(sorted(foretold, key=lambda channel: (-foretold[channel].seconds, channel)))
    going = [one for one in foretold.values() if one.deliveries > one.held]
    if len(going) < 2:
        return Plan(order)
    last, first = (choose(going, key=lambda one: one.seconds) for choose in (max, min))
    behind, limit, policy = (
        last.seconds - first.seconds,
        runtime.settings.lag_limit_seconds,
        runtime.settings.lag_policy,
    )
    if behind <= limit:
        return Plan(order)
    warning = (
        f"{last.channel} is forecast to reach its last customer {last.seconds:.0f} s after the release, "
        f"{behind:.0f} s after {first.channel}: more than the limit of {limit} s."
    )
    if policy == "same-window":
        pace = {
            one.channel: max(0.001, round((one.deliveries - one.held) / last.seconds, 3))
            for one in going
            if one.seconds < last.seconds
        }
        return Plan(order, pace, warning=f"{warning} {_and(sorted(pace))} will be held to the same window.")
    voice = foretold.get("voice")
    waiting = _waiting(voice, limit) if policy == "text-first" and voice and "sms" in runtime.usable_channels() else 0
    if voice and waiting:
        told = (
            f"Of the {waiting} who wait for a call beyond the limit, those who take texts are told that it will follow."
        )
        return Plan(order, {}, True, f"{warning} {told}", waiting, voice.seconds)
    return Plan(order, warning=f"{warning} The slowest starts first.")


def _and(names: Sequence[str]) -> str:
    return " and ".join(", ".join(names).rsplit(", ", 1))


def _waiting(voice: Forecast, limit: int) -> int:
    """How many calls start later than the limit after the release."""
    going = voice.deliveries - voice.held
    return max(0, going - _place_at(voice, limit))


def _place_at(voice: Forecast, seconds: float) -> int:
    """How many calls will have started so long after the release, what is ahead of them evenly among them."""
    return math.floor((voice.deliveries - voice.held) * seconds / voice.seconds) if voice.seconds else voice.deliveries


# --- a call will follow -----------------------------------------------------------------------------------


def words(runtime: Runtime, language: str, seconds: float) -> str:
    """The text to a customer whose call starts so long after the release; in English unless they read German."""
    front, rest, one, many = _WORDS["de" if language.lower().startswith("de") else "en"]
    minutes, settings = max(1, math.ceil(seconds / 60)), runtime.settings
    text = front + (rest if settings.customer_line else "")
    return text.format(
        firm=settings.firm_name, minutes=f"{minutes} {one if minutes == 1 else many}", line=settings.customer_line
    )


def announce(session: Session, runtime: Runtime, message: Message, made: Plan) -> int:
    """Write to those whose call is forecast later than the limit that it will follow; how many texts.

    To everybody who has a usable text number, is not in their quiet hours, and whose text number gets neither the
    alert itself nor the same text for somebody else. Called in the transaction of the release, after `plan`.
    """
    if not made.text_first:
        return 0
    calls = Forecast("voice", _calls(session, message), 0.0, True, 0, made.longest)
    late = _place_at(calls, runtime.settings.lag_limit_seconds)
    letters = _letters(session, runtime, message, calls, late)
    written = rung = 0
    while some := list(islice(letters, _AT_ONCE)):
        known = set(session.scalars(select(Letter.dedupe).where(Letter.dedupe.in_([one["dedupe"] for one in some]))))
        new = [one for one in some if one["dedupe"] not in known]
        if new:
            for letter_id in sorted(session.scalars(insert(Letter).returning(Letter.id), new))[: CHAINS - rung]:
                note(session, "notices", "send_letter", letter_id)
                rung += 1
        written += len(new)
    return written


def ring_next(session: Session, letter: Letter) -> None:
    """Ring for the next letter of its chain, where it is one that says that a call will follow."""
    if letter.kind != CALL_FOLLOWS:
        return
    following = session.scalar(
        select(Letter.id)
        .where(Letter.id > letter.id, Letter.kind == CALL_FOLLOWS, Letter.message_id == letter.message_id)
        .order_by(Letter.id)
        .offset(CHAINS - 1)
        .limit(1)
    )
    if following is not None:
        note(session, "notices", "send_letter", following)


def still_true(session: Session, letter: Letter) -> bool:
    """False where it says that a call will follow, and that call has left, or never will."""
    if letter.kind != CALL_FOLLOWS:
        return True
    call = (
        select(Delivery.id)
        .join(Delivery.recipients)
        .where(
            Recipient.customer_id == letter.customer_id,
            Recipient.message_id == letter.message_id,
            Delivery.channel == "voice",
            Delivery.state.in_(WAITING),
        )
    )
    return session.scalar(call) is not None


def _calls(session: Session, message: Message) -> int:
    query = select(func.count()).where(
        Delivery.message_id == message.id, Delivery.channel == "voice", Delivery.position > FALLBACK
    )
    return session.scalar(query) or 0


def _letters(
    session: Session, runtime: Runtime, message: Message, calls: Forecast, late: int
) -> Iterator[dict[str, object]]:
    now, urgent, known = runtime.now(), message.current.urgency == "urgent", set[str]()
    with joined_by_hash(session):
        rows = session.execute(_late_calls(message, late)).all()
    for row in rows:
        until = quiet_hours.holds_until(
            now, row.timezone, row.quiet_from, row.quiet_until, urgent=urgent, urgent_may=row.urgent_when_quiet
        )
        if row.address in known or until is not None:
            continue
        known.add(row.address)
        seconds = calls.seconds * row.place / calls.deliveries
        yield {
            "kind": CALL_FOLLOWS,
            "dedupe": f"{CALL_FOLLOWS}:{message.id}:{row.point}",
            "channel": "sms",
            "address": row.address,
            "subject": "",
            "text": words(runtime, row.language, seconds),
            "customer_id": row.customer_id,
            "message_id": message.id,
            "due_at": now,
        }


def _late_calls(message: Message, late: int) -> Select[*tuple[Any, ...]]:
    """For whom the calls from the place `late` on are, in their order, and the text number of each."""
    point, text = aliased(ContactPoint), aliased(Delivery)
    calls = (
        select(
            Delivery.id,
            Delivery.state,
            func.row_number(type_=Integer).over(order_by=[Delivery.position, Delivery.id]).label("place"),
        )
        .where(Delivery.message_id == message.id, Delivery.channel == "voice", Delivery.position > FALLBACK)
        .subquery()
    )
    suppressed = exists().where(
        Suppression.channel == "sms",
        Suppression.address == point.address,
        suppressions.concerns(message.current.topic),
    )
    gets_it = exists().where(text.channel == "sms", text.address == point.address, text.message_id == message.id)
    return (
        select(
            calls.c.place, Customer.id.label("customer_id"), Customer.language, Customer.timezone,
            Customer.quiet_from, Customer.quiet_until, Customer.urgent_when_quiet, point.id.label("point"),
            point.address,
        )
        .select_from(calls)
        .join(Recipient, (Recipient.message_id == message.id) & (Recipient.delivery_id == calls.c.id))
        .join(Customer, Customer.id == Recipient.customer_id)
        .join(point, (point.customer_id == Customer.id) & (point.channel == "sms"))
        .where(calls.c.place > late, calls.c.state.in_(WAITING), point.valid, ~suppressed, ~gets_it)
        .order_by(calls.c.place, Customer.id)
    )  # fmt: skip
