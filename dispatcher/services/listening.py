"""Somebody listened to an alert, to the end: kept once, the first time, for whom its delivery is."""

from __future__ import annotations

from sqlalchemy import update
from sqlalchemy.orm import Session

from dispatcher.model import Delivery
from dispatcher.runtime import Runtime


def heard_to_the_end(session: Session, runtime: Runtime, delivery_id: int) -> None:
    """Opens prove nothing, but no machine plays a recording to its end."""
    session.execute(
        update(Delivery)
        .where(Delivery.id == delivery_id, Delivery.heard_at.is_(None))
        .values(heard_at=runtime.now())
        .execution_options(synchronize_session="fetch")
    )
