"""Whole mails for tests: tables of them in text files, and posts of them as SendGrid makes them."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email import message_from_bytes
from pathlib import Path

from dispatcher.model.ports import WebRequest
from tests.webhooks.world import SECRET, World

TABLES = Path(__file__).parent / "tables" / "machines"
TO = "reply+aaaa@in.bank.example"


@dataclass(frozen=True)
class Row:
    """One mail of a table: what wrote it ("person!" for a person without any doubt), and its envelope's sender."""

    name: str
    expected: str
    envelope_from: str
    raw: bytes


def rows() -> Iterator[Row]:
    """The mails of tests/tables/machines. Headers that all of them have are not repeated there."""
    number = 0
    for path in sorted(TABLES.glob("*.txt")):
        for block in re.split(r"(?m)^=== ", path.read_text("utf-8"))[1:]:
            head, _, mail = block.partition("\n")
            name, expected, envelope_from = (part.strip() for part in head.split("|"))
            number += 1
            front = f"To: {TO}\nDate: Sun, 22 Nov 2026 09:05:00 +0000\nMIME-Version: 1.0\n"
            front += f"Message-ID: <{number}@x.example>\n"
            charset = "latin-1" if "iso-8859-1" in mail and "8bit" in mail else "utf-8"
            raw = (front + mail).replace("\n", "\r\n").encode(charset)
            yield Row(f"{path.stem}: {name}", expected, envelope_from, raw)


def phrases() -> Iterator[Row]:
    """The mails of tests/tables/machines/phrases.psv, which have hardly a header."""
    for number, line in enumerate((TABLES / "phrases.psv").read_text("utf-8").splitlines()):
        if line.startswith("#"):
            continue
        expected, subject, text, header, sender = (part.strip() for part in (*line.split(" | "), "", "", "")[:5])
        sender = sender or "ana@simon.example"
        front = f"From: {sender}\r\nTo: {TO}\r\nSubject: {subject}\r\nMessage-ID: <p{number}@x.example>\r\n"
        front += f"{header}\r\n" if header else ""
        raw = f"{front}Content-Type: text/plain; charset=utf-8\r\n\r\n{text}\r\n".encode()
        yield Row(f"{subject}: {text}", expected, "" if header == "Return-Path: <>" else sender, raw)


def form(raw: bytes, envelope_from: str, to: str = TO) -> bytes:
    """The body of a post of a whole mail."""
    fields = {
        "email": raw,
        "envelope": json.dumps({"to": [to], "from": envelope_from}).encode(),
        "charsets": b"{}",
        "SPF": b"pass",
        "dkim": b"none",
    }
    parts = (
        b'--xYzZY\r\nContent-Disposition: form-data; name="' + name.encode() + b'"\r\n\r\n' + value + b"\r\n"
        for name, value in fields.items()
    )
    return b"".join(parts) + b"--xYzZY--\r\n"


def apart(raw: bytes, envelope_from: str, to: str = TO) -> bytes:
    """The body of a post of a mail that SendGrid has taken apart: its headers, its text, its page and its files."""
    message = message_from_bytes(raw)
    block = re.split(rb"\r\n\r\n", raw, maxsplit=1)[0] + b"\r\n"
    fields = {
        "headers": block,
        "from": str(message["From"]).encode(),
        "subject": str(message["Subject"] or "").encode(),
        "envelope": json.dumps({"to": [to], "from": envelope_from}).encode(),
    }
    files = b""
    for part in message.walk() if message.is_multipart() else [message]:
        kind = part.get_content_type()
        content = part.get_payload(decode=True)
        if kind.startswith("message/"):
            content = part.as_bytes().partition(b"\n\n")[2]
        if not isinstance(content, bytes) or part.get_content_maintype() == "multipart":
            continue
        name = {"text/plain": "text", "text/html": "html"}.get(kind, "")
        if name and name not in fields:
            fields[name] = content.decode(part.get_content_charset("utf-8"), "replace").encode()
        elif not name:
            front = f'Content-Disposition: form-data; name="attachment1"; filename="a.bin"\r\nContent-Type: {kind}'
            files += b"--xYzZY\r\n" + front.encode() + b"\r\n\r\n" + content + b"\r\n"
    parts = (
        b'--xYzZY\r\nContent-Disposition: form-data; name="' + name.encode() + b'"\r\n\r\n' + value + b"\r\n"
        for name, value in fields.items()
    )
    return b"".join(parts) + files + b"--xYzZY--\r\n"


def request(body: bytes) -> WebRequest:
    """A post for an adapter."""
    headers = {"content-type": "multipart/form-data; boundary=xYzZY"}
    return WebRequest("POST", "/webhooks/sendgrid/inbound", headers, body)


def bring(world: World, raw: bytes, to: str = TO, envelope_from: str = "") -> None:
    """Let a whole mail come in by the door, and do what it rings for."""
    password = base64.b64encode(f"inbound:{SECRET}".encode()).decode()
    answer = world.client.post(
        "/webhooks/sendgrid/inbound",
        data=form(raw, envelope_from, to),
        content_type="multipart/form-data; boundary=xYzZY",
        headers={"Authorization": f"Basic {password}"},
    )
    assert answer.status_code < 300, answer.status_code
    world.work()
