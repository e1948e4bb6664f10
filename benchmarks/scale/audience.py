"""How long an approval takes to resolve its audience, without the commit and without the product around it."""

from __future__ import annotations

import secrets
import tempfile
import time
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from approvals import decisions, submission
from dispatcher.bench import directory
from dispatcher.bench.bank import ALERT
from dispatcher.bench.options import Options
from dispatcher.bootstrap import build
from dispatcher.model import Staff
from dispatcher.runtime import Runtime
from dispatcher.settings import Settings
from dispatcher.storage import make_sessions


def audience_seconds(recipients: int, url: str) -> float:
    """Fill an empty database and approve twice, undone each time; the second, when every statement is known."""
    engine = directory.prepare(Options(recipients=recipients), url)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return _approve(engine, _runtime(url, Path(folder)))
    finally:
        engine.dispose()


def _runtime(url: str, folder: Path) -> Runtime:
    """Providers that are never called."""
    given: dict[str, Any] = {
        "_env_file": None, "var_dir": folder, "database_url": url, "secret_key": "benchmark" * 8,
        "email_from": "alerts@bank.example",
        "twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": secrets.token_hex(16),
        "twilio_sms_from": "+12025550100", "twilio_voice_from": "+12025550101",
        "sendgrid_api_key": secrets.token_hex(16), "inbound_email_domain": "in.bank.example",
    }  # fmt: skip
    return build(Settings(**given))


def _approve(engine: Engine, runtime: Runtime) -> float:
    sessions = make_sessions(engine)
    with sessions() as session:
        author = session.scalars(select(Staff).where(Staff.email == directory.AUTHOR)).one()
        form = submission.Submission(subject=ALERT["subject"], text=ALERT["text"], lists=list(directory.LISTS))
        message = submission.create(session, runtime, author, form)
        session.commit()
        number, digest = message.id, message.current.digest
    seconds = 0.0
    for _ in range(2):
        with sessions() as session:
            officer = session.scalars(select(Staff).where(Staff.email == directory.OFFICER)).one()
            began = time.perf_counter()
            decisions.decide(session, runtime, officer, number, "approve", digest)
            session.flush()
            seconds = time.perf_counter() - began
            session.rollback()
        _tidy(engine)
    return seconds


def _tidy(engine: Engine) -> None:
    """What was undone lies about on PostgreSQL, and every key would be compared with its dead double."""
    if engine.dialect.name == "postgresql":
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.exec_driver_sql("VACUUM deliveries, recipients")
