"""`dispatcher pause` and `dispatcher resume`: what is said before anything goes out."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from dispatcher.cli import main
from dispatcher.storage import make_engine, make_sessions
from tests.small_bank import small_bank


@pytest.fixture
def command(tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs a command on a bank with one release whose deliveries wait."""
    for name, value in {
        "VAR_DIR": str(tmp_path / "var"), "DATABASE_URL": sqlite_url, "REDIS_URL": "redis://127.0.0.1:1",
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32, "TWILIO_AUTH_TOKEN": "0" * 32, "TWILIO_SMS_FROM": "+12125550100",
        "TWILIO_VOICE_FROM": "+12125550100", "SENDGRID_API_KEY": "SG.none", "EMAIL_FROM": "alerts@bank.example",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    engine = make_engine(sqlite_url)
    bank = small_bank(make_sessions(engine), tmp_path)
    with bank.sessions() as session:
        bank.released(session)
    engine.dispose()

    def run(*arguments: str) -> Result:
        return CliRunner().invoke(main, arguments)

    return run


def test_pause_look_and_resume(command: Any) -> None:
    assert "sending is not paused" in command("resume", "--yes").output
    paused = command("pause", "A wrong number is on the line")
    assert (paused.exit_code, paused.output) == (0, "sending is paused; `dispatcher resume` says what waits\n")
    assert "paused already" in command("pause", "Again").output
    looked = command("resume")
    assert looked.exit_code == 1
    for line in (
        r"paused since .* UTC by system: A wrong number is on the line",
        r"message 1 \(releasing\): 1 by email: Downgrade",
        r"message 1 \(releasing\): 1 by sms: Downgrade",
        r"message 1 \(releasing\): 1 by voice: Downgrade",
        r"nothing was changed: add --yes to send it",
    ):
        assert re.search(line, looked.output), looked.output
    resumed = command("resume", "--yes")
    assert (resumed.exit_code, resumed.output.splitlines()[-1]) == (0, "sending goes on")
    assert command("resume").exit_code == 1


def test_a_pause_needs_a_reason(command: Any) -> None:
    empty = command("pause", " ")
    assert empty.exit_code == 1
    assert "reason: is empty" in empty.output
