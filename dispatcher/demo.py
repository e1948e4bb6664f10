"""The database at a start: the newest schema and, for the demonstration, the sample directory with sign-ins."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import ArgumentError, OperationalError
from sqlalchemy.orm import Session

from dispatcher.settings import Settings
from dispatcher.supervisor import StartError

SAMPLES = Path(__file__).with_name("samples")


@dataclass(frozen=True, slots=True)
class Directory:
    """Who can sign in: one member of staff for each role; the password of the demonstration, if it is one."""

    sign_ins: tuple[tuple[str, str], ...] = ()
    password: str = ""


def fill_directory(settings: Settings, demo: bool) -> Directory:
    """Brings the database to the newest schema and, for a demonstration on an empty one, imports the samples."""
    from dispatcher.storage import make_engine, make_sessions, migrate

    try:
        migrate(settings.database_url)
        engine = make_engine(settings.database_url)
    except (OperationalError, ArgumentError) as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise StartError(f"DATABASE_URL cannot be used: {reason}") from None
    try:
        with make_sessions(engine)() as session:
            if demo:
                _import_samples(session, settings.var_dir / "demo-password")
            return _directory(session, settings.var_dir / "demo-password")
    finally:
        engine.dispose()


def _import_samples(session: Session, password_path: Path) -> None:
    from dispatcher.model.staff import Staff
    from dispatcher.services import accounts, imports

    if session.scalar(select(Staff.id).limit(1)) is not None:
        return
    imports.import_staff(session, (SAMPLES / "staff.csv").read_text("utf-8-sig"))
    imports.import_customers(session, (SAMPLES / "customers.csv").read_text("utf-8-sig"))
    session.flush()
    password = secrets.token_urlsafe(9)
    for email in session.scalars(select(Staff.email)).all():
        accounts.set_password(session, email, password)
    # Written before the commit: sign-ins without a known password would be of no use to anybody.
    handle = os.open(password_path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(password)
    session.commit()


def _directory(session: Session, password_path: Path) -> Directory:
    from dispatcher.model.staff import ROLES, Staff

    staff: Sequence[Staff] = session.scalars(select(Staff).where(Staff.active).order_by(Staff.id)).all()
    # Who has one role only comes first: four eyes are easier to see with two people.
    staff = sorted(staff, key=lambda one: len(one.roles))
    firsts = [(role, next((one.email for one in staff if role in one.roles), "")) for role in ROLES]
    password = password_path.read_text().strip() if password_path.exists() else ""
    return Directory(tuple((role, email) for role, email in firsts if email), password)
