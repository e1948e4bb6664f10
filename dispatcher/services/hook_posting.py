"""Posts events to outgoing webhooks: signed, each until it was taken, none held up by another one's receiver."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model import Hook, HookPost
from dispatcher.model.ports import Posted
from dispatcher.runtime import Runtime
from dispatcher.services import hook_events, tasks

# Seconds until the next try of a post; after the last it has failed. Real ones vary by a fifth.
WAITS = (5, 60, 300, 1800, 7200, 21600, 43200, 86400)
IN_FLIGHT = 8  # posts at a time to one hook that answers; to one that does not, one
LEASE = timedelta(seconds=60)
ROTATION = timedelta(hours=24)
PAUSED_AFTER = timedelta(days=3)
LONGEST_WAIT = timedelta(hours=1)  # that a receiver may ask for
TURN = 30.0  # seconds a job goes on while there is something to post


@dataclass(frozen=True, slots=True)
class _Ready:
    """A claimed post: to which hook, where to, and what."""

    post_id: int
    hook_id: int
    url: str
    headers: dict[str, str]
    body: bytes


def secret_of(runtime: Runtime, hook: Hook, generation: int | None = None) -> str:
    """What signs the posts of a hook, as its receiver is given it. It is not stored: SECRET_KEY makes it anew."""
    number = hook.generation if generation is None else generation
    made = hmac.new(runtime.key("hook"), f"{hook.id}:{hook.created_at.timestamp()}:{number}".encode(), hashlib.sha256)
    return f"whsec_{base64.b64encode(made.digest()).decode()}"


def signed(runtime: Runtime, hook: Hook, uid: str, body: bytes) -> dict[str, str]:
    """The headers of a post as Standard Webhooks has them; for a day after a change the former secret signs, too."""
    now = runtime.now()
    generations = [hook.generation]
    if hook.rotated_at and hook.rotated_at > now - ROTATION:
        generations.append(hook.generation - 1)  # the only one: see hooks.rotate
    stamp = str(int(now.timestamp()))
    signatures = []
    for generation in generations:
        key = base64.b64decode(secret_of(runtime, hook, generation).removeprefix("whsec_"))
        digest = hmac.new(key, f"{uid}.{stamp}.".encode() + body, hashlib.sha256).digest()
        signatures.append(f"v1,{base64.b64encode(digest).decode()}")
    return {"webhook-id": uid, "webhook-timestamp": stamp, "webhook-signature": " ".join(signatures)}


async def post_due(runtime: Runtime) -> None:
    """Find what is new, and post what is due, until nothing is left for now. Never more than a turn long."""
    until = runtime.monotonic() + TURN
    await runtime.aside(_gather, runtime)
    under_way: set[asyncio.Task[None]] = set()
    # A hook takes as many again as it has answered; who waits for one holds up no other.
    try:
        while runtime.monotonic() < until:
            claimed = await runtime.aside(_claim, runtime)
            under_way |= {asyncio.create_task(_post(runtime, one)) for one in claimed}
            if not under_way:
                return
            done, under_way = await asyncio.wait(under_way, return_when=asyncio.FIRST_COMPLETED)
            for one in done:
                one.result()  # a fault of ours is seen here, not swallowed
    finally:
        # What became of the others is noted all the same.
        late = await asyncio.gather(*under_way, return_exceptions=True)
    for fault in late:
        if fault is not None:
            raise fault


def _gather(runtime: Runtime) -> None:
    more = True
    while more:
        with runtime.sessions() as session:
            more = hook_events.gather(session, runtime)
            commit(session, runtime.bells)


def _claim(runtime: Runtime) -> list[_Ready]:
    now = runtime.now()
    ready: list[_Ready] = []
    with runtime.sessions() as session:
        for hook in session.scalars(select(Hook).where(Hook.state == "active").order_by(Hook.id)):
            if hook.retry_at is not None and hook.retry_at > now:
                continue
            ready += _claim_of(session, runtime, hook)
        commit(session, runtime.bells)
    return ready


def _claim_of(session: Session, runtime: Runtime, hook: Hook) -> list[_Ready]:
    now = runtime.now()
    going = select(HookPost.id).where(
        HookPost.hook_id == hook.id, HookPost.state == "sending", HookPost.lease_until > now
    )
    room = (1 if hook.failures else IN_FLIGHT) - len(session.scalars(going).all())
    if room <= 0:
        return []
    found = session.scalars(
        select(HookPost)
        .where(HookPost.hook_id == hook.id, hook_events.due(runtime))
        .order_by(HookPost.event_id)
        .limit(room)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    ready = []
    for post in found:
        if post.tries > len(WAITS):  # whoever took it died over it each time
            post.state, post.due_at, post.lease_until = "failed", None, None
            _alarm(session, runtime, hook, f"could not be told of event {post.event.uid}")
            continue
        post.state, post.tries, post.due_at, post.lease_until = "sending", post.tries + 1, None, now + LEASE
        body = orjson.dumps(post.event.body)
        headers = {"content-type": "application/json", **signed(runtime, hook, post.event.uid, body)}
        ready.append(_Ready(post.id, hook.id, hook.url, headers, body))
    return ready


async def _post(runtime: Runtime, ready: _Ready) -> None:
    poster = runtime.adapters.poster
    if poster is None:
        posted = Posted(None, error="nothing here can post")
    else:
        posted = await poster.post(ready.url, ready.headers, ready.body)
    await runtime.aside(_note, runtime, ready, posted)


def _note(runtime: Runtime, ready: _Ready, posted: Posted) -> None:
    with runtime.sessions() as session:
        hook = session.get(Hook, ready.hook_id, with_for_update=True)
        post = session.get(HookPost, ready.post_id, with_for_update=True)
        if hook is not None and post is not None and post.state == "sending":
            post.status, post.error, post.lease_until = posted.status, posted.error or None, None
            if posted.status is not None and 200 <= posted.status < 300:
                post.state, post.sent_at = "sent", runtime.now()
                hook.failures, hook.failing_since, hook.retry_at = 0, None, None
            else:
                _failed(session, runtime, hook, post, posted)
        commit(session, runtime.bells)


def _failed(session: Session, runtime: Runtime, hook: Hook, post: HookPost, posted: Posted) -> None:
    now = runtime.now()
    hook.failures += 1
    hook.failing_since = hook.failing_since or now
    asked = now + min(timedelta(seconds=posted.retry_after or 0), LONGEST_WAIT)
    # Not longer than a quarter of an hour: other events may be taken where this one is not.
    hook.retry_at = max(asked, _later(runtime, min(hook.failures, 3)))
    if post.tries > len(WAITS):
        post.state, post.due_at = "failed", None
        _alarm(session, runtime, hook, f"did not take event {post.event.uid} in {post.tries} tries")
    else:
        post.state, post.due_at = "queued", max(asked, _later(runtime, post.tries))
    if posted.status == 410:
        hook.state, hook.retry_at = "ended", None
        _alarm(session, runtime, hook, "says that it is gone (410), and is told nothing more")
    elif hook.failing_since <= now - PAUSED_AFTER:
        hook.state, hook.retry_at = "paused", None
        _alarm(session, runtime, hook, "has not answered for three days, and is paused")


def _later(runtime: Runtime, tries: int) -> datetime:
    wait = WAITS[min(tries, len(WAITS)) - 1]
    return runtime.now() + timedelta(seconds=wait * runtime.chance.uniform(0.8, 1.2))


def _alarm(session: Session, runtime: Runtime, hook: Hook, what: str) -> None:
    text = f"outgoing webhook {hook.id}{f' ({hook.about})' if hook.about else ''} {what}: see its page"
    tasks.alarm(session, runtime, "webhooks", text, about=f"hook {hook.id}", tell=True)
