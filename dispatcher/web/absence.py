"""The form by which somebody says until when they are away, and who stands in for them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flask import request
from sqlalchemy.orm import Session

from dispatcher.model import Staff
from dispatcher.model.errors import Refused
from dispatcher.runtime import Runtime
from dispatcher.services import covers
from dispatcher.web import filters, moments


@dataclass(frozen=True, slots=True)
class Form:
    """What it shows: the field's text, who may stand in, who is chosen, whether the absence lasts."""

    until: str
    candidates: list[Staff]
    cover_id: int | None
    is_away: bool

    @classmethod
    def of(cls, session: Session, runtime: Runtime, person: Staff) -> Form:
        """As it stands; after a refusal, as it was typed."""
        away = covers.is_away(runtime, person)
        until = moments.field(person.away_until if away else None, filters.zone())
        typed = request.form if "until" in request.form else None
        cover = typed.get("cover", "") if typed else str(person.cover_id or "")
        return cls(
            typed["until"] if typed else until,
            covers.candidates(session, person),
            int(cover) if _is_id(cover) else None,
            away,
        )


def asked() -> tuple[datetime | None, int | None]:
    """What was typed: until when, and the id of the cover. Raises Refused: `until`, `cover`."""
    until, cover = request.form.get("until", "").strip(), request.form.get("cover", "")
    if "here" in request.form:  # back early
        until = ""
    wrong = {}
    if cover and not _is_id(cover):
        wrong["cover"] = "must be chosen from the list"
    moment = None
    try:
        moment = moments.typed(until, filters.zone()) if until else None
    except ValueError as error:
        wrong["until"] = str(error)
    if wrong:
        raise Refused(wrong)
    return moment, int(cover) if cover else None


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 19


def done(person: Staff) -> str:
    """What is said once it is saved."""
    if person.away_until is None:
        return "Saved: here, not away."
    by = f", and {person.cover.name} stands in" if person.cover else ", and nobody stands in"
    return f"Saved: away until {moments.plain(person.away_until)}{by}."
