"""Identifiers, dates and addresses in the vendors' shapes."""

import os
import re
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache

E164 = re.compile(r"\+[1-9]\d{7,14}\Z")
EMAIL = re.compile(r"[^\s@<>(),;:\"\[\]]+@[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?(?:\.[A-Za-z0-9-]+)+\Z")
# Characters of the GSM 03.38 basic table; those of the extension table cost two.
_GSM = set(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿"
    "abcdefghijklmnopqrstuvwxyzäöñüà"
)
_GSM_TWO = set("^{}\\[~]|€\f")
_GSM_ALL = _GSM | _GSM_TWO


def sid(prefix: str) -> str:
    """A 34 character identifier as Twilio's: two letters, 32 hex digits."""
    return prefix + os.urandom(16).hex()


def message_id() -> str:
    """22 URL-safe characters, as SendGrid's X-Message-Id."""
    return urlsafe_b64encode(os.urandom(16))[:22].decode()


@lru_cache(4096)
def _rfc2822(second: int) -> str:
    return format_datetime(datetime.fromtimestamp(second, UTC))


def rfc2822(at: float | None) -> str | None:
    """Twilio's dates: `Fri, 20 Nov 2026 10:00:00 +0000`; None stays None."""
    return None if at is None else _rfc2822(int(at))


def rfc3339(at: float | None) -> str | None:
    """The control API's dates, with microseconds, in UTC."""
    if at is None:
        return None
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def seconds(text: str) -> float:
    """Epoch seconds from a number, a date or an RFC 3339 time; ValueError otherwise."""
    try:
        return float(text)
    except ValueError:
        pass
    when = datetime.fromisoformat(text.replace("Z", "+00:00"))
    return when.replace(tzinfo=when.tzinfo or UTC).timestamp()


def segments(body: str) -> int:
    """How many SMS segments a text takes."""
    if _GSM_ALL.issuperset(body):
        units = len(body) + sum(map(_GSM_TWO.__contains__, body))
        return 1 if units <= 160 else -(-units // 153)
    units = len(body.encode("utf-16-le")) // 2
    return 1 if units <= 70 else -(-units // 67)
