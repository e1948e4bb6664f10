"""Acceptances and receipts of many attempts in a few statements. The same as `status.apply` one by one, only faster.

What needs thought is left to `status`: bad news, news that contradicts what went before, attempts nobody knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import bindparam, func, select, update
from sqlalchemy.orm import Session

from dispatcher.model import Attempt, Callback, Delivery, Letter
from dispatcher.model.delivery import ALIKES, NOBODY, after
from dispatcher.model.ports import Event
from dispatcher.runtime import Runtime
from dispatcher.services import likeness
from dispatcher.services.once import clean

# From these states good news leads on without anything to be undone or called off.
_PLAIN = frozenset({"sending", "unknown", "accepted", "delivered"})
_SLICE = 500  # rows named in one statement


def is_good(event: Event) -> bool:
    """True for news that may be applied here: of an attempt, good or indifferent, and that alone."""
    indifferent = not (event.mark or event.outcome or event.decision)
    return bool(event.attempt) and event.state in ("", "accepted", "delivered") and indifferent


def row_of(callback: Callback, event: Event) -> dict[str, Any]:
    """An event as it is kept, its ProviderEvent; the callback that brought it is its proof."""
    return {
        "callback_id": callback.id,
        "provider": callback.provider,
        "dedupe": clean(event.dedupe, 150),
        "attempt_id": event.attempt[:32] or None,
        "state": event.state[:16],
        "code": clean(event.code, 32),
        "detail": clean(event.detail, 300),
        "parked": False,
        "at": event.at,
    }


@dataclass(slots=True)
class _Changes:
    """What is to be written, by id."""

    refs: dict[str, str] = field(default_factory=dict)
    proven: set[str] = field(default_factory=set)  # attempts that were in doubt
    states: dict[int, str] = field(default_factory=dict)
    taken: set[int] = field(default_factory=set)  # by a provider, of which nothing was known before


def apply(session: Session, runtime: Runtime, events: Sequence[Event], attempts: Collection[str]) -> frozenset[str]:
    """Apply these events, all of them good; the attempts for which that was done.

    Locks all of `attempts`, which may be more, and then what they were made for, each in the order of ids: the order
    in which everybody locks.
    """
    by_attempt: dict[str, list[Event]] = {}
    for event in events:
        by_attempt.setdefault(event.attempt, []).append(event)
    known = _locked_attempts(session, sorted(attempts))
    doubtful = _doubtful(session, known, by_attempt)
    done: set[str] = set()
    for table, column in ((Delivery, "delivery_id"), (Letter, "letter_id")):
        of = {row.id: getattr(row, column) for row in known.values() if getattr(row, column) is not None}
        targets = _locked_targets(session, table, sorted(set(of.values())))
        changes = _Changes()
        for attempt_id, some in by_attempt.items():
            if attempt_id in of and attempt_id not in doubtful and targets[of[attempt_id]].state in _PLAIN:
                _note(changes, known[attempt_id], targets[of[attempt_id]], some)
                done.add(attempt_id)
        _write(session, runtime, table, changes)
    return frozenset(done)


def _doubtful(session: Session, known: Mapping[str, Any], news: Mapping[str, Sequence[Event]]) -> set[str]:
    """Those of which news may say that a reference was taken for another's: that is for `status` to put right."""
    refs: dict[str, set[str]] = defaultdict(set)  # mails of one request share theirs
    for attempt_id, some in news.items():
        if attempt_id in known and not known[attempt_id].provider_ref:
            for one in some:
                if one.provider_ref:
                    refs[one.provider_ref[:100]].add(attempt_id)
    found = {one for one in news if one in known and known[one].code in ALIKES}
    providers = {known[one].provider for some_ids in refs.values() for one in some_ids}
    for some_refs in slices(sorted(refs)):
        for ref in likeness.taken_for(session, providers, some_refs).values():
            found |= refs[ref]
    return found


def _locked_attempts(session: Session, ids: Sequence[str]) -> dict[str, Any]:
    query = select(
        Attempt.id,
        Attempt.delivery_id,
        Attempt.letter_id,
        Attempt.state,
        Attempt.provider,
        Attempt.provider_ref,
        Attempt.code,
    ).order_by(Attempt.id)
    return {
        row.id: row
        for some in slices(ids)
        for row in session.execute(query.where(Attempt.id.in_(some)).with_for_update())
    }


def _locked_targets(session: Session, table: type[Delivery] | type[Letter], ids: Sequence[int]) -> dict[int, Any]:
    query = select(table.id, table.state, table.accepted_at).order_by(table.id)
    return {
        row.id: row
        for some in slices(ids)
        for row in session.execute(query.where(table.id.in_(some)).with_for_update())
    }


def _note(changes: _Changes, attempt: Any, target: Any, events: Sequence[Event]) -> None:
    """What the news of one attempt changes, whatever order it came in."""
    refs = sorted(one.provider_ref[:100] for one in events if one.provider_ref)
    if refs and not attempt.provider_ref:
        changes.refs[attempt.id] = refs[0]
    said = [one.state for one in events if one.state]
    if not said:
        return
    if attempt.state in ("sending", "unknown"):
        changes.proven.add(attempt.id)
    if target.accepted_at is None:
        changes.taken.add(target.id)
    if attempt.code in NOBODY:
        said = [one for one in said if one != "accepted"]  # it rang, and nobody took it: that is decided
    state = changes.states.get(target.id, target.state)
    for one in said:
        state = after(state, one)
    if state != target.state:
        changes.states[target.id] = state


def _write(session: Session, runtime: Runtime, table: type[Delivery] | type[Letter], changes: _Changes) -> None:
    now = runtime.now()
    if changes.refs:
        session.connection().execute(
            update(Attempt).where(Attempt.id == bindparam("attempt")).values(provider_ref=bindparam("ref")),
            [{"attempt": one, "ref": ref} for one, ref in changes.refs.items()],
        )
    _set(session, Attempt, changes.proven, {"state": "accepted", "settled_at": now})
    moved = {"lease_until": None, "error": None}
    ends = {"delivered": {"settled_at": now, "due_at": None}}
    for state in set(changes.states.values()):
        ids = [one for one, to in changes.states.items() if to == state]
        _set(session, table, ids, {"state": state, **moved, **ends.get(state, {})})
    _set(session, table, changes.taken, {"accepted_at": func.coalesce(table.accepted_at, now)})


def _set(session: Session, table: Any, ids: Collection[Any], values: Mapping[str, Any]) -> None:
    for some in slices(sorted(ids)):
        session.execute(
            update(table).where(table.id.in_(some)).values(values).execution_options(synchronize_session=False)
        )


def slices(ids: Sequence[Any]) -> Iterator[Sequence[Any]]:
    """These, in pieces that one statement can name."""
    return (ids[first : first + _SLICE] for first in range(0, len(ids), _SLICE))
