"""Tokens that prove by themselves what they are for: no table to leak, nothing to look up before the check.

A token is the row's id in base 32 and a 130-bit HMAC-SHA256 over purpose and id, in lower-case letters and
digits only: mail systems may fold the case of a local part.
"""

from __future__ import annotations

import hmac
from functools import lru_cache

_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
_MAC = 26
# Two digits at a time, because base64.b32encode, which is Python, took longer than the HMAC itself.
_PAIRS = [one + two for one in _DIGITS for two in _DIGITS]
_SHIFTS = range(160 - 10, 160 - 5 * _MAC - 1, -10)


@lru_cache(maxsize=64)
def derived_key(secret: str, purpose: str) -> bytes:
    """A key for one purpose, 32 bytes, from the one SECRET_KEY."""
    return hmac.digest(secret.encode(), b"dispatcher:" + purpose.encode(), "sha256")


@lru_cache(maxsize=64)
def _keyed(key: bytes) -> hmac.HMAC:
    """Ready for texts, as copies: a release makes tokens for everybody, always with the same key."""
    return hmac.new(key, digestmod="sha256")


def _hmac(key: bytes, text: bytes) -> bytes:
    copy = _keyed(key).copy()
    copy.update(text)
    return copy.digest()


def _mac(key: bytes, purpose: str, number: str) -> str:
    raw = _hmac(key, f"{purpose}\x1f{number}".encode())
    bits = int.from_bytes(raw[:20], "big")
    return "".join([_PAIRS[bits >> shift & 1023] for shift in _SHIFTS])


def _encode(number: int) -> str:
    text = ""
    while True:
        number, rest = divmod(number, 32)
        text = _DIGITS[rest] + text
        if not number:
            return text


def make_token(key: bytes, purpose: str, number: int) -> str:
    """A token for the row `number`, for one purpose, e.g. "delivery", "letter", "customer", "media"."""
    front = _encode(number)
    return front + _mac(key, purpose, front)


def spoken_digits(key: bytes, number: int, count: int) -> str:
    """So many digits for a row which nobody can guess: for what people hear and key. Few of them are soon
    found by trying, so whoever asks for them counts the tries."""
    raw = _hmac(key, str(number).encode())
    return f"{int.from_bytes(raw[:16], 'big') % 10**count:0{count}d}"


def read_token(key: bytes, purpose: str, token: str) -> int | None:
    """The row's number, or None for anything that was not made with this key for this purpose."""
    token = token.strip().lower()
    front, mac = token[:-_MAC], token[-_MAC:]
    if not front or len(front) > 13 or any(letter not in _DIGITS for letter in front):
        return None
    if not mac.isascii() or not hmac.compare_digest(mac, _mac(key, purpose, front)):
        return None
    number = 0
    for letter in front:
        number = number * 32 + _DIGITS.index(letter)
    return number
