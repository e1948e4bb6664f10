"""The benchmark's carrier: what it answers is what the vendors' descriptions say, and its ledger is true."""

from __future__ import annotations

import asyncio
import json
import smtplib
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest
from openapi_schema_validator import OAS30Validator, OAS31Validator

from channels.sendgrid import SendGrid
from channels.smtp import Smtp
from channels.twilio_sms import TwilioSms
from channels.twilio_voice import TwilioVoice
from dispatcher.bench.bank import CarrierDesk
from dispatcher.bench.carrier import call_answer, mail_answer, text_answer
from dispatcher.model.ports import Content, Outbound, Outcome, Provider, Rendition
from dispatcher.settings import Settings

SPECS = Path(__file__).resolve().parents[1] / "specs"


@contextmanager
def carrier(latency_ms: int = 0) -> Iterator[dict[str, int]]:
    """The ports of a running one."""
    command = [sys.executable, "-m", "dispatcher.bench.carrier", "--latency-ms", str(latency_ms)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield json.loads(process.stdout.readline())
        process.terminate()


def settings(ports: dict[str, int]) -> Settings:
    url = f"http://127.0.0.1:{ports['port']}"
    given: dict[str, Any] = {
        "twilio_account_sid": "AC" + "0" * 32, "twilio_auth_token": "token", "twilio_api_url": url,
        "twilio_sms_from": "+12025550100", "twilio_voice_from": "+12025550101", "sendgrid_api_key": "SG.key",
        "sendgrid_api_url": url, "email_from": "alerts@bank.example", "public_url": "https://bank.example",
        "smtp_url": f"smtp://127.0.0.1:{ports['smtp']}",
    }  # fmt: skip
    return Settings(_env_file=None, **given)


CASES: list[tuple[str, Callable[[Settings], Provider], list[str]]] = [
    ("sms", TwilioSms, ["+12025550143", "+12025550144"]),
    ("voice", TwilioVoice, ["+12025550143", "+12025550144"]),
    ("email", SendGrid, ["a@firm.example", "b@firm.example"]),
    ("email", Smtp, ["a@firm.example", "b@firm.example"]),
]


@pytest.mark.parametrize(("kind", "make", "addresses"), CASES, ids=["sms", "voice", "mail", "smtp"])
def test_every_adapter_is_accepted_and_entered(
    kind: str, make: Callable[[Settings], Provider], addresses: list[str]
) -> None:
    batch = [Outbound(f"{n:032x}", address) for n, address in enumerate(addresses)]
    content = Content(Rendition(subject="Alert", text="Guidance cut", html="<p>Guidance cut</p>"))

    async def send(provider: Provider) -> list[Outcome]:
        try:
            return [outcome async for outcome in provider.send(content, batch)]
        finally:
            await provider.aclose()

    with carrier() as ports:
        outcomes = asyncio.run(send(make(settings(ports))))
        assert {one.state for one in outcomes} == {"accepted"}
        assert len({one.provider_ref for one in outcomes}) == (1 if make is SendGrid else 2)
        desk = CarrierDesk(ports["port"])
        assert desk.ledger() == {(kind, address): 1 for address in addresses}
        assert desk.summary()["entries"] == 2


@pytest.mark.parametrize(
    ("path", "answer"),
    [
        ("/2010-04-01/Accounts/{AccountSid}/Messages.json", text_answer(17, "+12025550143")),
        ("/2010-04-01/Accounts/{AccountSid}/Calls.json", call_answer(17, "+12025550143")),
    ],
)
def test_an_answer_is_what_the_vendor_describes(path: str, answer: bytes) -> None:
    spec = json.loads((SPECS / "twilio_api_v2010.json").read_text())
    schema = spec["paths"][path]["post"]["responses"]["201"]["content"]["application/json"]["schema"]
    kind = OAS30Validator if spec["openapi"].startswith("3.0") else OAS31Validator
    head, _, body = answer.partition(b"\r\n\r\n")
    document = json.loads(body)
    assert [error.message for error in kind({**schema, "components": spec["components"]}).iter_errors(document)] == []
    assert head.startswith(b"HTTP/1.1 201 ")
    assert document["to"] == "+12025550143"
    assert len(document["sid"]) == 34


def test_a_mail_is_answered_with_a_reference() -> None:
    spec = json.loads((SPECS / "sendgrid_mail_v3.json").read_text())
    assert "202" in spec["paths"]["/v3/mail/send"]["post"]["responses"]
    assert mail_answer(17).startswith(b"HTTP/1.1 202 ")
    assert b"X-Message-Id: 0" in mail_answer(17)


def test_it_answers_neither_before_the_latency_nor_out_of_order() -> None:
    async def ask(port: int) -> tuple[float, list[str]]:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        numbers = [f"%2B1202555{n:04d}" for n in range(50)]
        head = "POST /x/Messages.json HTTP/1.1\r\nHost: x\r\ncontent-length: {}\r\n\r\n"
        wire = "".join(head.format(len(one) + 3) + f"To={one}" for one in numbers).encode()
        began = time.monotonic()
        # In pieces that respect nothing: a request begins anywhere.
        for at in range(0, len(wire), 97):
            writer.write(wire[at : at + 97])
            await writer.drain()
        answered = []
        for n in range(50):
            header = await reader.readuntil(b"\r\n\r\n")
            if not n:
                took = time.monotonic() - began
            length = int(header.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
            answered.append(json.loads(await reader.readexactly(length))["to"])
        writer.close()
        return took, answered

    with carrier(latency_ms=40) as ports:
        took, answered = asyncio.run(ask(ports["port"]))
        assert took >= 0.04
        assert answered == [f"+1202555{n:04d}" for n in range(50)]


def test_mail_to_the_banks_own_people_does_not_count() -> None:
    letter = EmailMessage()
    letter["Subject"] = "x"
    letter.set_content(".\n.hidden\n")
    with carrier() as ports:
        with smtplib.SMTP("127.0.0.1", ports["smtp"]) as server:
            server.send_message(letter, "alerts@bank.example", ["officer@staff.example"])
            server.send_message(letter, "alerts@bank.example", ["a@firm.example", "b@firm.example"])
        desk = CarrierDesk(ports["port"])
        assert set(desk.ledger()) == {("email", "a@firm.example"), ("email", "b@firm.example")}
        assert (desk.summary()["letters"], desk.summary()["requests"]) == (1, 4)


def test_what_it_does_not_know_is_not_found() -> None:
    with carrier() as ports, pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{ports['port']}/v3/scopes", timeout=60)
