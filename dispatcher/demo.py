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

from dispatcher.model.staff import ROLES, Staff
from dispatcher.settings import Settings
from dispatcher.supervisor import StartError

SAMPLES = Path(__file__).with_name("samples")


@dataclass(frozen=True, slots=True)
class Directory:
    """Who can sign in: one member of staff for each role; the password of the demonstration, if it is one."""

    sign_ins: tuple[tuple[str, str], ...] = ()
    password: str = ""


def bring_up_to_date(settings: Settings) -> None:
    """Brings the database to the newest schema. Raises StartError where it cannot be used."""
    from dispatcher.storage import migrate

    try:
        migrate(settings.database_url)
    except (OperationalError, ArgumentError) as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise StartError(f"DATABASE_URL cannot be used: {reason}") from None


def fill_directory(settings: Settings, demo: bool) -> Directory:
    """Who can sign in; for a demonstration on an empty database the samples are imported first."""
    from dispatcher.storage import make_engine, make_sessions

    engine = make_engine(settings.database_url)
    try:
        with make_sessions(engine)() as session:
            if demo and session.scalar(select(Staff.id).limit(1)) is None:
                _import_samples(session, settings)
            return _directory(session, settings.var_dir / "demo-password")
    finally:
        engine.dispose()  # no connection may be open when the processes are forked


def _import_samples(session: Session, settings: Settings) -> None:
    # Loads nearly all of the product: only at the first start.
    from dispatcher.bootstrap import build
    from dispatcher.services import accounts, imports

    runtime = build(settings)
    for take, name in ((imports.import_staff, "staff.csv"), (imports.import_customers, "customers.csv")):
        take(session, runtime, (SAMPLES / name).read_bytes(), dry_run=False, actor="system")
    session.flush()
    password = secrets.token_urlsafe(12)
    first, *others = session.scalars(select(Staff)).all()
    accounts.set_password(session, runtime, first.email, password)
    for staff in others:  # one hash for all: sixteen take seconds, and this password is no secret between them
        staff.password_hash = first.password_hash
    # Written before the commit: sign-ins without a known password would be of no use to anybody.
    path = settings.var_dir / "demo-password"
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(password)
    # Nobody is rung: the workers are not there yet, and the clock finds what is due.
    session.commit()
    runtime.redis.close()


def _directory(session: Session, password_path: Path) -> Directory:
    staff: Sequence[Staff] = session.scalars(select(Staff).where(Staff.active).order_by(Staff.id)).all()
    # Who has one role only comes first: four eyes are easier to see with two people.
    staff = sorted(staff, key=lambda one: len(one.roles))
    firsts = [(role, next((one.email for one in staff if role in one.roles), "")) for role in ROLES]
    password = password_path.read_text().strip() if password_path.exists() else ""
    return Directory(tuple((role, email) for role, email in firsts if email), password)
