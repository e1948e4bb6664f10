"""How times, lengths, states and addresses are written on pages."""

from __future__ import annotations

import hashlib
import json
import re
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from flask import Flask, request, url_for
from markupsafe import Markup

from approvals import written
from dispatcher import door
from dispatcher.model import Customer, Staff, Version
from dispatcher.services import accounts, kind_words, local_time, ownership
from dispatcher.services.short_texts import unquoted, without_quotes
from dispatcher.web import navigation, sending

CHANNEL_WORDS = {"email": "Mail", "sms": "Text message", "voice": "Voice", "fax": "Fax", "page": "Web page"}
# How the words of an alert came in, for the officer who is to judge them.
WAYS_IN = {
    "phone": "{} telephone", "mail": "{} mail from the author's registered address",
    "sms": "{} SMS from the author's registered number", "api": "{} API",
    written.UNPROVEN: "{} text message; the sender is not proven",
}  # fmt: skip
ROLE_WORDS = {
    "analyst": "Analyst", "officer": "Officer", "rep": "Representative", "compliance": "Compliance",
    "admin": "Administrator",
}  # fmt: skip
# How a state looks: waiting, moving, good, bad, over.
TONES = {
    "draft": "over", "pending": "wait", "approved": "move", "releasing": "move", "released": "good",
    "returned": "wait", "rejected": "bad", "withdrawn": "over", "expired": "over", "cancelled": "over",
    "queued": "wait", "sending": "move", "accepted": "move", "delivered": "good", "deferred": "wait",
    "bounced": "bad", "failed": "bad", "unknown": "wait", "suppressed": "over",
    "waiting": "bad", "confirmed": "good", "declined": "over",
    "open": "wait", "claimed": "move", "closed": "over", "matched": "good", "unmatched": "wait", "settled": "over",
    "approve": "good", "return": "wait", "reject": "bad",
}  # fmt: skip


def zone() -> ZoneInfo:
    """The zone of the person's browser, which our script keeps in a cookie; UTC without it."""
    name = request.cookies.get("zone", "UTC")
    return ZoneInfo(name) if name in local_time.names() else ZoneInfo("UTC")


def when(moment: datetime | None, none: str = "–") -> str:
    """A moment in the person's zone, to the second when it is of today."""
    if moment is None:
        return none
    local = moment.astimezone(zone())
    today = door.runtime().now().astimezone(zone()).date()
    pattern = "%H:%M:%S %Z" if local.date() == today else "%-d %b %Y, %H:%M %Z"
    exact = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, exact, local.strftime(pattern))


def ago(moment: datetime | None) -> str:
    """How long ago, in the largest two units that matter."""
    if moment is None:
        return "–"
    seconds = max(0.0, (door.runtime().now() - moment).total_seconds())
    exact = moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(exact, exact, duration(seconds, coarse=True))


def duration(seconds: float | timedelta | None, coarse: bool = False) -> str:
    """A length of time: "0.4 s", "1 min 38 s", "3 h 5 min", "2 d 4 h"."""
    if seconds is None:
        return "–"
    if isinstance(seconds, timedelta):
        seconds = seconds.total_seconds()
    if seconds < 10 and not coarse and seconds != int(seconds):
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if coarse and whole < 60:
        return "under a minute"
    for size, large, small_size, small in ((86400, "d", 3600, "h"), (3600, "h", 60, "min"), (60, "min", 1, "s")):
        if whole >= size:
            rest = whole % size // small_size
            tail = f" {rest} {small}" if rest and not (coarse and small == "s") else ""
            return f"{whole // size} {large}{tail}"
    return f"{whole} s"


def count(number: int, one: str, many: str = "") -> str:
    """A number with its word: "1 customer", "1,204 customers"."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def percent(part: float | None) -> str:
    """A part of a whole, from 0 to 1."""
    return "–" if part is None else f"{part:.0%}" if part in (0, 1) else f"{100 * part:.1f}%"


def kind(name: str) -> str:
    """What an answer is, in words."""
    return kind_words.KINDS.get(name, name.capitalize())


def size(octets: int) -> str:
    """A file's size."""
    return f"{octets / 1e6:.1f} MB" if octets >= 1e6 else f"{max(1, round(octets / 1000))} kB"


def channel(name: str | None) -> str:
    """A channel in words."""
    return CHANNEL_WORDS.get(name or "", (name or "–").capitalize())


def came(version: Version) -> str:
    """How the words of a version came, where they were not typed on a page; an edit of other things leaves that."""
    what = "text by" if version.text.strip() else "by"
    return WAYS_IN.get(written.way_of_words(version), "").format(what)


def role(name: str) -> str:
    """A role in words."""
    return ROLE_WORDS.get(name, name)


def tone(state: str) -> str:
    """How a state looks."""
    return TONES.get(state, "over")


def mask(address: str) -> str:
    """An address of which only enough is shown to recognise it."""
    if "@" in address:
        name, _, domain = address.partition("@")
        return f"{name[:1]}…@{domain}"
    return f"{address[:3]} … {address[-2:]}" if len(address) > 6 else "…"


_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?(?:\+00:00|Z)")
_DIGEST = re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])")


def details(text: str) -> str:
    """The details of an entry of the record as words: "version 1, via page"."""
    try:
        found = json.loads(text)
    except ValueError:
        return text
    return ", ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in found.items() if value != "")


def _plain(value: object) -> str:
    if isinstance(value, dict):
        return "(" + ", ".join(f"{name} {_plain(inner)}" for name, inner in value.items()) + ")"
    if isinstance(value, list):
        return " ".join(_plain(one) for one in value) or "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    text = "none" if value is None else str(value)
    if _MOMENT.fullmatch(text):
        return text[:19].replace("T", " ")
    # A digest, perhaps with what it is of in front.
    return _DIGEST.sub(lambda found: f"{found[0][:12]}…", text)


def owner(customer: Customer) -> Staff | None:
    """The active rep who owns a customer."""
    return ownership.owner_of(door.db(), customer)


@cache
def _stamp(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:10]


def register(app: Flask) -> None:
    """Give the templates these words."""
    assert app.static_folder
    folder = Path(app.static_folder)
    for name, function in {
        "when": when, "ago": ago, "duration": duration, "count": count, "size": size, "channel": channel,
        "role": role, "tone": tone, "mask": mask, "details": details, "owner": owner,
        "came": came, "percent": percent, "kind": kind,
        "unquoted": unquoted, "without_quotes": without_quotes,
    }.items():  # fmt: skip
        app.jinja_env.filters[name] = function

    def asset(filename: str) -> str:
        return url_for("static", filename=filename, v=_stamp(folder / filename))

    app.jinja_env.globals.update(
        asset=asset,
        someone=door.someone,
        navigation=navigation.entries,
        paused=sending.standing,
        zone_name=lambda: zone().key,
        firm_name=lambda: door.runtime().settings.firm_name,
        idle_hours=accounts.IDLE.total_seconds() // 3600,
    )
