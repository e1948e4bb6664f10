"""What a provider is asked about an attempt in doubt, and whether what it has found may be another attempt's.

A call shows neither our id nor its words, a text no id. Of two alerts to one number, both in doubt, of which one
arrived, either could be the one that is found: then it is neither's until news comes, or a person says.

Everything here is read without a lock: two look-ups at one address would wait for each other. Of another attempt an
older state than it has can be seen, which says of it that it is in doubt still.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from dispatcher.model import Attempt, Delivery, Letter
from dispatcher.model.delivery import ABSENT, ALIKES, IN_DOUBT
from dispatcher.model.ports import Content, Found, Probe
from dispatcher.runtime import Runtime
from dispatcher.services import letter_sending, pause, renditions
from dispatcher.services.once import clean
from dispatcher.services.resend import BY_PERSON

log = logging.getLogger(__name__)

# Clocks may be hours wrong without anybody noticing: what began so far apart can have been made at one time. No adapter
# looks further from the time of an attempt.
_ABOUT = timedelta(hours=3)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked, and which attempts could be meant as well when it was written."""

    probe: Probe
    rivals: frozenset[str]


def probe_for(session: Session, runtime: Runtime, attempt: Attempt, target: Delivery | Letter) -> Asked | None:
    """What to look for; None where its content cannot be made, which counts as a look-up that cannot say."""
    try:
        content = _content(session, runtime, target)
    except Exception as error:  # whatever is wrong with the content, the doubt must come to its end
        log.warning("attempt %s cannot be looked up: %s", attempt.id, type(error).__name__)
        return None
    others = _others(session, attempt, target)
    rivals = [one for one in others if _could_be(attempt, one)]
    own = _words(content, target)
    probe = Probe(
        attempt=attempt.id,
        address=target.address,
        text=own,
        category=content.category,
        started_at=attempt.started_at,
        provider_ref=attempt.provider_ref or "",
        any_attempt=_is_restored(attempt),
        latest=pause.last_restore(session) if _is_restored(attempt) else None,
        # What was itself taken for another's by its looks shuts nothing out: that may have been a mistake.
        others=frozenset(one.provider_ref for one in others if one.provider_ref and one.code not in ALIKES),
        known=frozenset(one.id for one in others),
        rivals=tuple(dict.fromkeys(_words_of(session, runtime, one, own) for one in rivals)),
    )
    return Asked(probe, frozenset(one.id for one in rivals))


def is_its_own(
    session: Session, attempt: Attempt, target: Delivery | Letter, found: Found, provider: str, rivals: frozenset[str]
) -> bool:
    """Whether what `provider` has found is this attempt's: by our id, or because nobody else's it can be.

    `rivals` are those that the provider had been told of; another may have come since.
    """
    if found.own:
        return True
    others = _others(session, attempt, target)
    if any(_could_be(attempt, one) and one.id not in rivals for one in others):
        return False
    return not _holder(session, provider, found.provider_ref, attempt, target)


def _holder(session: Session, provider: str, ref: str, attempt: Attempt, target: Delivery | Letter) -> bool:
    """Whether another attempt has this reference, at any time. Of mails, which share one, at the same address."""
    has_it = (Attempt.provider == provider, Attempt.provider_ref == clean(ref, 100), Attempt.id != attempt.id)
    if target.channel != "email":
        return session.scalar(select(Attempt.id).where(*has_it).limit(1)) is not None
    # By the address in the database: of a request's thousand mails none is loaded for each of the thousand.
    same = (
        select(Attempt.id).join(table, table.id == column).where(*has_it, table.address == target.address).limit(1)
        for table, column in ((Delivery, Attempt.delivery_id), (Letter, Attempt.letter_id))
    )
    return any(session.scalar(query) is not None for query in same)


def _others(session: Session, attempt: Attempt, target: Delivery | Letter) -> list[Attempt]:
    """All that can have been made for the same address on the same channel when this one can have been."""
    found: list[Attempt] = []
    for table, column in ((Delivery, Attempt.delivery_id), (Letter, Attempt.letter_id)):
        found += session.scalars(
            select(Attempt)
            .join(table, table.id == column)
            .where(
                table.address == target.address,
                table.channel == target.channel,
                Attempt.id != attempt.id,
                or_(*_meanwhile(session, attempt)),
            )
        )
    return found


def _meanwhile(session: Session, attempt: Attempt) -> Iterator[ColumnElement[bool]]:
    """What a restored database has forgotten can have been made until it was found to be restored."""
    restored_at = pause.last_restore(session)
    first = last = attempt.started_at
    if restored_at is not None and _is_restored(attempt):
        last = max(last, restored_at)
    yield Attempt.started_at.between(first - _ABOUT, last + _ABOUT)
    if restored_at is not None and restored_at >= first - _ABOUT:
        yield and_(Attempt.code == pause.RESTORED_CODE, Attempt.started_at <= last + _ABOUT)


def _is_restored(attempt: Attempt) -> bool:
    return attempt.code == pause.RESTORED_CODE


def _could_be(attempt: Attempt, other: Attempt) -> bool:
    """Whether the other, whose reference nobody knows, may have reached the same provider: also where a person or two
    look-ups have said that it did not, for it may have left, or stand in the provider's list late."""
    same = other.provider == attempt.provider or _is_restored(attempt) or _is_restored(other)
    may_have = other.state in IN_DOUBT or other.state == "accepted" or other.code in (BY_PERSON, ABSENT)
    return same and may_have and not other.provider_ref and not _is_followed(attempt, other)


def _is_followed(attempt: Attempt, other: Attempt) -> bool:
    """Whether this one was made because the other was absent: the same words to the same person, so that it matters to
    nobody which of the two is found."""
    same = (attempt.delivery_id, attempt.letter_id) == (other.delivery_id, other.letter_id)
    return same and other.code == ABSENT


def _target(attempt: Attempt) -> Delivery | Letter:
    found = attempt.delivery or attempt.letter
    assert found is not None
    return found


def _words_of(session: Session, runtime: Runtime, other: Attempt, otherwise: str) -> str:
    try:
        return _words(_content(session, runtime, _target(other)), _target(other))
    except Exception:  # what cannot be composed cannot be told apart
        return otherwise


def _words(content: Content, target: Delivery | Letter) -> str:
    """What of it a provider shows."""
    return content.rendition.subject if target.channel == "email" else content.rendition.text


def _content(session: Session, runtime: Runtime, target: Delivery | Letter) -> Content:
    if isinstance(target, Delivery):
        return renditions.content_for(session, runtime, target.message, target.channel)
    return letter_sending.content_of(runtime, target)
