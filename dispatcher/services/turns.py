"""Whose turn it is: urgent releases before ordinary ones, releases of one urgency by equal shares."""

from __future__ import annotations

from collections.abc import Sequence

from dispatcher.services.fan_out import OpenRelease


class Turns:
    """How much each open release has had. One that is new starts level with the others, not with nothing."""

    def __init__(self) -> None:
        self._had: dict[int, int] = {}

    def order(self, due: Sequence[OpenRelease]) -> list[OpenRelease]:
        """The releases, the one whose turn it is in front."""
        level = min((self._had[one.message_id] for one in due if one.message_id in self._had), default=0)
        self._had = {one.message_id: max(level, self._had.get(one.message_id, level)) for one in due}
        return sorted(due, key=lambda one: (not one.urgent, self._had[one.message_id], one.message_id))

    def took(self, release: OpenRelease, count: int) -> None:
        """The release has had so many deliveries more."""
        self._had[release.message_id] = self._had.get(release.message_id, 0) + count
