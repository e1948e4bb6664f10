"""Keys of lists as people write them: nobody minds capitals in a mail, and digits alone are a list's number."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from dispatcher.model import DistributionList


class ListKeys:
    """The keys that lists have, and those that are named for the first time meanwhile."""

    def __init__(self, session: Session) -> None:
        self._known: dict[str, str] = {}
        for key in session.scalars(select(DistributionList.key).order_by(DistributionList.id)):
            self._known.setdefault(key.lower(), key)
            self._known[key] = key  # lists of before may differ by capitals alone

    def named(self, key: str) -> str:
        """The key of the list that is meant: as it is known but for capitals, else a new list's. Raises ValueError."""
        known = self.known(key)
        if known is None:
            if key.isascii() and key.isdigit():
                raise ValueError("must not be digits alone: those are a list's number")
            self._known[key.lower()] = known = key
        return known

    def known(self, key: str) -> str | None:
        """The key of the list that has this one, capitals aside."""
        return self._known.get(key) or self._known.get(key.lower())
