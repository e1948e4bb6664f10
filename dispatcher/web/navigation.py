"""Where a person can go, by their roles, and how much waits there."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for
from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from dispatcher import door
from dispatcher.model import Conversation, Message, Reply, Staff, Task, Version


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its words, where it leads, how many wait there (0: no number), and whether one is there now."""

    words: str
    address: str
    waiting: int
    what: str
    here: bool


# Words, endpoint, part of the address, who may.
_PLACES = (
    ("Messages", "messages.index", "/messages", ("analyst", "officer", "rep", "admin")),
    ("Approvals", "approvals.queue", "/approvals", ("officer",)),
    ("Inbox", "inbox.index", "/inbox", ("rep", "compliance", "analyst", "admin")),
    ("Tasks", "tasks.index", "/tasks", ("rep", "admin")),
    ("Directory", "directory.customers", "/directory", ("analyst", "officer", "rep", "admin")),
    ("Reports", "reports.index", "/reports", ("analyst", "officer", "admin")),
    ("Sending", "sending.index", "/sending", ("admin",)),
    ("Audit", "audit.index", "/audit", ("admin",)),
)
_WHAT = {
    "Approvals": "waiting for a decision",
    "Inbox": "waiting for an answer",
    "Tasks": "open tasks",
}


def entries() -> list[Entry]:
    """The navigation for who is signed in."""
    staff = door.someone()
    if staff is None:
        return []
    waiting = _waiting(door.db(), staff)
    return [
        Entry(words, url_for(endpoint), waiting.get(words, 0), _WHAT.get(words, ""), request.path.startswith(part))
        for words, endpoint, part, roles in _PLACES
        if staff.has(*roles)
    ]


def start_page(staff: Staff) -> str:
    """Where a person's day begins."""
    inbox = (("rep", "inbox.index"), ("compliance", "inbox.index"))
    for role, endpoint in (("officer", "approvals.queue"), ("analyst", "messages.index"), *inbox):
        if staff.has(role):
            return url_for(endpoint)
    return url_for("messages.index" if staff.has("admin") else "account.show")


def _waiting(session: Session, staff: Staff) -> dict[str, int]:
    found: dict[str, int] = {}
    if staff.has("officer"):
        found["Approvals"] = _number(session, decidable(staff))
    if staff.has("rep", "compliance", "analyst", "admin"):
        conversations = select(Conversation.id).where(Conversation.state == "open")
        tasks = select(Task.id).where(Task.state == "open")
        if not staff.has("admin"):
            conversations = conversations.where(Conversation.rep_id == staff.id)
            tasks = tasks.where(Task.rep_id == staff.id)
        found["Inbox"] = _number(session, conversations)
        if staff.has("admin"):
            found["Inbox"] += _number(session, select(Reply.id).where(Reply.state == "unmatched"))
        found["Tasks"] = _number(session, tasks)
    return found


def decidable(staff: Staff) -> Select[int]:
    """Messages that wait for a decision which this officer may make: neither written nor edited by them."""
    edited = select(Version.message_id).where(Version.editor_id == staff.id)
    own = or_(Message.author_id == staff.id, Message.id.in_(edited))
    return select(Message.id).where(Message.state == "pending", ~own)


def _number(session: Session, query: Select[int]) -> int:
    return session.scalar(select(func.count()).select_from(query.subquery())) or 0
