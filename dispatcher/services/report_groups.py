"""The firms and lists by which a release report tells people apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from dispatcher.model import DistributionList, Firm, ListMember, Message, VersionList
from dispatcher.services.report_columns import packed
from dispatcher.services.report_spread import Deliveries

# numpy is imported where it is used: most processes never make a report.
if TYPE_CHECKING:
    from dispatcher.services.report_columns import Flags, Ids

_AT_ONCE = 1000  # names that one statement asks for


@dataclass(frozen=True, slots=True)
class Group:
    """A list of the message, with its members' ids as they are now."""

    id: int
    key: str
    name: str
    members: Ids

    def has(self, customers: Ids) -> Flags:
        """Which of these customers are on it."""
        import numpy as np

        return np.isin(customers, self.members)


def lists(session: Session, message: Message) -> list[Group]:
    """The lists that a message is for, by their keys."""
    mine = select(VersionList.list_id).where(VersionList.version_id == message.current.id)
    rows = session.execute(
        select(DistributionList.id, DistributionList.key, DistributionList.name)
        .where(DistributionList.id.in_(mine))
        .order_by(DistributionList.key)
    ).all()
    members: Select[Any] = select(ListMember.list_id)
    of, customer = packed(session, members.add_columns(ListMember.customer_id).where(ListMember.list_id.in_(mine)))
    return [Group(row.id, row.key, row.name, customer[of == row.id]) for row in rows]


def firms(session: Session, found: Deliveries) -> dict[int, str]:
    """The names of the firms whose people have a delivery."""
    import numpy as np

    ids = np.unique(np.concatenate([found.firm, found.recipients.firm])).tolist()
    return {
        row.id: row.name
        for first in range(0, len(ids), _AT_ONCE)
        for row in session.execute(select(Firm.id, Firm.name).where(Firm.id.in_(ids[first : first + _AT_ONCE])))
    }
