"""Caps: however wrong things go, only so many calls, messages, sends, answers and so much money.

They fail closed, with an alarm: what is over a cap waits until the cap allows it, goes another way, or is refused
with a text that names the cap. Hours and days are those of the clock, in UTC. Sends and spend are counted as they
start, by one row a cap and period that every claim updates, so that workers on many hosts share a cap exactly; a cap
of 0 costs nothing, not even a query.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, func, or_, select, text, update
from sqlalchemy.orm import Session

from dispatcher.model import CHANNELS, Attempt, CapUse, Delivery, Letter, Message, Staff
from dispatcher.model.errors import StateConflict
from dispatcher.model.gate import BARRED
from dispatcher.runtime import Runtime
from dispatcher.services import counting, fallback, tasks
from dispatcher.services.counting import Count
from dispatcher.services.reply_notices import AUTOMATIC

THOUSANDTHS = 1000
DIALLED = ("voice", "fax")  # both ring a telephone
# Of PostgreSQL's advisory ones: two claims of calls, or two releases, never count at the same time.
_CALLS_LOCK, _RELEASES_LOCK = 74657, 74658


@dataclass(frozen=True, slots=True)
class Use:
    """One cap as administrators see it: the setting, what it bounds, how much of it was used; a `cap` of 0 is none."""

    setting: str
    what: str
    used: float
    cap: float
    until: datetime | None = None  # when counting begins anew


# --- sends and spend --------------------------------------------------------------------------------------


def room(session: Session, runtime: Runtime, channel: str, wanted: int) -> int:
    """How many of `wanted` sends may start on a channel now; these are counted, in the caller's transaction."""
    granted = wanted
    counted: list[Count] = []
    for count in _counts(runtime, channel):
        before, granted = granted, counting.take(session, count, granted)
        for earlier in counted:
            counting.put_back(session, earlier, before - granted)
        counted.append(count)
    return granted


def hold(session: Session, runtime: Runtime, channel: str, delivery_ids: Sequence[int]) -> None:
    """Let deliveries for which there was no room wait until there is, and say so. The caller holds their rows."""
    if not delivery_ids:
        return
    reached = _reached_on(session, runtime, channel)
    until, words = (reached.until, reached.words) if reached else (counting.next_hour(runtime), "a cap was reached")
    session.execute(
        update(Delivery)
        .where(Delivery.id.in_(delivery_ids))
        .values(state="deferred", due_at=until, error=f"held: {words}"[:300])
        .execution_options(synchronize_session=False)
    )
    _alarm(session, runtime, channel, words, until)


def hold_letter(session: Session, runtime: Runtime, letter: Letter) -> None:
    """The same for a letter to a customer."""
    reached = _reached_on(session, runtime, letter.channel)
    if reached is not None:
        letter.due_at, letter.error = reached.until, f"held: {reached.words}"[:300]
        _alarm(session, runtime, letter.channel, reached.words, reached.until)
    else:
        letter.due_at = counting.next_hour(runtime)


def _alarm(session: Session, runtime: Runtime, channel: str, words: str, until: datetime) -> None:
    tasks.alarm(session, runtime, channel, f"{words}: more waits until {until:%H:%M} UTC", about="cap", tell=True)


def _reached_on(session: Session, runtime: Runtime, channel: str) -> Count | None:
    """The cap that leaves no room on a channel now; of two the one that lasts longer."""
    reached = [one for one in _counts(runtime, channel) if counting.is_reached(session, one)]
    return max(reached, key=lambda one: one.until, default=None)


def _counts(runtime: Runtime, channel: str) -> list[Count]:
    counts = counts_of_call(runtime) if channel == "voice" else _spend(runtime, channel)
    if most := runtime.settings.cap_deliveries_per_hour:
        words = f"CAP_DELIVERIES_PER_HOUR of {most:,} is used up"
        counts.insert(0, counting.an_hour(runtime, f"sends {channel}", most, words))
    return counts


def counts_of_call(runtime: Runtime) -> list[Count]:
    """What any call out counts in, whomever it is to."""
    counts = _spend(runtime, "voice")
    if most := runtime.settings.cap_calls_per_hour:
        words = f"CAP_CALLS_PER_HOUR of {most:,} is used up"
        counts.insert(0, counting.an_hour(runtime, "calls", most, words))
    return counts


def _spend(runtime: Runtime, channel: str) -> list[Count]:
    most, price = runtime.settings.cap_spend_per_day, round(runtime.settings.price_of(channel) * THOUSANDTHS)
    if not most or not price:
        return []
    words = f"CAP_SPEND_PER_DAY of {most:,g} is used up"
    return [counting.a_day(runtime, "spend", round(most * THOUSANDTHS), words, price)]


# --- calls to one number ----------------------------------------------------------------------------------


def over_called(session: Session, runtime: Runtime, addresses: Collection[str]) -> set[str]:
    """Of these numbers those that were called as often today as a number may be, for whatever message, by whatever
    dials.
    """
    most = runtime.settings.cap_calls_per_number_day
    if not most or not addresses:
        return set()
    _one_at_a_time(session, _CALLS_LOCK)
    return set(
        session.scalars(
            select(Delivery.address)
            .join(Attempt, Attempt.delivery_id == Delivery.id)
            .where(Delivery.address.in_(addresses), *_made(runtime))
            .group_by(Delivery.address)
            .having(func.count() >= most)
        )
    )


def _made(runtime: Runtime) -> tuple[ColumnElement[bool], ...]:
    """The calls of today, without those that certainly never left us."""
    left = or_(Attempt.code.is_(None), Attempt.code.not_in((*BARRED, "no-connection")))
    return Delivery.channel.in_(DIALLED), Attempt.started_at >= counting.today(runtime), left


def _one_at_a_time(session: Session, lock: int) -> None:
    """Others who count the same wait until this transaction ends. On SQLite there is one writer anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": lock})


def turn_away(session: Session, runtime: Runtime, delivery_ids: Sequence[int]) -> None:
    """Calls to numbers that had enough today: their recipients' next channel, or their representative's task."""
    why = f"called {runtime.settings.cap_calls_per_number_day} times today, the most of CAP_CALLS_PER_NUMBER_DAY"
    channels: set[str] = set()
    for delivery_id in delivery_ids:
        delivery = session.get_one(Delivery, delivery_id, populate_existing=True)
        fallback.fail(session, runtime, delivery, why)
        channels.add(delivery.channel)
    for channel in sorted(channels):
        tasks.alarm(session, runtime, channel, f"a number was {why}", about="cap of calls", tell=True)


# --- messages and answers ---------------------------------------------------------------------------------


def require_release(session: Session, runtime: Runtime) -> None:
    """Raise StateConflict where as many messages were released within the last hour as may be."""
    most = runtime.settings.cap_messages_per_hour
    if not most:
        return
    _one_at_a_time(session, _RELEASES_LOCK)
    hour_ago = runtime.now() - timedelta(hours=1)
    lately = session.scalars(
        select(Message.released_at)
        .where(Message.released_at > hour_ago)
        .order_by(Message.released_at.desc())
        .limit(most)
    ).all()
    if len(lately) >= most and lately[-1] is not None:
        free = lately[-1] + timedelta(hours=1)
        raise StateConflict(
            f"{most} messages have been released within the last hour, the most that CAP_MESSAGES_PER_HOUR allows: "
            f"nothing was approved or released; try again after {free:%H:%M:%S} UTC",
            state="capped",
        )


# The kinds of letters that answer a customer by themselves; what answers staff has a dedupe with AUTOMATIC in front.
ANSWERS = ("order-noted", "complaint-noted", "confirmation")


def may_answer(session: Session, runtime: Runtime, sender: Staff | str) -> bool:
    """Whether a sender, one of ours or an address, may get another automatic answer now; asked for each, it counts.

    Counted of a sender are the letters of today: of a kind in ANSWERS, or with a dedupe that begins with AUTOMATIC.
    """
    most = runtime.settings.cap_answers_per_sender_day
    if most and _answers_today(session, runtime, sender) >= most:
        why = f"a sender got {most} automatic answers today, the most of CAP_ANSWERS_PER_SENDER_DAY: it gets no more"
    elif _counts_this_hour(session, runtime):
        return True
    else:
        why = (
            f"{runtime.settings.cap_answers_per_hour} automatic answers in this hour, the most of CAP_ANSWERS_PER_HOUR"
        )
    tasks.alarm(session, runtime, "answers", f"{why}; look whether two machines answer each other", about="cap")
    return False


def _counts_this_hour(session: Session, runtime: Runtime) -> bool:
    most = runtime.settings.cap_answers_per_hour
    return not most or counting.take(session, counting.an_hour(runtime, "answers", most)) == 1


def _answers_today(session: Session, runtime: Runtime, sender: Staff | str) -> int:
    """By the channel that carried most: one answer goes out by each of a person's channels."""
    whose = Letter.address == sender.strip().lower() if isinstance(sender, str) else Letter.staff_id == sender.id
    counts = session.scalars(
        select(func.count())
        .select_from(Letter)
        # The channels are named for the index of addresses, which they begin.
        .where(whose, Letter.channel.in_(CHANNELS), Letter.created_at >= counting.today(runtime), _is_answer())
        .group_by(Letter.channel)
    )
    return max(counts, default=0)


def is_answer(letter: Letter) -> bool:
    """Whether this letter answers somebody by itself."""
    return letter.kind in ANSWERS or letter.dedupe.startswith(AUTOMATIC)


def _is_answer() -> ColumnElement[bool]:
    return or_(Letter.kind.in_(ANSWERS), Letter.dedupe.startswith(AUTOMATIC))


# --- for administrators -----------------------------------------------------------------------------------


def uses(session: Session, runtime: Runtime) -> list[Use]:
    """Every cap and how much of it was used, for administrators."""
    settings = runtime.settings
    today = counting.today(runtime)
    released = select(func.count()).where(Message.released_at > runtime.now() - timedelta(hours=1))
    calls = (
        select(func.count().label("times"))
        .select_from(Attempt)
        .join(Delivery, Attempt.delivery_id == Delivery.id)
        .where(*_made(runtime))
        .group_by(Delivery.address)
        .subquery()
    )
    answers = (
        select(func.count().label("times"))
        .where(Letter.created_at >= today, _is_answer())
        .group_by(Letter.address)
        .subquery()
    )
    found = [
        Use(
            "CAP_MESSAGES_PER_HOUR", "messages released within the last hour", session.scalar(released) or 0,
            settings.cap_messages_per_hour,
        ),
        Use(
            "CAP_CALLS_PER_NUMBER_DAY", "calls to the number called most often today",
            session.scalar(select(func.max(calls.c.times))) or 0, settings.cap_calls_per_number_day,
            counting.next_day(runtime),
        ),
        Use(
            "CAP_ANSWERS_PER_SENDER_DAY", "automatic answers to the sender who got most today",
            session.scalar(select(func.max(answers.c.times))) or 0, settings.cap_answers_per_sender_day,
            counting.next_day(runtime),
        ),
    ]  # fmt: skip
    for channel in runtime.usable_channels():
        count = counting.an_hour(runtime, f"sends {channel}", 0)
        used = counting.used(session, count) if settings.cap_deliveries_per_hour else 0
        what = f"sends started by {channel} in this hour"
        found.append(Use("CAP_DELIVERIES_PER_HOUR", what, used, settings.cap_deliveries_per_hour, count.until))
    spend = counting.a_day(runtime, "spend", 0)
    spent = counting.used(session, spend) / THOUSANDTHS if settings.cap_spend_per_day else 0
    found.append(Use("CAP_SPEND_PER_DAY", "spent today", spent, settings.cap_spend_per_day, spend.until))
    return found + _uses_of_telephone(session, runtime)


def _uses_of_telephone(session: Session, runtime: Runtime) -> list[Use]:
    """What the calls that are no deliveries count in; of many numbers the one that used most."""
    settings, hour, day = runtime.settings, counting.an_hour(runtime, "", 0), counting.a_day(runtime, "", 0)
    rows = (
        ("CAP_ANSWERS_PER_HOUR", "automatic answers written in this hour", "answers", hour),
        ("CAP_CALLS_PER_HOUR", "calls started in this hour", "calls", hour),
        ("CAP_CALLS_PER_STAFF_DAY", "calls to the telephone of ours that was called most often today", "calls +", day),
        ("CAP_CALLS_PER_CALLER_HOUR", "calls from the number that called most often in this hour", "rings +", hour),
        ("CAP_JOINS_PER_CALLER_DAY", "joins of the caller who was joined most often today", "joins +", day),
        ("CAP_WRONG_CODES_PER_CALLER_DAY", "wrong codes of the caller who gave most today", "codes +", day),
        ("CAP_WRONG_CODES_PER_HOUR", "wrong codes given in this hour", "codes", hour),
    )
    found = []
    for setting, what, cap, count in rows:
        named = CapUse.cap.startswith(cap) if cap.endswith("+") else CapUse.cap == cap
        used = session.scalar(select(func.max(CapUse.used)).where(named, CapUse.period == count.period)) or 0
        found.append(Use(setting, what, used, getattr(settings, setting.lower()), count.until))
    return found


def forget_old(session: Session, now: datetime) -> None:
    """Counts of days gone by, which nobody asks for any more."""
    session.execute(delete(CapUse).where(CapUse.period < f"{now - timedelta(days=7):%Y%m%d}"))
