"""The commands: what a person gets wrong is told in one line, never as a traceback."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from dispatcher.cli import main


@pytest.fixture
def command(tmp_path: Path, sqlite_url: str, valkey: str, monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    """Does `dispatcher …` on an empty, migrated database, with accounts that reach nobody. In this process: to load the
    product takes each command that is a process of its own seconds."""
    env = {
        "VAR_DIR": str(tmp_path / "var"),
        "DATABASE_URL": sqlite_url,
        "REDIS_URL": valkey,
        "TWILIO_ACCOUNT_SID": "AC" + "0" * 32,
        "TWILIO_AUTH_TOKEN": "0" * 32,
        "TWILIO_SMS_FROM": "+12125550100",
        "TWILIO_VOICE_FROM": "+12125550100",
        "TWILIO_API_URL": "http://127.0.0.1:9",
        "SENDGRID_API_KEY": "SG.none",
        "SENDGRID_API_URL": "http://127.0.0.1:9",
        "EMAIL_FROM": "alerts@bank.example",
        "INBOUND_EMAIL_DOMAIN": "reply.bank.example",
    }

    monkeypatch.chdir(tmp_path)

    def run(*arguments: str, input: str = "", **more: str) -> subprocess.CompletedProcess[str]:
        done = CliRunner().invoke(main, arguments, input=input, env={**env, **more})
        if done.exception is not None and not isinstance(done.exception, SystemExit):
            raise done.exception
        return subprocess.CompletedProcess(arguments, done.exit_code, done.stdout, done.stderr)

    return run


STAFF = "email,name,roles,phone,pin,channels\nada@bank.example,Ada Example,analyst;admin,+12125550111,482915,email\n"


@pytest.mark.parametrize(
    ("arguments", "status", "words"),
    [
        (["token", "nobody@bank.example"], 1, "nobody@bank.example"),
        (["password", "nobody@bank.example"], 1, "nobody@bank.example"),
        (["worker", "pigeon"], 2, "email, sms, voice"),
        (["import", "staff", "absent.csv"], 1, "absent.csv: No such file"),
        (["import", "customers", "."], 1, "Is a directory"),
        (["report", "4711"], 1, "4711"),
    ],
)
def test_mistakes_are_one_line(command, arguments: list[str], status: int, words: str) -> None:  # type: ignore[no-untyped-def]
    done = command(*arguments, input="correct horse battery\n")
    assert (done.returncode, done.stdout) == (status, ""), done.stderr
    assert words in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize(
    ("arguments", "words"),
    [(["pigeon"], "No such command"), (["import", "pigeons", "x.csv"], "pigeons"), (["report", "x"], "x")],
)
def test_misuse_shows_the_usage(command, arguments: list[str], words: str) -> None:  # type: ignore[no-untyped-def]
    done = command(*arguments)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Usage:" in done.stderr


def test_a_database_that_is_away_or_old_is_told(command, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    away = command("token", "a@b", DATABASE_URL="postgresql://u@127.0.0.1:9/none?connect_timeout=2")
    assert away.returncode == 1
    assert away.stderr.startswith("DATABASE_URL cannot be used")
    old = command("token", "a@b", DATABASE_URL=f"sqlite:///{tmp_path / 'empty.sqlite'}")
    assert old.returncode == 1
    assert old.stderr == "the database has not the newest schema: run `dispatcher migrate`\n"
    assert command("migrate", DATABASE_URL="nonsense").returncode == 2


def test_what_it_writes_is_for_nobody_else(command, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    before = os.umask(0o022)
    try:
        assert command("migrate", DATABASE_URL=f"sqlite:///{tmp_path / 'own.sqlite'}").returncode == 0
    finally:
        os.umask(before)
    assert {path.name: oct(path.stat().st_mode)[-3:] for path in tmp_path.glob("own.sqlite")} == {"own.sqlite": "600"}


def test_a_database_that_everybody_could_read_is_kept_from_them(command, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    path = tmp_path / "old.sqlite"
    path.touch()
    path.chmod(0o664)
    assert command("migrate", DATABASE_URL=f"sqlite:///{path}").returncode == 0
    assert oct(path.stat().st_mode)[-3:] == "660"


def test_migrate_twice(command, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    url = f"sqlite:///{tmp_path / 'new.sqlite'}"
    for _ in range(2):
        done = command("migrate", DATABASE_URL=url)
        assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_import_token_and_password(command, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "staff.csv").write_text("\ufeff" + STAFF, encoding="utf-8")
    dry = command("import", "staff", "staff.csv", "--dry-run")
    assert "1 would be added" in dry.stdout, dry.stderr
    assert dry.returncode == 0
    (tmp_path / "wrong.csv").write_text(STAFF + "nobody,Nobody,analyst,,,email\n", encoding="utf-8")
    wrong = command("import", "staff", "wrong.csv", "--dry-run")
    assert (wrong.returncode, "1 refused" in wrong.stdout) == (1, True), wrong.stdout
    first = command("import", "staff", "staff.csv")
    assert "1 added, 0 changed, 0 unchanged, 0 refused" in first.stdout, first.stderr
    again = command("import", "staff", "staff.csv")
    assert "0 added, 0 changed, 1 unchanged, 0 refused" in again.stdout, again.stderr

    token = command("token", "ada@bank.example")
    assert token.returncode == 0
    assert token.stdout.strip() == token.stdout.split()[0]
    assert len(token.stdout) > 30

    assert command("password", "ada@bank.example", input="correct horse battery\n").returncode == 0
    for weak in ("short\n", "\n"):
        refused = command("password", "ada@bank.example", input=weak)
        assert refused.returncode == 1
        assert refused.stderr.count("\n") == 1


def test_a_file_in_another_encoding_is_named(command, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "latin.csv").write_bytes("email,name\nä,ö\n".encode("latin-1"))
    done = command("import", "staff", "latin.csv")
    assert done.returncode == 1
    assert "UTF-8" in done.stderr
    assert done.stderr.count("\n") == 1


def test_doctor_names_what_is_wrong_and_exits_1(command) -> None:  # type: ignore[no-untyped-def]
    done = command("doctor")
    assert done.returncode == 1, done.stdout
    assert "PUBLIC_URL" in done.stdout
    assert "Traceback" not in done.stderr
    assert "tell support" not in done.stdout


def test_doctor_without_redis_says_what_to_do(command) -> None:  # type: ignore[no-untyped-def]
    done = command("doctor", REDIS_URL="redis://127.0.0.1:9")
    assert done.returncode == 1
    assert "start Redis, or correct REDIS_URL" in done.stdout


def test_verify_of_an_empty_database_finds_nothing(command) -> None:  # type: ignore[no-untyped-def]
    done = command("verify")
    assert (done.returncode, done.stdout) == (0, "no breach found\n"), done.stderr
