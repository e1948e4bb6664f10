"""The settings: environment variables or `.env`, read once into one frozen object.

Nothing else in the product reads the environment. A missing or wrong setting raises `SettingsError` whose
text is one line that names it and says what to do.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import quote, urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

_NUMBER = re.compile(r"\+[1-9][0-9]{7,14}")
# A number, a short code, or a messaging service.
_SENDER = re.compile(r"\+[1-9][0-9]{7,14}|[0-9]{4,8}|MG\w+")
_MAIL = re.compile(r"[^@\s<>,]+@[^@\s<>,]+")
# Where firms have customers. Not in it: where calls are sold on to earn the callee money, and satellites.
_COUNTRIES = (
    "US", "CA", "PR", "VI", "GU", "AS", "MP", "BM", "BS", "BB", "KY", "VG", "GB", "GG", "JE", "IM", "IE", "FR",
    "MC", "DE", "AT", "CH", "LI", "NL", "BE", "LU", "ES", "PT", "AD", "IT", "SM", "VA", "GI", "MT", "GR", "CY",
    "DK", "NO", "SJ", "SE", "FI", "AX", "IS", "FO", "GL", "PL", "CZ", "SK", "HU", "SI", "HR", "RO", "BG", "EE",
    "LT", "JP", "KR", "HK", "SG", "TW", "CN", "MO", "IN", "MY", "TH", "PH", "ID", "AU", "CX", "CC", "NZ", "IL",
    "AE", "SA", "QA", "KW", "BH", "OM", "TR", "ZA", "MU", "BR", "MX", "AR", "CL", "CO", "PE", "UY", "CR", "PA",
)  # fmt: skip
_DATABASES = ("sqlite", "postgres", "postgresql", "postgresql+psycopg")

LOCAL_HOSTS = ("localhost", "127.0.0.1", "::1")

Names = Annotated[tuple[str, ...], NoDecode]
Minutes = Annotated[tuple[float, ...], NoDecode]


class SettingsError(Exception):
    """A setting is missing or wrong; the text names it and says what to do."""


def valkey_socket(var_dir: Path) -> Path:
    """Where the embedded Valkey of this VAR_DIR listens.

    The kernel takes 108 bytes for a socket's path (104 on macOS), and RQ's workers end on a path with a space
    (they read it out of a list that spaces separate). Else it goes to a private folder under the system's
    temporary files, named after VAR_DIR so that every command finds it.
    """
    path = var_dir / "valkey" / "valkey.sock"
    if len(os.fsencode(path)) < 104 and not any(letter.isspace() for letter in str(path)):
        return path
    name = hashlib.sha256(os.fsencode(var_dir)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"dispatcher-{os.getuid()}-{name}" / "valkey.sock"


# The settings that a vendor's account brings along, by their beginnings.
ACCOUNTS = {
    "twilio": ("TWILIO_", "CUSTOMER_LINE", "ANALYST_LINE"),
    "sendgrid": ("SENDGRID_", "EMAIL_FROM", "INBOUND_EMAIL_DOMAIN"),
    "telnyx": ("TELNYX_", "FAX_LINE", "FAX_PROVIDER"),
}


class Settings(BaseSettings):
    """Every setting of the product. Names in upper case are the environment variables."""

    model_config = SettingsConfigDict(env_file=".env", env_file_encoding="utf-8", extra="ignore", frozen=True)

    var_dir: Path = Path("var")
    database_url: str = Field("", repr=False)  # both may hold a password
    redis_url: str = Field("", repr=False)
    secret_key: SecretStr = SecretStr("")
    bind: str = "127.0.0.1"
    port: int = Field(8000, ge=1, le=65535)
    public_url: str = ""
    firm_name: str = "Example Bank"
    default_region: str = ""

    email_provider: Names = ("sendgrid",)
    sms_provider: Names = ("twilio",)
    voice_provider: Names = ("twilio",)
    fax_provider: Names = ()

    sendgrid_api_key: SecretStr = SecretStr("")
    sendgrid_api_url: str = "https://api.sendgrid.com"
    sendgrid_event_public_key: str = ""
    sendgrid_inbound_secret: SecretStr = SecretStr("")
    email_from: str = ""
    inbound_email_domain: str = ""
    smtp_url: SecretStr = SecretStr("")

    twilio_account_sid: str = ""
    twilio_auth_token: SecretStr = SecretStr("")
    twilio_api_url: str = "https://api.twilio.com"
    twilio_sms_from: Names = ()
    twilio_voice_from: str = ""
    analyst_line: str = ""
    customer_line: str = ""

    telnyx_api_key: SecretStr = SecretStr("")
    telnyx_api_url: str = "https://api.telnyx.com"
    telnyx_connection_id: str = ""
    telnyx_public_key: str = ""
    fax_line: str = ""  # faxes leave from this number and come back to it

    twilio_calls_per_second: float = Field(1, gt=0)
    twilio_sms_per_second: float = Field(
        0, ge=0, description="per sender; 0: as fast as the provider accepts, which queues by itself"
    )
    twilio_concurrent_requests: int = Field(100, ge=1)
    sendgrid_concurrent_requests: int = Field(10, ge=1)
    telnyx_concurrent_requests: int = Field(10, ge=1)
    smtp_connections: int = Field(16, ge=1)

    call_countries: Names = _COUNTRIES
    hook_hosts: Names = ()

    lag_limit_seconds: int = Field(60, ge=1, le=86_400, description="between the first channel to end and the last")
    lag_policy: Literal["slow-first", "same-window", "text-first"] = "slow-first"

    desk_phone: str = ""  # where callers are sent whom nobody knows
    call_again_minutes: Minutes = Field((3,), description="waits before a busy or unanswered call is made again")

    lease_seconds: float = Field(40, ge=2, le=3600, description="a worker that has not renewed for so long is dead")
    look_up_after_seconds: float = Field(30, ge=0.1, le=3600, description="before the first look-up of a doubt")
    look_ups_apart_seconds: float = Field(120, ge=0.1, le=3600, description="between two look-ups of one doubt")

    decide_within_minutes: float = Field(30, gt=0, le=1440, description="then an undecided alert is escalated, twice")
    decide_urgent_within_minutes: float = Field(5, gt=0, le=1440, description="the same for urgent ones")
    order_claim_minutes: float = Field(2, gt=0, le=1440, description="then an unclaimed order is put to others")
    order_claim_urgent_minutes: float = Field(1, gt=0, le=1440, description="the same after an urgent alert")
    call_officer_again_minutes: float = Field(2, gt=0, le=60, description="after a ring that came to no decision")
    telephone_speed: float = Field(1, gt=0, le=100, description="times real time; only a simulated one is not 1")
    rings_per_officer: int = Field(3, ge=1, le=10, description="for one version, before it is escalated")

    missed_texts_minutes: float = Field(
        10, ge=0, le=1440, description="between two questions for texts that no webhook brought; 0: never"
    )
    recordings_at_provider_days: int = Field(7, ge=-1, le=3650, description="then deleted there; -1 or empty: never")
    transcription: str = ""  # who writes recordings down; empty: nobody

    # 0: no cap. What a cap holds back waits, goes another way or is refused, and an alarm is raised.
    cap_calls_per_number_day: int = Field(6, ge=0)
    cap_calls_per_staff_day: int = Field(300, ge=0)
    cap_calls_per_hour: int = Field(10_000, ge=0)
    cap_calls_per_caller_hour: int = Field(60, ge=0)
    cap_joins_per_caller_day: int = Field(20, ge=0)
    cap_wrong_codes_per_caller_day: int = Field(6, ge=0)
    cap_wrong_codes_per_hour: int = Field(60, ge=0)
    cap_messages_per_hour: int = Field(60, ge=0)
    cap_deliveries_per_hour: int = Field(0, ge=0)
    cap_answers_per_sender_day: int = Field(10, ge=0)
    cap_answers_per_hour: int = Field(2000, ge=0)
    price_email: float = Field(0, ge=0)
    price_sms: float = Field(0, ge=0)
    price_voice: float = Field(0, ge=0)
    price_fax: float = Field(0, ge=0)
    cap_spend_per_day: float = Field(0, ge=0)

    @field_validator(
        "email_provider",
        "sms_provider",
        "voice_provider",
        "fax_provider",
        "twilio_sms_from",
        "call_countries",
        "hook_hosts",
        mode="before",
    )
    @classmethod
    def _comma_list(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("recordings_at_provider_days", mode="before")
    @classmethod
    def _for_ever(cls, value: object) -> object:
        return -1 if value == "" else value

    @field_validator("public_url", "sendgrid_api_url", "twilio_api_url", "telnyx_api_url")
    @classmethod
    def _web_address(cls, value: str) -> str:
        if value and not _is_url(value, ("http", "https")):
            raise ValueError("must be a web address such as https://alerts.example.com")
        if value and ("@" in urlsplit(value).netloc or "?" in value or "#" in value):
            raise ValueError("must hold no user, no password, no ? and no #")
        return value.rstrip("/")

    @field_validator("database_url")
    @classmethod
    def _database(cls, value: str) -> str:
        if value:
            from sqlalchemy.engine import make_url
            from sqlalchemy.exc import ArgumentError

            try:
                wrong = make_url(value).drivername not in _DATABASES
            except (ArgumentError, ValueError):
                wrong = True
            if wrong:
                raise ValueError("write postgresql://user:password@host/name or sqlite:////path")
        return value

    @field_validator("redis_url")
    @classmethod
    def _redis(cls, value: str) -> str:
        if value and not (_is_url(value, ("redis", "rediss")) or re.match("unix://.*/", value)):
            raise ValueError("write redis://host:6379/0, rediss://host:6379/0 or unix:///path")
        return value

    @field_validator("smtp_url")
    @classmethod
    def _mail_server(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not _is_url(value.get_secret_value(), ("smtp", "smtps")):
            raise ValueError("write smtps://user:password@host:465 or smtp://host:587")
        return value

    @field_validator("telephone_speed")
    @classmethod
    def _people_speak_in_real_time(cls, value: float, info: ValidationInfo) -> float:
        host = urlsplit(str(info.data.get("twilio_api_url", ""))).hostname or ""
        if value != 1 and info.data.get("twilio_account_sid") and host.endswith("twilio.com"):
            raise ValueError("is for simulated telephones: with a real account leave it away")
        return value

    @field_validator("firm_name")
    @classmethod
    def _firm(cls, value: str) -> str:
        if not value.strip():
            raise ValueError("is empty: name the firm that calls, writes and signs")
        return value.strip()

    @field_validator("default_region")
    @classmethod
    def _region(cls, value: str) -> str:
        if value:
            from phonenumbers import SUPPORTED_REGIONS

            if value.upper() not in SUPPORTED_REGIONS:
                raise ValueError("give a country in two letters, such as US")
        return value.upper()

    @field_validator("call_countries")
    @classmethod
    def _countries(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        from phonenumbers import SUPPORTED_REGIONS

        countries = tuple(dict.fromkeys(one.upper() for one in value))
        if not countries or not all(one == "*" or one in SUPPORTED_REGIONS for one in countries):
            raise ValueError("give countries in two letters, comma between, such as US,CA,GB, or * for all")
        return countries

    @field_validator("email_from")
    @classmethod
    def _mail_address(cls, value: str) -> str:
        if value and not _MAIL.fullmatch(value):
            raise ValueError("give a mail address such as alerts@example.com")
        return value

    @field_validator("call_again_minutes", mode="before")
    @classmethod
    def _minutes_list(cls, value: object) -> object:
        return tuple(part for part in value.split(",") if part.strip()) if isinstance(value, str) else value

    @field_validator("call_again_minutes")
    @classmethod
    def _waits(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if len(value) > 5 or not all(0 < one <= 1440 for one in value):
            raise ValueError("give up to five waits in minutes, such as 3,15; empty: never call again")
        return value

    @field_validator("twilio_voice_from", "analyst_line", "customer_line", "fax_line", "desk_phone")
    @classmethod
    def _telephone(cls, value: str) -> str:
        if value and not _NUMBER.fullmatch(value):
            raise ValueError("give a number with + and country code, such as +12125550100")
        return value

    @field_validator("twilio_sms_from")
    @classmethod
    def _senders(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not all(_SENDER.fullmatch(one) for one in value):
            raise ValueError("give numbers with + and country code, comma between, or a messaging service (MG…)")
        return value

    @field_validator("cap_spend_per_day")
    @classmethod
    def _spend(cls, value: float, info: ValidationInfo) -> float:
        if value and not any(info.data.get(f"price_{one}") for one in ("email", "sms", "voice", "fax")):
            raise ValueError("holds nothing back without prices: set PRICE_SMS, PRICE_VOICE, …")
        return value

    @model_validator(mode="after")
    def _defaults(self) -> Settings:
        # Frozen for everybody else; what depends on other settings is filled in here, once.
        fill = object.__setattr__
        fill(self, "var_dir", self.var_dir.expanduser().absolute())
        if not self.public_url:
            fill(self, "public_url", f"http://localhost:{self.port}")
        if not self.database_url:
            path = str(self.var_dir / "dispatcher.sqlite")
            fill(self, "database_url", "sqlite:///" + quote(path, safe="/ ,;:@+=&#"))
        elif self.database_url.startswith(("postgres://", "postgresql://")):
            rest = self.database_url.split("://", 1)[1]
            fill(self, "database_url", f"postgresql+psycopg://{rest}")
        if not self.redis_url:
            fill(self, "redis_url", self._embedded_url)
        return self

    @property
    def is_local(self) -> bool:
        """True where this product is reached on this machine alone."""
        return urlsplit(self.public_url).hostname in LOCAL_HOSTS

    @property
    def embedded_redis(self) -> bool:
        """True when Redis is the Valkey that `dispatcher up` starts itself."""
        return self.redis_url == self._embedded_url

    @property
    def _embedded_url(self) -> str:
        return f"unix://{quote(str(valkey_socket(self.var_dir)))}"

    @property
    def countries(self) -> frozenset[str]:
        """Where numbers may be called and texted: CALL_COUNTRIES, and always the firm's own; "*" is everywhere."""
        return frozenset((*self.call_countries, self.default_region)) - {""}

    @property
    def own_numbers(self) -> frozenset[str]:
        """Numbers that are ours: to call one from another would be a call that calls itself."""
        lines = (self.twilio_voice_from, self.analyst_line, self.customer_line, self.fax_line)
        ours = {*lines, *self.twilio_sms_from}
        return frozenset(one for one in ours if one.startswith("+"))

    def providers_for(self, channel: str) -> tuple[str, ...]:
        """Names of the channel's providers, the one to try first in front."""
        names: tuple[str, ...] = getattr(self, f"{channel}_provider", ())
        return names

    def price_of(self, channel: str) -> float:
        """What one send on the channel costs, in units of the firm's currency."""
        price: float = getattr(self, f"price_{channel}", 0.0)
        return price

    def without_account(self) -> tuple[str, ...]:
        """Vendors in use for which no account is set: the simulated carrier stands in for them."""
        used = {*self.email_provider, *self.sms_provider, *self.voice_provider, *self.fax_provider}
        accounts = {
            "twilio": self.twilio_account_sid,
            "sendgrid": self.sendgrid_api_key.get_secret_value(),
            "telnyx": self.telnyx_api_key.get_secret_value(),
        }
        lacking = tuple(name for name in ACCOUNTS if name in used and not accounts[name])
        # Where everything is simulated, fax is as well, unless somebody has said that there is none.
        unsaid = "fax_provider" not in self.model_fields_set and not accounts["telnyx"]
        return (*lacking, "telnyx") if lacking and unsaid and used == set(lacking) else lacking

    def stand_in(self, offered: dict[str, str]) -> dict[str, str]:
        """Of the simulated carrier's settings those of vendors without an account."""
        names = tuple(name for vendor in self.without_account() for name in ACCOUNTS[vendor])
        return {name: value for name, value in offered.items() if name.startswith(names)} if names else {}


def load_settings(**overrides: Any) -> Settings:
    """Read the settings and make sure that VAR_DIR can be written and SECRET_KEY exists.

    Raises SettingsError, one line, naming the variable.
    """
    try:
        settings = Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(_in_one_line(error)) from None
    _make_var_dir(settings.var_dir)
    if not settings.secret_key.get_secret_value():
        object.__setattr__(settings, "secret_key", SecretStr(_kept_secret(settings.var_dir)))
    elif len(settings.secret_key.get_secret_value()) < 32:
        raise SettingsError("SECRET_KEY is too short: give at least 32 random characters, or leave it unset")
    return settings


def _in_one_line(error: ValidationError) -> str:
    first = error.errors()[0]
    field = str(first["loc"][0]) if first["loc"] else "settings"
    name, got = field.upper(), str(first.get("input"))
    if field == "port":
        return f"{name} is wrong: give a whole number from 1 to 65535"
    why = first["msg"].removeprefix("Value error, ")
    # A key or an address may hold a password; of the others one wants to see the slip.
    told = Settings.model_fields.get(field)
    secret = told is None or told.annotation is SecretStr or not told.repr or "://" in got or "@" in got
    return " ".join(f"{name} is wrong: {why}{'' if secret else f' (got {got[:60]!r})'}".split())


def _is_url(value: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(value)
        _ = parts.port  # raises where it is none
    except ValueError:
        return False
    return parts.scheme in schemes and bool(parts.hostname) and not re.search(r"\s", value)


def carrier_settings_path(var_dir: Path) -> Path:
    """Where `dispatcher up` keeps what the simulated carrier offers."""
    return var_dir / "carrier-settings.json"


def beside_carrier(settings: Settings) -> Settings:
    """The settings as `dispatcher up` gives them to its processes: the simulated carrier where there is no account."""
    try:
        offered = json.loads(carrier_settings_path(settings.var_dir).read_text())
    except (OSError, ValueError):
        return settings
    chosen = settings.stand_in(offered)
    return load_settings(**{name.lower(): value for name, value in chosen.items()}) if chosen else settings


def _make_var_dir(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        tempfile.TemporaryFile(dir=folder).close()  # several processes may look at the same time
    except OSError as error:
        raise SettingsError(
            f"VAR_DIR {folder} cannot be written ({error.strerror}): make it writable or name another folder"
        ) from None


def _kept_secret(folder: Path) -> str:
    """The key made at the first start and kept in VAR_DIR, readable by its owner only."""
    path = folder / "secret_key"
    if not path.exists():
        # Complete before it has its name: another process may start at the same time and must read the same key.
        handle, made = tempfile.mkstemp(dir=folder)
        with os.fdopen(handle, "w") as file:
            file.write(secrets.token_urlsafe(48))
        with contextlib.suppress(FileExistsError):
            os.link(made, path)
        os.unlink(made)
    key = path.read_text().strip()
    if len(key) < 32:
        raise SettingsError(f"{path} holds no usable key: remove it, a new one is made (signs everybody out)")
    return key
