"""Passwords and PINs as Argon2 hashes: what is stored of them, and whether one is right."""

from __future__ import annotations

import secrets
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

_hasher = PasswordHasher()


@cache
def _nobody() -> str:
    """Verified where nothing is stored. Made when it is needed: a hash takes 64 MB, which no sending worker has."""
    return _hasher.hash(secrets.token_urlsafe(24))


def prepare() -> None:
    """Before the first who is refused comes: they wait as long as all others."""
    _nobody()


def hashed(secret: str) -> str:
    """What is stored of it."""
    return _hasher.hash(secret)


def matches(stored: str | None, secret: str) -> bool:
    """Whether this is what was stored; where nothing was, False after just as long."""
    try:
        return _hasher.verify(stored or _nobody(), secret) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


def is_outdated(stored: str) -> bool:
    """Whether it was made with less work than is usual now."""
    return _hasher.check_needs_rehash(stored)
