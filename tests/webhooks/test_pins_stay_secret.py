"""What is kept of a call in which a PIN was keyed, and that checking one is in nobody's way."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select, text

from dispatcher.model import AuditEntry, Callback, Staff
from dispatcher.model.ports import WebRequest
from dispatcher.services import hashing, letters, pins
from dispatcher.storage import make_engine, make_sessions
from tests.webhooks.test_staff_sign_in import CHEAP, NOBODY, PIN, REP, STRANGE, WRONG, Call, staffed
from tests.webhooks.world import PUBLIC_URL, SID, TOKEN, World, world_of


@pytest.fixture
def line(light: World) -> World:
    return staffed(light)


@pytest.fixture(autouse=True)
def cheap(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashing, "_nobody", lambda: NOBODY)


def kept(line: World) -> list[tuple[Callback, str]]:
    """Each kept request, with all that is kept of it."""
    with line.runtime.sessions() as session:
        found = session.scalars(select(Callback).order_by(Callback.id)).all()
        return [(one, f"{one.dedupe} {one.body!r} {one.query} {one.headers} {one.answer} {one.error}") for one in found]


def test_no_pin_is_kept(line: World) -> None:
    call = Call(line, REP)
    call.take(WRONG)
    call.take(PIN)
    assert len(kept(line)) == 3
    for _, everything in kept(line):
        assert PIN not in everything
        assert WRONG not in everything
    with line.runtime.sessions() as session:
        assert all(PIN not in one.detail for one in session.scalars(select(AuditEntry)))


def test_a_pin_keyed_where_the_number_is_asked_is_not_kept_either(line: World) -> None:
    call = Call(line, STRANGE)
    call.take(PIN)
    [(_, first), (row, everything)] = kept(line)
    assert "s=number" in row.query
    assert row.body == b""
    assert PIN not in everything
    assert "CallSid" in first, "what holds no keys is kept"


def test_no_pin_is_found_by_trying_all_of_them_against_what_is_kept(line: World) -> None:
    """Whoever reads the table knows the other fields from the call's other requests, and may have the vendor's key."""
    pin = "7402"
    with line.runtime.sessions() as session:
        session.get_one(Staff, line.bank.ids["rep"]).pin_hash = CHEAP.hash(pin)
        session.commit()
    call = Call(line, REP)
    target = call.next
    call.take(pin)
    assert call.proven
    row, everything = kept(line)[1]
    form = {"AccountSid": SID, "CallStatus": "in-progress", **call.fields}
    adapter = line.runtime.adapters.sources["twilio"]
    for digits in itertools.product("0123456789", repeat=4):
        guess = {**form, "Digits": "".join(digits)}
        key = adapter.dedupe(
            "voice", WebRequest("POST", target.removeprefix(PUBLIC_URL), {}, urlencode(guess).encode())
        )
        whole = target + "".join(name + value for name, value in sorted(guess.items()))
        signature = base64.b64encode(hmac.digest(TOKEN.encode(), whole.encode(), "sha1")).decode()
        for found in (key.rpartition(":")[2], hashlib.sha256(key.encode()).hexdigest(), signature):
            assert found not in everything, (guess["Digits"], row.query)


def test_other_requests_keep_their_keys_and_headers(line: World) -> None:
    """News is found again by the vendor's own references."""
    line.sms("+12025550101", "call me", "SM" + "1" * 32)
    [(row, _)] = kept(line)
    assert row.dedupe == "twilio:sms:sms:SM" + "1" * 32
    assert "x-twilio-signature" in row.headers


def test_a_letter_to_whose_pin_is_being_checked_is_written_meanwhile(
    postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its writer holds the audit's chain, for which the check waits: one of them would be ended as a deadlock."""
    engine = make_engine(postgres_url)
    line = staffed(world_of(make_sessions(engine), tmp_path))
    matches, written = pins._matches, []

    def meanwhile(stored: str | None, pin: str) -> bool:
        with line.runtime.sessions() as session:
            session.execute(text("SET LOCAL lock_timeout = '1s'"))
            rep = line.bank.staff(session, "rep")
            letters.write(
                session, line.runtime, kind="decision", dedupe="meanwhile", channel="sms", address=REP, subject="Waits",
                text="An alert waits.", staff=rep,
            )  # fmt: skip
            session.commit()
        written.append(pin)
        return matches(stored, pin)

    monkeypatch.setattr(pins, "_matches", meanwhile)
    call = Call(line, REP)
    call.take(PIN)
    assert call.proven
    assert written == [PIN]
    engine.dispose()
