"""What members of staff say of themselves: their PIN, their language on the telephone, and how they are told."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.orm import Session

from dispatcher.model import Staff
from dispatcher.model.errors import NotAllowed, NotFound, Refused
from dispatcher.runtime import Runtime
from dispatcher.services import accounts, pins
from dispatcher.services.audit import record

# Those that the line has sentences in, by their own names.
LANGUAGES = {"en": "English", "de": "Deutsch", "fr": "Français"}


WAYS = ("email", "sms", "voice")


def choose_ways(session: Session, runtime: Runtime, person: Staff, ways: Sequence[str]) -> None:
    """By which channels they want to be told. Raises Refused: `ways`."""
    chosen = [one for one in WAYS if one in ways]
    if not chosen or set(ways) - set(WAYS):
        raise Refused({"ways": f"choose at least one of {', '.join(WAYS)}"})
    if not person.phone and chosen != ["email"]:
        raise Refused({"ways": "no telephone is registered for you: ask an administrator for one"})
    if person.channels != chosen:
        person.channels = chosen
        record(session, runtime, person, "set channels", f"staff {person.email}", channels=chosen)


def choose_pin(session: Session, runtime: Runtime, person: Staff, password: str, pin: str) -> None:
    """A person's own new PIN; it also unlocks. Raises Refused: `current` (the password) or `pin`.

    Commit in either case: a wrong password goes on record.
    """
    accounts.require_password(session, runtime, person, password)
    pins.choose(session, runtime, person, pin)


def language_of(text: str) -> str:
    """The writing of a language in which the line speaks, with a region or without. Raises ValueError."""
    language, _, region = text.strip().replace("_", "-").partition("-")
    is_region = len(region) == 2 and region.isascii() and region.isalpha()
    if language.lower() not in LANGUAGES or (region and not is_region):
        raise ValueError(f"is none of {', '.join(LANGUAGES)}")
    return f"{language.lower()}-{region.upper()}" if region else language.lower()


def set_language(session: Session, runtime: Runtime, actor: Staff, staff_id: int, language: str) -> Staff:
    """In which language the line speaks to somebody: their own act, or an administrator's.

    Raises NotAllowed, NotFound, Refused: `language`.
    """
    if actor.id != staff_id and not actor.has("admin"):
        raise NotAllowed("only administrators choose for others")
    person = session.get(Staff, staff_id)
    if person is None:
        raise NotFound("there is no such member of staff")
    try:
        language = language_of(language)
    except ValueError as error:
        raise Refused({"language": str(error)}) from None
    if person.language != language:
        person.language = language
        record(session, runtime, actor, "set language", f"staff {person.email}", language=language)
    return person
