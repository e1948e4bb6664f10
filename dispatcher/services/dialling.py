"""Against toll fraud, poisoned directories and redial storms: what becomes of barred numbers, and how often we call.

Which numbers are barred is said in `dialable`; calls to customers are counted in `caps`, all others here.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

from sqlalchemy.orm import Session

from dispatcher.model import Delivery, Letter
from dispatcher.runtime import Runtime
from dispatcher.services import caps, counting, fallback, tasks
from dispatcher.services.counting import Count
from dispatcher.services.dialable import barred
from dispatcher.storage import lock_chain

WITHHELD = 10  # so many times as many calls as from one number are taken from all that withhold theirs
AT_ONCE = 50  # deliveries turned away in one claim, which holds the database meanwhile


def turn_away(session: Session, runtime: Runtime, channel: str, why: Mapping[int, str]) -> None:
    """Deliveries to barred numbers, by id: their recipients' next channel, or their representative's task.

    Some of them now, the others in the next claims, so that a poisoned directory does not hold everybody up.
    """
    some = dict(islice(why.items(), AT_ONCE))
    for delivery_id, reason in some.items():
        delivery = session.get_one(Delivery, delivery_id, populate_existing=True)
        fallback.fail(session, runtime, delivery, f"the number {reason}")
    for reason in dict.fromkeys(some.values()):
        _alarm(session, runtime, channel, reason)


def refuse_letter(session: Session, runtime: Runtime, letter: Letter) -> str:
    """Why a letter may not leave for its address, with an alarm; "" where it may."""
    reason = barred(runtime, letter.channel, letter.address)
    if reason:
        _alarm(session, runtime, letter.channel, reason)
    return f"the number {reason}" if reason else ""


def _alarm(session: Session, runtime: Runtime, channel: str, reason: str) -> None:
    """Once an hour for each reason, which names the country: a poisoned directory may hold thousands."""
    text = f"the directory holds a number that {reason}: nothing goes there. Look at who put it in"
    tasks.alarm(session, runtime, channel, text, about=reason[:60], tell=True)


# --- calls that are not deliveries ------------------------------------------------------------------------


def may_call_staff(session: Session, runtime: Runtime, letter: Letter) -> bool:
    """Whether a letter to a member of staff may leave; a call is counted, what is none always may."""
    if letter.channel != "voice":
        return True
    # The audit chain before the counts, as where a customer's press of a key is recorded and then joins them.
    lock_chain(session)
    return _counted(session, runtime, [_to_staff(runtime, letter.address), *caps.counts_of_call(runtime)])


def may_join(session: Session, runtime: Runtime, number: str, caller: str) -> bool:
    """Whether the one on the line, whose number is `caller` or "", may be joined to `number` now; it is counted."""
    if reason := barred(runtime, "voice", number):
        text = f"a call was to be joined to a number that {reason}: it was not. Look at whose telephone it is"
        tasks.alarm(session, runtime, "telephone", text, about=reason[:60], tell=True)
        return False
    counts = [_to_staff(runtime, number), *caps.counts_of_call(runtime)]
    if caller and (most := runtime.settings.cap_joins_per_caller_day):
        words = f"one caller was joined {most} times today, the most of CAP_JOINS_PER_CALLER_DAY"
        counts.insert(0, counting.a_day(runtime, f"joins {caller}"[:32], most, words))
    return _counted(session, runtime, counts)


def may_ring(session: Session, runtime: Runtime, caller: str) -> bool:
    """Whether a call to one of our lines is taken; it is counted. `caller` is "" where the number is withheld: such
    calls are counted together.

    One of our own numbers is never taken: a call of ours that was forwarded to us would talk to itself.
    """
    if caller in runtime.settings.own_numbers:
        text = "one of our lines was called by another: a number that we called forwards to us. It was hung up"
        tasks.alarm(session, runtime, "telephone", text, about="loop", tell=True)
        return False
    most = runtime.settings.cap_calls_per_caller_hour
    whose, who = f"rings {caller}"[:32], "one number"
    if not caller:
        whose, who, most = "withheld rings", "telephones that withhold their numbers", most * WITHHELD
    cap = "CAP_CALLS_PER_CALLER_HOUR" if caller else f"{WITHHELD} times CAP_CALLS_PER_CALLER_HOUR"
    words = f"{who} called us {most} times within this hour, the most of {cap}"
    return _counted(session, runtime, [counting.an_hour(runtime, whose, most, words)])


def _to_staff(runtime: Runtime, number: str) -> Count:
    most = runtime.settings.cap_calls_per_staff_day
    words = f"a telephone of ours was called {most} times today, the most of CAP_CALLS_PER_STAFF_DAY"
    return counting.a_day(runtime, f"calls {number}"[:32], most, words)


def _counted(session: Session, runtime: Runtime, counts: list[Count]) -> bool:
    """Counted in all of them, or in none and an alarm raised. A cap of 0 is none."""
    taken: list[Count] = []
    for one in (each for each in counts if each.most):
        if not counting.take(session, one):
            for earlier in taken:
                counting.put_back(session, earlier)
            text = f"{one.words}: no more of these calls until {one.until:%H:%M} UTC"
            tasks.alarm(session, runtime, "telephone", text, about=one.cap.partition(" ")[0], tell=True)
            return False
        taken.append(one)
    return True
