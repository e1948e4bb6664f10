"""Doubt: attempts whose outcome is unknown are looked up at the provider, never repeated blindly.

Two look-ups that find nothing, minutes apart, make it absent: a text or a mail is then tried again. A call
never is; its recipient goes on to the next channel, or a person looks.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy import and_, select, update
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model import Attempt, Delivery, Letter
from dispatcher.model.delivery import ABSENT, ALIKE, ALIKE_RESTORED, in_states
from dispatcher.model.ports import Found, Outcome, Probe, Provider
from dispatcher.runtime import Runtime
from dispatcher.services import outcomes, pause, poison, tasks
from dispatcher.services.lease import lease_of
from dispatcher.services.probes import Asked, is_its_own, probe_for
from dispatcher.services.resend import sole_customer, sole_owner
from dispatcher.storage import taken_again
from dispatcher.storage.many import among

log = logging.getLogger(__name__)

GIVE_UP_AFTER = 6
TRIES = 3  # of writing down what a provider has said, where the database chose this transaction to give way
AT_ONCE, LOOK_FOR = 20, 60.0  # look-ups under way together; seconds after which one job begins no more
APART = 60.0  # seconds over which suspects are spread
DIED = "the worker died while sending"
_AT_ONCE = 1000  # rows that one sweep takes from dead workers


def doubt_dead_leases(session: Session, runtime: Runtime) -> int:
    """What a dead worker was sending is in doubt from now on; how many there were.

    Also closes the tasks of doubts that news has settled meanwhile.
    """
    tasks.close_settled(session, runtime)
    return sum(_doubt(session, runtime, table) for table in (Delivery, Letter))


def _doubt(session: Session, runtime: Runtime, table: type[Delivery] | type[Letter]) -> int:
    now = runtime.now()
    column = Attempt.delivery_id if table is Delivery else Attempt.letter_id
    dead = and_(in_states(table.state, "sending"), table.lease_until < now)
    # First by the index of what is being sent: in the order of attempts, SQLite would walk all that were ever made.
    ids = session.scalars(select(table.id).where(dead).limit(_AT_ONCE)).all()
    if not ids:
        return 0
    # Attempts are locked before deliveries, by everybody, and in one order.
    held = session.execute(
        select(Attempt.id, column.label("of"))
        .join(table, and_(table.id == column, table.tries == Attempt.n))
        .where(among(table.id, ids), dead)
        .order_by(Attempt.id)
        .with_for_update(of=Attempt, skip_locked=True)
    ).all()
    if not held:
        return 0
    # Looked at again now that nobody else writes its outcome: its worker may have been slow, not dead.
    taken = set(
        session.scalars(
            update(table)
            .where(table.id.in_([row.of for row in held]), dead)
            .values(state="unknown", lease_until=None, due_at=now, error=DIED, mishaps=table.mishaps + 1)
            .returning(table.id)
            .execution_options(synchronize_session=False)
        )
    )
    session.execute(
        update(Attempt)
        .where(Attempt.id.in_([row.id for row in held if row.of in taken]))
        .values(state="unknown", error=DIED, settled_at=None)
        .execution_options(synchronize_session=False)
    )
    return len(taken)


def due(session: Session, runtime: Runtime, limit: int = 200) -> list[str]:
    """Ids of unknown attempts that should be looked up now, those that wait longest first."""
    waiting: list[tuple[datetime, str]] = []
    # From the index of the few that are in doubt: attempts are as many as all that was ever sent.
    for table, column in ((Delivery, Attempt.delivery_id), (Letter, Attempt.letter_id)):
        rows = session.execute(
            select(table.due_at, Attempt.id)
            .join(Attempt, column == table.id)
            .where(in_states(table.state, "unknown"), table.due_at <= runtime.now(), Attempt.state == "unknown")
            .order_by(table.due_at)
            .limit(limit)
        )
        waiting += [(due_at, attempt_id) for due_at, attempt_id in rows if due_at is not None]
    return [attempt_id for _, attempt_id in sorted(waiting)[:limit]]


def mistrust_times(session: Session, runtime: Runtime) -> None:
    """The time of day has jumped: look-ups so far may lie closer together than it says, and leases end too late.

    Doubts are looked up anew, as often and as far apart as if they had just arisen; no lease lasts longer than one.
    """
    now = runtime.now()
    later = now + timedelta(seconds=runtime.settings.look_ups_apart_seconds)
    latest = now + lease_of(runtime)
    # Attempts before deliveries, by everybody.
    session.execute(
        update(Attempt)
        .where(Attempt.state == "unknown", Attempt.looked_up > 0)
        .values(looked_up=0, absences=0)
        .execution_options(synchronize_session=False)
    )
    for table in (Delivery, Letter):
        session.execute(
            update(table)
            .where(in_states(table.state, "unknown"), table.due_at.is_not(None))
            .values(due_at=later)
            .execution_options(synchronize_session=False)
        )
        session.execute(
            update(table)
            .where(in_states(table.state, "sending"), table.lease_until > latest)
            .values(lease_until=latest)
            .execution_options(synchronize_session=False)
        )


async def look_ups(runtime: Runtime) -> int:
    """Ask about what is due, AT_ONCE together, until nothing is due or time is up; how many were asked about."""
    until, asked = runtime.monotonic() + LOOK_FOR, 0
    while runtime.monotonic() < until and (some := await runtime.aside(_due_now, runtime)):
        said = await asyncio.gather(*(look_up(runtime, one) for one in some), return_exceptions=True)
        for one in said:
            if isinstance(one, BaseException):
                raise one
        if not any(said):
            break  # another worker asks about them
        asked += len([one for one in said if one])
    return asked


def _due_now(runtime: Runtime) -> list[str]:
    with runtime.sessions() as session:
        return due(session, runtime, AT_ONCE)


async def look_up(runtime: Runtime, attempt_id: str) -> str:
    """Ask the provider about one attempt and act on the answer: accepted, absent, cannot say, or "" (not due)."""
    begun = await runtime.aside(_begin, runtime, attempt_id)
    if begun is None:
        return ""
    providers, asked = begun
    found, where = (await _ask_all(providers, asked.probe)) if asked is not None else (Found("cannot say"), "")
    rivals = asked.rivals if asked is not None else frozenset[str]()
    await runtime.aside(taken_again, partial(_conclude, runtime, attempt_id, found, where, rivals), TRIES)
    return found.verdict


async def _ask_all(providers: Sequence[Provider], probe: Probe) -> tuple[Found, str]:
    """What they say, and the name of the one that has it. Absent only where none of them has it."""
    verdicts = set()
    for provider in providers:
        found = await _ask(provider, probe)
        if found.verdict == "accepted":
            return found, provider.name
        verdicts.add(found.verdict)
        probe = replace(probe, provider_ref="")  # the next one has its own
    return Found("absent" if verdicts == {"absent"} else "cannot say"), ""


async def _ask(provider: Provider, probe: Probe) -> Found:
    try:
        return await provider.find(probe)
    except Exception:
        log.exception("a look-up at %s broke off", provider.name)
        return Found("cannot say")


def _begin(runtime: Runtime, attempt_id: str) -> tuple[Sequence[Provider], Asked | None] | None:
    with runtime.sessions() as session:
        attempt = session.get(Attempt, attempt_id, with_for_update=True)
        if attempt is None or attempt.state != "unknown":
            return None
        target = outcomes.target_of(session, attempt)
        now = runtime.now()
        if target.due_at is None or target.due_at > now:
            return None
        # Set forward first: two sweeps at once ask once, and two look-ups are minutes apart.
        target.due_at = now + timedelta(seconds=runtime.settings.look_ups_apart_seconds)
        attempt.looked_up, attempt.looked_up_at = attempt.looked_up + 1, now
        if attempt.looked_up > GIVE_UP_AFTER:  # what was found could not be written down, whatever it was
            _ask_a_person(session, target)
            commit(session, runtime.bells)
            return None
        providers = runtime.adapters.providers.get(target.channel, ())
        own = [one for one in providers if one.name == attempt.provider]
        if own and attempt.code == pause.RESTORED_CODE:
            own += [one for one in providers if one.name != attempt.provider]  # any of them may have carried it
        asked = probe_for(session, runtime, attempt, target)
        commit(session, runtime.bells)
        return own, asked


def _conclude(runtime: Runtime, attempt_id: str, found: Found, where: str, rivals: frozenset[str]) -> None:
    with runtime.sessions() as session:
        attempt = session.get_one(Attempt, attempt_id, with_for_update=True)
        target = outcomes.target_of(session, attempt)
        if attempt.state != "unknown" or target.state != "unknown":
            return
        attempt.absences += found.verdict == "absent"
        if found.verdict == "accepted" and is_its_own(session, attempt, target, found, where, rivals):
            attempt.provider = where
            if not found.own:
                attempt.code = ALIKE_RESTORED if attempt.code == pause.RESTORED_CODE else ALIKE
            session.flush()
            known = Outcome(attempt.id, "accepted", provider_ref=found.provider_ref)
            outcomes.settle(session, runtime, target.channel, type(target), [known])
        elif found.verdict == "absent" and attempt.absences >= 2:
            _absent(session, runtime, attempt, target)
        elif attempt.looked_up >= GIVE_UP_AFTER:
            _ask_a_person(session, target)
        commit(session, runtime.bells)


def _absent(session: Session, runtime: Runtime, attempt: Attempt, target: Delivery | Letter) -> None:
    why = "the provider never got it"
    if poison.is_poison(target):
        attempt.state, attempt.code, attempt.error, attempt.settled_at = "failed", ABSENT, why, runtime.now()
        poison.set_aside(session, runtime, target, "a worker died over it each time")
        return
    news = "failed" if target.channel == "voice" else "deferred"
    # Those over which two workers died leave apart, so that the one they die of is found and not its neighbours.
    wait = runtime.chance.uniform(0, APART) if target.mishaps > 1 else 0.0
    outcomes.settle_one(
        session, runtime, target.channel, Outcome(attempt.id, news, code=ABSENT, error=why, retry_after=wait)
    )


def _ask_a_person(session: Session, target: Delivery | Letter) -> None:
    """Nobody knows. Nothing is sent to that address for this message until a person has answered."""
    target.due_at = None
    kind = type(target).__name__.lower()
    delivery, letter = (target, None) if isinstance(target, Delivery) else (None, target)
    tasks.open_task(
        session,
        kind="unknown",
        dedupe=f"unknown:{kind}:{target.id}:{target.tries}",
        text=f"The provider cannot say whether {target.channel} {kind} {target.id} went out: ask who it was for",
        rep_id=sole_owner(session, target),
        customer_id=sole_customer(target),
        message_id=target.message_id,
        delivery_id=delivery.id if delivery else None,
        letter_id=letter.id if letter else None,
    )
