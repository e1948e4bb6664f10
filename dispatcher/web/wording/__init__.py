"""What customers' pages say, one file a language. Every table has the same sentences with the same blanks.

A page speaks the language that its reader has switched to, else the directory's, else what their browser asks for.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import urlencode

from flask import Flask, Response, after_this_request, current_app, g, request
from markupsafe import Markup

from dispatcher import door
from dispatcher.model import Customer
from dispatcher.services import languages, local_time
from dispatcher.web import filters
from dispatcher.web.wording import de, en

TABLES: Mapping[str, Mapping[str, str]] = {"en": en.SAID, "de": de.SAID}
NAMES = {"en": "English", "de": "Deutsch"}
SWITCH = "lang"  # the parameter in the address, and the cookie that keeps it
_KEPT = 365 * 24 * 3600


def use(*people: Customer) -> None:
    """Speak to these customers, by their languages and zones in the directory: to several who differ, as the browser
    asks.
    """
    g.wording = _chosen(people[0].language if len({languages.base(one.language) for one in people}) == 1 else "")
    zones = {one.timezone for one in people}
    g.wording_zone = zones.pop() if len(zones) == 1 else ""


def only(language: str) -> None:
    """Speak this language, whoever reads, and offer no other."""
    g.wording, g.wording_stays = language, True


def language() -> str:
    """The language of this page."""
    if "wording" not in g:
        g.wording = _chosen("")
    return str(g.wording)


def shared(directory: str) -> str:
    """The language of this page where its reader has chosen it, or it is the directory's; "" where it stands in for one
    that no page speaks, and that a letter may.
    """
    switched = {request.args.get(SWITCH, ""), request.cookies.get(SWITCH, "")} & TABLES.keys()
    return language() if switched or languages.base(directory) in ("", *TABLES) else ""


def _chosen(directory: str) -> str:
    wanted = request.args.get(SWITCH, "")
    if wanted in TABLES:
        after_this_request(_keep)
        return wanted
    kept = request.cookies.get(SWITCH, "")
    if kept in TABLES:
        return kept
    theirs = languages.base(directory)
    return theirs if theirs in TABLES else request.accept_languages.best_match(list(TABLES), languages.DEFAULT)


def _keep(response: Response) -> Response:
    response.set_cookie(
        SWITCH,
        request.args[SWITCH],
        max_age=_KEPT,
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response


def say(name: str, **blanks: object) -> Markup:
    """A sentence in the language of this page, its blanks filled in and made safe."""
    return Markup(TABLES[language()][name]).format(**blanks)  # noqa: S704 the tables are ours


def when(moment: datetime) -> Markup:
    """A moment in the zone that the directory has of the reader, else their browser's, with its day where that is not
    today.
    """
    known = g.get("wording_zone", "")
    zone = filters.zone() if known in ("", "UTC") else local_time.zone(known)
    local = moment.astimezone(zone)
    today = local.date() == door.runtime().now().astimezone(zone).date()
    month = TABLES[language()]["months"].split(", ")[local.month - 1]
    time = local_time.hour(moment, zone)
    said = say("today" if today else "day", day=local.day, month=month, year=local.year, time=time)
    exact = moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}">{}</time>').format(exact, said)


def switches() -> list[tuple[str, str, str]]:
    """The other languages of this page: tag, name and address. None where something typed would be lost."""
    if request.method != "GET" or g.get("wording_stays"):
        return []
    kept = [(name, value) for name, value in request.args.items(multi=True) if name != SWITCH]
    others = [(tag, name) for tag, name in NAMES.items() if tag != language()]
    return [(tag, name, f"?{urlencode([*kept, (SWITCH, tag)])}") for tag, name in others]


def register(app: Flask) -> None:
    """Give the templates these words."""
    app.jinja_env.globals.update(say=say, say_when=when, page_language=language, language_switches=switches)
