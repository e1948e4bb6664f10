"""Outgoing webhooks as administrators keep them: made, changed, given a new secret, tried, told again."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import Select, delete, select, update
from sqlalchemy.orm import Session

from dispatcher.model import Hook, HookEvent, HookPost, Staff
from dispatcher.model.errors import NotAllowed, NotFound, Refused, StateConflict
from dispatcher.runtime import Runtime
from dispatcher.services import hook_bodies, hook_events
from dispatcher.services.audit import record
from dispatcher.services.hook_posting import ROTATION, secret_of
from dispatcher.services.once import clean
from dispatcher.settings import LOCAL_HOSTS

STATES = ("active", "paused", "ended")
MOST = 20


def visible(session: Session, staff: Staff) -> Select[Hook]:
    """All hooks, the newest first. Raises NotAllowed for who is no administrator."""
    _require(staff)
    return select(Hook).order_by(Hook.id.desc())


def get(session: Session, staff: Staff, hook_id: int) -> Hook:
    """One of them. Raises NotFound."""
    _require(staff)
    found = session.get(Hook, hook_id)
    if found is None:
        raise NotFound(f"there is no webhook {hook_id}")
    return found


def posts(session: Session, staff: Staff, hook_id: int, state: str | None = None) -> Select[HookPost]:
    """What a hook was or is to be told, the newest first; `state` is one of HookPost's."""
    get(session, staff, hook_id)
    query = select(HookPost).where(HookPost.hook_id == hook_id).order_by(HookPost.id.desc())
    return query.where(HookPost.state == state) if state else query


def make(
    session: Session, runtime: Runtime, staff: Staff, url: str, events: Sequence[str], about: str = ""
) -> tuple[Hook, str]:
    """A hook, told of what happens from now on, and its secret, which is not shown again. Raises Refused."""
    _require(staff)
    wrong = _wrong(runtime, url, events)
    others = session.scalars(select(Hook).where(Hook.state != "ended")).all()
    if any(one.url == url.strip() and one.events == list(dict.fromkeys(events)) for one in others):
        wrong["url"] = "is told of these events already"
    elif len(others) >= MOST:
        wrong["url"] = f"there are {MOST} webhooks already; end one first"
    if wrong:
        raise Refused(wrong)
    hook = Hook(
        url=url.strip(),
        about=clean(about, 200),
        events=list(dict.fromkeys(events)),
        seen=hook_events.newest_entry(session),
        seen_at=runtime.now(),
        created_by=staff.id,
        created_at=runtime.now(),
    )
    session.add(hook)
    session.flush()
    record(session, runtime, staff, "add webhook", f"webhook {hook.id}", host=_host(url), events=hook.events)
    return hook, secret_of(runtime, hook)


def change(
    session: Session,
    runtime: Runtime,
    staff: Staff,
    hook_id: int,
    *,
    url: str | None = None,
    events: Sequence[str] | None = None,
    about: str | None = None,
    state: str | None = None,
) -> Hook:
    """Change what is given. Active again, a paused one is told of all that happened meanwhile. Raises Refused."""
    hook = _locked(session, staff, hook_id)
    wrong = _wrong(runtime, hook.url if url is None else url, hook.events if events is None else events)
    if state is not None and state not in STATES:
        wrong["state"] = f"must be one of {', '.join(STATES)}"
    if wrong:
        raise Refused(wrong)
    if hook.state == "ended" and state != "active":
        raise StateConflict("the webhook has ended; make it active first", state=hook.state)
    hook.url = hook.url if url is None else url.strip()
    hook.events = hook.events if events is None else list(dict.fromkeys(events))
    hook.about = hook.about if about is None else clean(about, 200)
    if state == "active":
        hook.failures, hook.failing_since, hook.retry_at = 0, None, None
    hook.state = state or hook.state
    record(
        session, runtime, staff, "change webhook", f"webhook {hook.id}",
        host=_host(hook.url), events=hook.events, state=hook.state,
    )  # fmt: skip
    return hook


def end(session: Session, runtime: Runtime, staff: Staff, hook_id: int) -> Hook:
    """Tell it nothing more, nor what waits. What it was told stays on view."""
    hook = _locked(session, staff, hook_id)
    if hook.state != "ended":
        hook.state = "ended"
        session.execute(
            delete(HookPost)
            .where(HookPost.hook_id == hook.id, HookPost.state == "queued")
            .execution_options(synchronize_session=False)
        )
        record(session, runtime, staff, "end webhook", f"webhook {hook.id}")
    return hook


def rotate(session: Session, runtime: Runtime, staff: Staff, hook_id: int) -> str:
    """A new secret, which is not shown again; the former one signs beside it for a day.

    Raises StateConflict within that day: the receiver may still have the one before, which would sign nothing.
    """
    hook = _locked(session, staff, hook_id)
    if hook.rotated_at is not None and hook.rotated_at > runtime.now() - ROTATION:
        raise StateConflict(
            f"it got a new secret at {hook.rotated_at:%d %b %H:%M} UTC; the next can be made a day later",
            state="rotated",
        )
    hook.generation, hook.rotated_at = hook.generation + 1, runtime.now()
    record(session, runtime, staff, "rotate webhook", f"webhook {hook.id}", generation=hook.generation)
    return secret_of(runtime, hook)


def ping(session: Session, runtime: Runtime, staff: Staff, hook_id: int) -> None:
    """An event that says nothing but that the way is open, to this hook alone."""
    hook = _locked(session, staff, hook_id)
    if hook.state != "active":
        raise StateConflict(f"the webhook is {hook.state}; make it active first", state=hook.state)
    hook.retry_at = None
    body = hook_bodies.envelope(hook_bodies.PING, runtime.now(), {"webhook": hook.id, "by": staff.email})
    record(session, runtime, staff, "ping webhook", f"webhook {hook.id}")
    hook_events.write(session, runtime, [(f"ping:{hook.id}:{runtime.new_id()}", body, [hook])])


def replay(
    session: Session,
    runtime: Runtime,
    staff: Staff,
    hook_id: int,
    *,
    event: str | None = None,
    since: datetime | None = None,
    failed: bool = False,
) -> int:
    """Tell it again: one event by its id, all since a moment, or all that failed. How many; each keeps its id."""
    hook = _locked(session, staff, hook_id)
    if sum((event is not None, since is not None, failed)) != 1:
        raise Refused({"event": "give an event, a time since when, or say that all that failed"})
    which: list[Any] = [HookPost.hook_id == hook.id, HookPost.state.in_(("sent", "failed"))]
    if event is not None:
        which.append(HookPost.event_id.in_(select(HookEvent.id).where(HookEvent.uid == event)))
    elif since is not None:
        which.append(HookPost.event_id.in_(select(HookEvent.id).where(HookEvent.created_at >= since)))
    else:
        which.append(HookPost.state == "failed")
    changed = session.execute(
        update(HookPost)
        .where(*which)
        .values(state="queued", due_at=runtime.now(), tries=0, sent_at=None)
        .execution_options(synchronize_session=False)
    )
    hook.retry_at = None
    count = int(getattr(changed, "rowcount", 0))
    if event is not None and not count:
        raise NotFound(f"webhook {hook.id} was not told of event {event}, or it is on its way")
    record(session, runtime, staff, "replay webhook", f"webhook {hook.id}", posts=count, event=event, since=since)
    return count


def _locked(session: Session, staff: Staff, hook_id: int) -> Hook:
    get(session, staff, hook_id)
    return session.get_one(Hook, hook_id, with_for_update=True, populate_existing=True)


def _require(staff: Staff) -> None:
    if not staff.has("admin"):
        raise NotAllowed("only administrators keep webhooks")


def _wrong(runtime: Runtime, url: str, events: Sequence[str]) -> dict[str, str]:
    wrong = {}
    if why := wrong_url(runtime, url):
        wrong["url"] = why
    unknown = [one for one in events if one != "*" and one not in hook_bodies.NAMES and not _is_family(one)]
    if unknown:
        wrong["events"] = f"there is no event {', '.join(unknown[:5])}; there are {', '.join(hook_bodies.NAMES)}"
    elif not events:
        wrong["events"] = 'is empty: name events, or "*" for all'
    return wrong


def _is_family(name: str) -> bool:
    return name.endswith(".*") and any(one.startswith(name[:-1]) for one in hook_bodies.NAMES)


def wrong_url(runtime: Runtime, url: str) -> str:
    """Why nothing is posted to this address; "" where it may be. Where its name leads is looked at for each post."""
    try:
        parts = urlsplit(url.strip())
        host, _ = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        return "is no web address"
    if not host or len(url) > 2000 or any(one.isspace() or ord(one) < 32 for one in url.strip()):
        return "is no web address"
    if parts.username is not None or parts.password is not None or parts.fragment:
        return "must hold no user, no password and no #"
    allowed = runtime.settings.hook_hosts
    if allowed and host not in allowed:
        return "is at a host that HOOK_HOSTS does not name"
    if host in LOCAL_HOSTS and runtime.settings.is_local:
        return "" if parts.scheme in ("http", "https") else "must begin with https://"
    if parts.scheme != "https":
        return "must begin with https://"
    try:
        public = ipaddress.ip_address(host).is_global
    except ValueError:
        # 127.1 and 2130706433 are addresses to some programs.
        public = (
            not host.replace(".", "").isdigit()
            and "." in host
            and not host.endswith((".localhost", ".local", ".internal"))
        )
    return "" if public or host in allowed else "is not a public address; name its host in HOOK_HOSTS if it is meant"


def _host(url: str) -> str:
    return urlsplit(url.strip()).hostname or ""
