"""The lists an analyst most likely means: what a telephone offers first, and a page could."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from dispatcher.model import DistributionList, Message, Staff, Version
from dispatcher.model.message import VersionList
from dispatcher.runtime import Runtime

WITHIN = timedelta(days=90)


def favourites(session: Session, runtime: Runtime, person: Staff, most: int) -> list[DistributionList]:
    """At most so many lists: those of their alerts of 90 days, most used first, then their own, then the team's."""
    used = (
        select(VersionList.list_id, func.count().label("times"), func.max(Message.submitted_at).label("last"))
        .join(Version, Version.id == VersionList.version_id)
        .join(Message, (Message.id == Version.message_id) & (Message.version == Version.number))
        .where(Message.author_id == person.id, Message.submitted_at > runtime.now() - WITHIN)
        .group_by(VersionList.list_id)
        .subquery()
    )
    own = DistributionList.owner_id == person.id
    return list(
        session.scalars(
            select(DistributionList)
            .outerjoin(used, used.c.list_id == DistributionList.id)
            .where(used.c.times.is_not(None) | own | DistributionList.owner_id.is_(None))
            .order_by(
                func.coalesce(used.c.times, 0).desc(),
                used.c.last.desc(),
                own.desc(),
                DistributionList.name,
                DistributionList.id,
            )
            .limit(most)
        )
    )


def last_used(session: Session, person: Staff) -> list[DistributionList]:
    """The lists of the last alert they submitted; none where there is none."""
    last = session.scalar(
        select(Message)
        .where(Message.author_id == person.id, Message.submitted_at.is_not(None))
        .order_by(Message.submitted_at.desc(), Message.id.desc())
        .limit(1)
    )
    return list(last.current.lists) if last else []


def others(
    session: Session, first: list[DistributionList], page: int, size: int
) -> tuple[list[DistributionList], bool]:
    """One page (0, 1, …) of all other lists by name, and whether there is one more."""
    found = session.scalars(
        select(DistributionList)
        .where(DistributionList.id.not_in([one.id for one in first]))
        .order_by(DistributionList.name, DistributionList.id)
        .offset(page * size)
        .limit(size + 1)
    ).all()
    return list(found[:size]), len(found) > size
