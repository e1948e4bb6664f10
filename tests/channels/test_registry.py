"""Adapters are found by looking, built when a setting names them, and never two of one name."""

from __future__ import annotations

from types import ModuleType
from typing import Any

import pytest

from channels import registry
from channels.registry import Found
from dispatcher.model.errors import NotConfigured
from dispatcher.settings import Settings, SettingsError
from tests.channels.vendors import settings


def test_everything_in_the_package_is_found() -> None:
    found = registry.find()
    assert set(found.channels) == {"email", "sms", "voice", "fax"}
    assert set(found.providers) >= {("email", "sendgrid"), ("email", "smtp"), ("sms", "twilio"), ("voice", "twilio")}
    assert set(found.sources) >= {"sendgrid", "twilio"}
    assert set(found.lines) == {"twilio"}


def names(made: Any) -> dict[str, tuple[str, ...]]:
    return {channel: tuple(one.name for one in some) for channel, some in made.providers.items()}


def test_only_what_the_settings_name_is_built() -> None:
    adapters = registry.build(settings(email_provider="smtp,sendgrid", smtp_url="smtp://localhost:25", sms_provider=""))
    assert names(adapters) == {"email": ("smtp", "sendgrid"), "sms": (), "voice": ("twilio",), "fax": ()}
    assert set(adapters.channels) == {"email", "sms", "voice", "fax"}
    assert set(adapters.sources) == {"twilio", "telnyx"}
    assert set(adapters.lines) == {"twilio"}
    for channel, some in adapters.providers.items():
        assert all(one.channel == channel and one.limits.requests > 0 for one in some)


def test_webhooks_are_read_where_they_can_be_verified() -> None:
    adapters = registry.build(settings(sendgrid_inbound_secret="secret", sms_provider="", voice_provider=""))
    assert set(adapters.sources) == {"sendgrid", "twilio", "telnyx"}
    nothing = Settings(_env_file=None, email_provider="", sms_provider="", voice_provider="")
    adapters = registry.build(nothing)
    assert (adapters.sources, adapters.lines) == ({}, {})
    assert not any(adapters.providers.values())


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"twilio_account_sid": ""}, "TWILIO_ACCOUNT_SID"),
        ({"twilio_auth_token": ""}, "TWILIO_AUTH_TOKEN"),
        ({"twilio_sms_from": ""}, "TWILIO_SMS_FROM"),
        ({"twilio_voice_from": ""}, "TWILIO_VOICE_FROM"),
        ({"sendgrid_api_key": ""}, "SENDGRID_API_KEY"),
        ({"email_from": ""}, "EMAIL_FROM"),
        ({"email_provider": "smtp"}, "SMTP_URL"),
        ({"email_provider": "smtp", "smtp_url": "smtp://localhost", "email_from": ""}, "EMAIL_FROM"),
        ({"sms_provider": "pigeon"}, "SMS_PROVIDER names pigeon, which nothing here provides: use twilio"),
        ({"email_provider": "twilio"}, "EMAIL_PROVIDER names twilio.*sendgrid or smtp"),
        ({"fax_provider": "pigeon"}, "FAX_PROVIDER names pigeon"),
    ],
)
def test_a_missing_setting_stops_the_start_and_is_named(wrong: dict[str, str], named: str) -> None:
    with pytest.raises(NotConfigured, match=named) as stopped:
        registry.build(settings(**wrong))
    assert "\n" not in str(stopped.value)
    assert "secret" not in str(stopped.value)


def test_a_wrong_key_stops_the_start() -> None:
    with pytest.raises(SettingsError, match="SENDGRID_EVENT_PUBLIC_KEY"):
        registry.build(settings(sendgrid_event_public_key="nonsense"))


def module(name: str, *classes: type[Any]) -> ModuleType:
    made = ModuleType(name)
    for one in classes:
        one.__module__ = name
        setattr(made, one.__name__, one)
    return made


class Pigeon:
    name, channel = "pigeon", "sms"

    def send(self) -> None: ...


class OtherPigeon(Pigeon):
    pass


class Carrier:
    name = "pigeon"

    def verify(self) -> None: ...

    def parse(self) -> None: ...


class _Pigeonhole(Pigeon):
    pass


class Plain:
    pass


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ValueError, match=r"a\.Pigeon.*pigeon|b\.OtherPigeon"):
        Found([module("a", Pigeon), module("b", OtherPigeon)])


def test_a_provider_is_one_new_class_in_one_new_file() -> None:
    found = Found([module("a", Pigeon, Carrier, _Pigeonhole, Plain)])
    assert found.providers == {("sms", "pigeon"): Pigeon}
    assert found.sources == {"pigeon": Carrier}
    assert (found.channels, found.lines) == ({}, {})


def test_what_a_module_only_imports_is_not_its_own() -> None:
    a = module("a", Pigeon)
    b = ModuleType("b")
    b.Pigeon = Pigeon  # type: ignore[attr-defined]  # a module made by hand
    assert set(Found([a, b]).providers) == {("sms", "pigeon")}


@pytest.mark.parametrize(("named", "name"), [("", ""), ("twilio", "twilio")])
def test_recordings_are_written_down_by_whom_the_setting_names(named: str, name: str) -> None:
    made = registry.build(settings(transcription=named)).transcriber
    assert (made.name if made else "") == name


def test_nobody_writes_recordings_down_by_that_name() -> None:
    with pytest.raises(NotConfigured, match="TRANSCRIPTION names scribe: use twilio"):
        registry.build(settings(transcription="scribe"))


@pytest.mark.parametrize(("value", "days"), [("", -1), ("-1", -1), ("0", 0), ("30", 30)])
def test_how_long_recordings_stay_at_the_provider(value: str, days: int) -> None:
    assert settings(recordings_at_provider_days=value).recordings_at_provider_days == days
