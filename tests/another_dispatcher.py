"""What another Dispatcher, newer than this one, has written into the database."""

from __future__ import annotations

from sqlalchemy.orm import Session

from dispatcher.model import Message
from dispatcher.model.message import digest_of


def rendition_of_another(session: Session, message_id: int, channel: str) -> None:
    """The message keeps a rendition with a field that is not known here, digested as it is; commits."""
    version = session.get_one(Message, message_id).current
    kept = version.renditions or {}
    version.renditions = {**kept, channel: {**kept.get(channel, {}), "colour": "red"}}
    version.digest = digest_of(version)
    session.commit()
