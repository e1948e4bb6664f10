"""Where a person can go, by their roles, and how much waits there."""

from __future__ import annotations

from dataclasses import dataclass

from flask import request, url_for
from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dispatcher import door
from dispatcher.model import Message, Staff
from dispatcher.services import inbox_numbers, sight, tasks
from dispatcher.web import paging


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
    ("Unmatched", "unmatched.index", "/inbox/unmatched", ("admin",)),
    ("Tasks", "tasks.index", "/tasks", ("rep", "admin")),
    ("Directory", "directory.customers", "/directory", ("analyst", "officer", "rep", "admin")),
    ("Reports", "reports.index", "/reports", ("analyst", "officer", "admin")),
    ("Sending", "sending.index", "/sending", ("admin",)),
    ("Audit", "audit.index", "/audit", ("admin",)),
)
_WHAT = {
    "Approvals": "waiting for a decision",
    "Inbox": "waiting for an answer",
    "Unmatched": "belong to nobody yet",
    "Tasks": "open tasks",
}


def entries() -> list[Entry]:
    """The navigation for who is signed in. What belongs to nobody has a place only while there is any."""
    staff = door.someone()
    if staff is None:
        return []
    waiting = _waiting(door.db(), staff)
    places = [one for one in _PLACES if staff.has(*one[3]) and (one[0] != "Unmatched" or waiting.get("Unmatched"))]
    within = [part for _, _, part, _ in places if request.path.startswith(part)]
    here = max(within, key=len, default="")
    return [
        Entry(words, url_for(endpoint), waiting.get(words, 0), _WHAT.get(words, ""), part == here)
        for words, endpoint, part, _ in places
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
        found["Approvals"] = paging.number(session, decidable(staff))
    if staff.has("rep", "compliance", "analyst", "admin"):
        found["Inbox"] = inbox_numbers.open_ones(session, staff)
        found["Unmatched"] = inbox_numbers.unmatched(session, staff)
    if staff.has("rep", "admin"):
        found["Tasks"] = paging.number(session, tasks.visible(session, staff))
    return found


def decidable(staff: Staff) -> Select[int]:
    """Messages that wait for a decision which this officer may make: neither written nor edited by them."""
    return select(Message.id).where(Message.state == "pending", ~sight.written_by(staff))
