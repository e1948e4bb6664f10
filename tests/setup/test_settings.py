"""A wrong setting stops the start with one line that names it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from dispatcher.settings import Settings, SettingsError, load_settings, valkey_socket


def start(folder: Path, *arguments: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-P", "-m", "dispatcher.cli", *arguments],
        cwd=folder,
        env={**os.environ, "VAR_DIR": str(folder / "var"), **env},
        capture_output=True,
        text=True,
        timeout=60,
        stdin=subprocess.DEVNULL,
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("PORT", "eight"),
        ("PORT", "70000"),
        ("PUBLIC_URL", "alerts.example.com"),
        ("SECRET_KEY", "short"),
        ("TWILIO_CALLS_PER_SECOND", "-1"),
        ("SENDGRID_API_URL", "ftp://mail"),
        ("DATABASE_URL", "mysql://x"),
        ("REDIS_URL", "http://x"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(tmp_path: Path, name: str, value: str) -> None:
    done = start(tmp_path, "up", **{name: value})
    assert done.returncode == 2
    assert name in done.stderr
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "mysql://u:s3cret@h/d"),
        ("DATABASE_URL", "postgresql://u:s3cret@h:port/d"),
        ("DATABASE_URL", "s3cret"),
        ("REDIS_URL", "http://:s3cret@h"),
        ("REDIS_URL", "redis://:s3cret@h:port"),
        ("PUBLIC_URL", "https://u:s3cret@h"),
        ("PUBLIC_URL", "https://h/x?y=s3cret"),
        ("PUBLIC_URL", "https://h/x#s3cret"),
        ("SMTP_URL", "imap://u:s3cret@h"),
        ("DEFAULT_REGION", "XX"),
        ("EMAIL_FROM", "nobody"),
        ("CUSTOMER_LINE", "123"),
        ("ANALYST_LINE", "12125550100"),
        ("TWILIO_VOICE_FROM", "+1212"),
        ("TWILIO_SMS_FROM", "+12125550100,123"),
        ("FIRM_NAME", " "),
        ("PORT", "eight"),
    ],
)
def test_what_is_wrong_is_named_without_secrets(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str
) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load_settings()
    line = str(caught.value)
    assert line.startswith(f"{name} is wrong: ")
    assert "s3cret" not in line
    assert "\n" not in line
    assert "Value error" not in line
    assert "Input should" not in line


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("DATABASE_URL", "postgresql+psycopg://u@h/d?connect_timeout=2"),
        ("DATABASE_URL", "sqlite:////tmp/x.sqlite"),
        ("REDIS_URL", "rediss://:p@h:6380/1"),
        ("REDIS_URL", "unix:///run/valkey.sock?db=1"),
        ("PUBLIC_URL", "https://h:8443/alerts/"),
        ("SMTP_URL", "smtps://u:p%40@h:465"),
        ("DEFAULT_REGION", "DE"),
        ("TWILIO_SMS_FROM", "+12125550100, +12125550101"),
        ("TWILIO_SMS_FROM", "MG" + "0" * 32),
        ("TWILIO_SMS_FROM", "24273"),
        ("DEFAULT_REGION", "de"),
        ("CUSTOMER_LINE", ""),
    ],
)
def test_what_is_right_is_taken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.setenv(name, value)
    load_settings()


@pytest.mark.parametrize("command", [("web",), ("worker", "sms"), ("clock",)])
def test_an_unknown_provider_is_named_by_every_process(tmp_path: Path, command: tuple[str, ...]) -> None:
    done = start(tmp_path, *command, SMS_PROVIDER="sendgrid", EMAIL_PROVIDER="", VOICE_PROVIDER="")
    assert done.returncode == 2
    assert done.stderr == "SMS_PROVIDER names sendgrid, which nothing here provides: use twilio\n"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SECRET_KEY", "s3cret" * 9),
        ("SENDGRID_API_KEY", "s3cret"),
        ("SMTP_URL", "smtp://u:s3cret@h"),
        ("TWILIO_AUTH_TOKEN", "s3cret"),
        ("DATABASE_URL", "postgresql://u:s3cret@h/d"),
        ("REDIS_URL", "redis://:s3cret@h"),
    ],
)
def test_a_secret_is_never_shown(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, value: str) -> None:
    monkeypatch.setenv("VAR_DIR", str(tmp_path))
    monkeypatch.setenv(name, value)
    assert "s3cret" not in repr(load_settings())


def test_a_secret_that_is_too_short_is_refused_without_showing_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "s3cret-value")
    with pytest.raises(SettingsError, match="SECRET_KEY is too short") as caught:
        load_settings()
    assert "s3cret-value" not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("a file in the way")
    done = start(tmp_path, "up")
    assert done.returncode == 2
    assert done.stderr.startswith("VAR_DIR ")
    assert done.stderr.count("\n") == 1


def test_settings_come_from_a_file_as_well_and_the_environment_wins(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=9\nFIRM_NAME=From the file\n")
    code = "from dispatcher.settings import Settings as S; s = S(); print(s.port, s.firm_name)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        cwd=tmp_path,
        env={**os.environ, "PORT": "77"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "77 From the file"


def test_the_key_is_made_once_and_private(tmp_path: Path) -> None:
    keys = {load_settings(var_dir=tmp_path).secret_key.get_secret_value() for _ in range(3)}
    assert len(keys) == 1
    assert (tmp_path / "secret_key").stat().st_mode & 0o077 == 0


def test_the_simulated_carrier_stands_in_only_for_who_has_no_account(tmp_path: Path) -> None:
    offered = {"TWILIO_AUTH_TOKEN": "t", "ANALYST_LINE": "+1", "SENDGRID_API_KEY": "s", "EMAIL_FROM": "a@b"}
    offered |= {"FAX_PROVIDER": "telnyx", "FAX_LINE": "+1", "TELNYX_API_KEY": "k"}
    both = Settings(var_dir=tmp_path)
    assert both.without_account() == ("twilio", "sendgrid", "telnyx"), "where all is simulated, fax is as well"
    assert both.stand_in(offered) == offered
    assert Settings(var_dir=tmp_path, fax_provider=()).without_account() == ("twilio", "sendgrid")
    assert Settings(var_dir=tmp_path, telnyx_api_key="k").without_account() == ("twilio", "sendgrid")  # type: ignore[arg-type]
    mail_only = Settings(var_dir=tmp_path, twilio_account_sid="AC1")
    assert mail_only.stand_in(offered) == {"SENDGRID_API_KEY": "s", "EMAIL_FROM": "a@b"}
    smtp = Settings(var_dir=tmp_path, twilio_account_sid="AC1", email_provider="smtp")  # type: ignore[arg-type]
    assert smtp.without_account() == ()
    assert smtp.stand_in(offered) == {}


def test_urls_of_databases_and_odd_paths(tmp_path: Path) -> None:
    from sqlalchemy.engine import make_url

    odd = tmp_path / "a b?c%41#d"
    read = Settings(var_dir=odd)
    assert make_url(read.database_url).database == str(odd / "dispatcher.sqlite")
    assert read.embedded_redis
    assert not Settings(var_dir=odd, redis_url="redis://elsewhere").embedded_redis
    url = Settings(var_dir=odd, database_url="postgres://u:p@h/d").database_url
    assert url == "postgresql+psycopg://u:p@h/d"


def test_the_socket_is_always_short_and_stays_the_same(tmp_path: Path) -> None:
    deep = tmp_path / ("x" * 90)
    assert len(os.fsencode(valkey_socket(deep))) < 104
    assert valkey_socket(deep) == valkey_socket(deep) != valkey_socket(deep / "y")
    assert valkey_socket(Path("/v")) == Path("/v/valkey/valkey.sock")


def test_real_telephones_keep_their_time(tmp_path: Path) -> None:
    account = {"var_dir": tmp_path, "twilio_account_sid": "AC" + "0" * 32, "telephone_speed": 5}
    with pytest.raises(SettingsError, match=r"TELEPHONE_SPEED.*simulated"):
        load_settings(**account)
    assert load_settings(**account, twilio_api_url="http://127.0.0.1:8001").telephone_speed == 5
