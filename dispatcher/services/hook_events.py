"""Finds what outgoing webhooks are to be told, and writes it down for each of them, once.

Acts of people are read off the record from where a hook was told last: the record has no gaps and keeps the order of
the commits, so that nothing is missed and nobody who acts waits for hooks. Deliveries, which are too many for the
record, are found by the time of their news, some of which is looked at twice.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import ColumnElement, SQLColumnExpression, String, cast, delete, func, literal, or_, select
from sqlalchemy.orm import Session, selectinload

from dispatcher.model import AuditEntry, Delivery, Hook, HookEvent, HookPost, Message, Recipient
from dispatcher.runtime import Runtime
from dispatcher.services import hook_bodies
from dispatcher.services.once import insert_missing

CHUNK = 200  # as long as the hooks' rows, and on SQLite every writer, wait for it
# A transaction may commit this long after the time it wrote.
OVERLAP = timedelta(minutes=10)
EVERY = timedelta(seconds=5)  # deliveries are looked for
WATCHED = timedelta(days=7)  # after its release, for which the deliveries of a message are followed
KEPT = timedelta(days=30)

# An event by its dedupe, what is posted of it, and to which hooks.
Told = tuple[str, dict[str, Any], Sequence[Hook]]


def wants(hook: Hook, name: str) -> bool:
    """Whether a hook asked for events of this name; "*" is all, "reply.*" all about replies."""
    return any(one in ("*", name) or (one.endswith(".*") and name.startswith(one[:-1])) for one in hook.events)


def waiting(session: Session, runtime: Runtime) -> bool:
    """Whether any hook is behind, or has something to be posted now. Without hooks it costs one look at no rows."""
    hooks = session.scalars(select(Hook).where(Hook.state == "active")).all()
    if not hooks:
        return False
    now = runtime.now()
    newest = newest_entry(session)
    if any(one.seen < newest or (_of_deliveries(one) and one.seen_at <= now - EVERY) for one in hooks):
        return True
    ready = [one.id for one in hooks if one.retry_at is None or one.retry_at <= now]
    return session.scalar(select(HookPost.id).where(HookPost.hook_id.in_(ready), due(runtime)).limit(1)) is not None


def due(runtime: Runtime) -> ColumnElement[bool]:
    """Posts that are to be tried now: those that wait, and those whose worker died over them."""
    now = runtime.now()
    return or_(
        (HookPost.state == "queued") & (HookPost.due_at <= now),
        (HookPost.state == "sending") & (HookPost.lease_until <= now),
    )


def newest_entry(session: Session) -> int:
    """The number of the newest act on record."""
    return session.scalar(select(func.max(AuditEntry.seq))) or 0


def gather(session: Session, runtime: Runtime) -> bool:
    """Write down what is new for the active hooks; True where there is more. The hooks' rows are held meanwhile."""
    hooks = session.scalars(
        select(Hook)
        .where(Hook.state == "active")
        .order_by(Hook.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if not hooks:
        return False
    more = _from_record(session, runtime, hooks)
    for hook in hooks:
        if _of_deliveries(hook) and hook.seen_at <= runtime.now() - EVERY:
            more = _from_deliveries(session, runtime, hook) or more
    if not more:
        _forget_old(session, runtime)
    return more


def _from_record(session: Session, runtime: Runtime, hooks: Sequence[Hook]) -> bool:
    since = min(one.seen for one in hooks)
    entries = session.scalars(
        select(AuditEntry).where(AuditEntry.seq > since).order_by(AuditEntry.seq).limit(CHUNK)
    ).all()
    told: list[Told] = []
    for entry in entries:
        name = hook_bodies.ACTS.get(entry.action, "")
        asked = [one for one in hooks if one.seen < entry.seq and name and wants(one, name)]
        body = hook_bodies.of_entry(session, entry) if asked else None
        if body is not None:
            told.append((f"record:{entry.seq}", body, asked))
    write(session, runtime, told)
    for hook in hooks:
        hook.seen = max(hook.seen, entries[-1].seq if entries else since)
    return len(entries) == CHUNK


def _of_deliveries(hook: Hook) -> bool:
    return any(one == "*" or one.startswith("delivery.") for one in hook.events)


def _from_deliveries(session: Session, runtime: Runtime, hook: Hook) -> bool:
    began = runtime.now()
    since = max(hook.created_at, hook.seen_at - OVERLAP)
    accepted = _new(session, runtime, hook, literal("accepted"), Delivery.accepted_at >= since)
    final = Delivery.state.in_(hook_bodies.FINAL_DELIVERIES)
    ended = _new(session, runtime, hook, Delivery.state, Delivery.settled_at >= since, final)
    news = [(one, "accepted") for one in accepted] + [(one, one.state) for one in ended]
    told: list[Told] = [
        (f"delivery:{one.id}:{state}", hook_bodies.of_delivery(one, state), [hook]) for one, state in news
    ]
    write(session, runtime, told)
    more = CHUNK in (len(accepted), len(ended))
    if not more:
        hook.seen_at = began
    return more


def _new(
    session: Session, runtime: Runtime, hook: Hook, state: SQLColumnExpression[str], *which: ColumnElement[bool]
) -> Sequence[Delivery]:
    """Deliveries of which this hook has not been told that they are in this state, as many as a chunk holds."""
    wanted = [one for one in ("accepted", *hook_bodies.FINAL_DELIVERIES) if wants(hook, f"delivery.{one}")]
    key = literal("delivery:") + cast(Delivery.id, String) + ":" + state
    told = (
        select(HookPost.id)
        .join(HookEvent, HookPost.event_id == HookEvent.id)
        .where(HookPost.hook_id == hook.id, HookEvent.dedupe == key)
        .exists()
    )
    # As far back as it was told last: a hook that was paused for long has missed nothing.
    recent = select(Message.id).where(Message.released_at > min(runtime.now(), hook.seen_at) - WATCHED)
    return session.scalars(
        select(Delivery)
        .where(Delivery.message_id.in_(recent), state.in_(wanted), *which, ~told)
        .order_by(Delivery.id)
        .limit(CHUNK)
        .options(selectinload(Delivery.message), selectinload(Delivery.recipients).selectinload(Recipient.customer))
    ).all()


def write(session: Session, runtime: Runtime, told: Sequence[Told]) -> None:
    """Put each event on its way to its hooks: once to each, however often this is asked for."""
    now = runtime.now()
    insert_missing(
        session,
        HookEvent,
        [
            {"uid": f"evt_{uid}", "dedupe": dedupe, "name": body["type"], "body": body, "created_at": now}
            for uid, (dedupe, body, _) in zip(runtime.new_ids(len(told)), told, strict=True)
        ],
        HookEvent.id,
    )
    known = select(HookEvent.dedupe, HookEvent.id).where(HookEvent.dedupe.in_([dedupe for dedupe, _, _ in told]))
    ids = {row.dedupe: row.id for row in session.execute(known)}
    fresh = {"state": "queued", "tries": 0, "due_at": now}
    posts = [{**fresh, "hook_id": hook.id, "event_id": ids[dedupe]} for dedupe, _, hooks in told for hook in hooks]
    insert_missing(session, HookPost, posts, HookPost.id)


def _forget_old(session: Session, runtime: Runtime) -> None:
    """What happened a month ago, whatever became of telling it: it holds customers' words and addresses."""
    old = select(HookEvent.id).where(HookEvent.created_at < runtime.now() - KEPT)
    if session.scalar(old.limit(1)) is None:
        return
    for table, column in ((HookPost, HookPost.event_id), (HookEvent, HookEvent.id)):
        session.execute(delete(table).where(column.in_(old)).execution_options(synchronize_session=False))
