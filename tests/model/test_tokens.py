"""Tokens are what they are said to be, so that those that people hold stay good."""

from __future__ import annotations

import base64
import hmac

import pytest

from dispatcher.model.tokens import make_token, read_token, spoken_digits

KEY = b"k" * 32


@pytest.mark.parametrize(("number", "front"), [(0, "a"), (31, "7"), (32, "ba"), (1_234_567, "bfvuh")])
def test_a_token_is_an_hmac_in_base_32(number: int, front: str) -> None:
    mac = hmac.digest(KEY, f"delivery\x1f{front}".encode(), "sha256")
    assert make_token(KEY, "delivery", number) == front + base64.b32encode(mac).decode().lower()[:26]
    assert read_token(KEY, "delivery", make_token(KEY, "delivery", number)) == number
    assert read_token(KEY, "customer", make_token(KEY, "delivery", number)) is None
    digits = int.from_bytes(hmac.digest(KEY, str(number).encode(), "sha256")[:16], "big") % 10**6
    assert spoken_digits(KEY, number, 6) == f"{digits:06d}"
