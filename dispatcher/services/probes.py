"""What a provider is asked about an attempt in doubt, and whether what it has found may be another attempt's.

A call shows neither our id nor its words, a text no id. Of two alerts to one number, both in doubt, of which one
arrived, either could be the one that is found: then it is neither's until news comes, or a person says.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import Attempt, Delivery, Letter
from dispatcher.model.delivery import IN_DOUBT
from dispatcher.model.ports import Found, Probe
from dispatcher.runtime import Runtime
from dispatcher.services import letter_sending, pause, renditions
from dispatcher.services.outcomes import target_of
from dispatcher.services.resend import BY_PERSON

log = logging.getLogger(__name__)

# Clocks may be hours wrong without anybody noticing: what began so far apart can have been made at one time.
_ABOUT = timedelta(hours=3)


def probe_for(session: Session, runtime: Runtime, attempt: Attempt, target: Delivery | Letter) -> Probe | None:
    """What to look for; None where its content cannot be made, which counts as a look-up that cannot say."""
    try:
        words, category = _words(session, runtime, target)
    except Exception as error:  # whatever is wrong with the content, the doubt must come to its end
        log.warning("attempt %s cannot be looked up: %s", attempt.id, type(error).__name__)
        return None
    restored = attempt.code == pause.RESTORED_CODE
    others = (one.provider_ref for one in _others(session, attempt, target))
    return Probe(
        attempt=attempt.id,
        address=target.address,
        text=words,
        category=category,
        started_at=attempt.started_at,
        provider_ref=attempt.provider_ref or "",
        others=frozenset(ref for ref in others if ref),
        any_attempt=restored,
        latest=pause.last_restore(session) if restored else None,
    )


def may_be_anothers(
    session: Session, runtime: Runtime, attempt: Attempt, target: Delivery | Letter, found: Found
) -> bool:
    """Whether what was found by words or by time alone is known as another's, or could be of another in doubt."""
    if found.by == "id":
        return False
    others = _others(session, attempt, target)
    if any(one.provider_ref == found.provider_ref for one in others):
        return True
    could_be = (target_of(session, one) for one in others if not one.provider_ref and _may_have_left(one))
    return any(found.by == "time" or _same_words(session, runtime, target, one) for one in could_be)


def _others(session: Session, attempt: Attempt, target: Delivery | Letter) -> list[Attempt]:
    """All that we began about then for the same address on the same channel."""
    found: list[Attempt] = []
    for table, column in ((Delivery, Attempt.delivery_id), (Letter, Attempt.letter_id)):
        found += session.scalars(
            select(Attempt)
            .join(table, table.id == column)
            .where(
                table.address == target.address,
                table.channel == target.channel,
                Attempt.id != attempt.id,
                Attempt.started_at.between(attempt.started_at - _ABOUT, attempt.started_at + _ABOUT),
            )
        )
    return found


def _may_have_left(attempt: Attempt) -> bool:
    """Of one whose reference nobody knows."""
    return attempt.state in IN_DOUBT or (attempt.state == "accepted" and attempt.code == BY_PERSON)


def _same_words(session: Session, runtime: Runtime, one: Delivery | Letter, other: Delivery | Letter) -> bool:
    try:
        return _words(session, runtime, one)[0] == _words(session, runtime, other)[0]
    except Exception:  # what cannot be composed cannot be told apart
        return True


def _words(session: Session, runtime: Runtime, target: Delivery | Letter) -> tuple[str, str]:
    """What of it a provider shows, and its category."""
    content = (
        renditions.content_for(session, runtime, target.message, target.channel)
        if isinstance(target, Delivery)
        else letter_sending.content_of(runtime, target)
    )
    rendition = content.rendition
    return rendition.subject if target.channel == "email" else rendition.text, content.category
