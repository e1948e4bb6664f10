"""Tokens that prove by themselves what they are for: no table to leak, nothing to look up before the check.

A token is the row's id in base 32 and a 130-bit HMAC-SHA256 over purpose and id, in lower-case letters and
digits only: mail systems may fold the case of a local part.
"""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache

_DIGITS = "abcdefghijklmnopqrstuvwxyz234567"
_MAC = 26
# Two digits at a time, from the first on.
_PAIRS = [one + other for one in _DIGITS for other in _DIGITS]
_PLACES = range(5 * (_MAC - 2), -1, -10)


@lru_cache(maxsize=64)
def derived_key(secret: str, purpose: str) -> bytes:
    """A key for one purpose, 32 bytes, from the one SECRET_KEY."""
    return hmac.digest(secret.encode(), b"dispatcher:" + purpose.encode(), "sha256")


@lru_cache(maxsize=64)
def _halves(key: bytes) -> tuple[hashlib._Hash, hashlib._Hash]:
    """HMAC's two hashes after the key (RFC 2104): a release makes tokens for everybody, and the key is always the same.

    `hmac.digest` prepares it anew each time, and lets go of the interpreter, for which other threads then queue.
    """
    block = key.ljust(64, b"\0")
    return hashlib.sha256(bytes(one ^ 0x36 for one in block)), hashlib.sha256(bytes(one ^ 0x5C for one in block))


def _hmac(key: bytes, text: bytes) -> bytes:
    inner, outer = (half.copy() for half in _halves(key))
    inner.update(text)
    outer.update(inner.digest())
    return outer.digest()


def _mac(key: bytes, purpose: str, number: str) -> str:
    bits = int.from_bytes(_hmac(key, f"{purpose}\x1f{number}".encode())[:17]) >> 6
    return "".join([_PAIRS[bits >> place & 1023] for place in _PLACES])


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
