"""Which customers a version is meant for, as selections."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Select, exists, select

from dispatcher.model import Customer, ListMember, Recipient, Version, VersionList


def listed_customers(version: Version) -> Select[int]:
    """The active customers on the version's lists, each once."""
    return (
        select(ListMember.customer_id.label("customer_id"))
        .where(ListMember.list_id.in_(lists_of(version)), ListMember.customer_id.not_in(inactive()))
        .distinct()
    )


def lists_of(version: Version) -> Select[int]:
    return select(VersionList.list_id).where(VersionList.version_id == version.id)


def inactive() -> Select[int]:
    return select(Customer.id).where(~Customer.active)


def staying(version: Version) -> ColumnElement[bool]:
    """Whether a recipient is still active and on one of the lists."""
    listed = exists().where(ListMember.customer_id == Recipient.customer_id, ListMember.list_id.in_(lists_of(version)))
    return listed & Recipient.customer_id.not_in(inactive())


def audience_of(version: Version) -> Select[int]:
    """The customers a release would reach now: those on the lists or, once approved, those of them approved."""
    message = version.message
    if message.version == version.number and message.state == "approved":
        return select(Recipient.customer_id.label("customer_id")).where(
            Recipient.message_id == message.id, staying(version)
        )
    return listed_customers(version)
