"""A mail server that takes everything and remembers for whom: the carrier's second door."""

from __future__ import annotations

import asyncio
import time
from typing import cast

from dispatcher.bench.book import Answers, Book

# MAIL, RCPT, DATA and the text each wait for a reply.
ROUND_TRIPS = 4


class MailWire(asyncio.Protocol):
    """One SMTP connection. Commands may come several at once."""

    def __init__(self, book: Book, answers: Answers) -> None:
        self._book, self._answers = book, answers
        self._rest = b""
        self._people: list[str] = []
        self._in_text = False
        self._began = 0.0
        self._transport: asyncio.WriteTransport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.WriteTransport, transport)  # uvloop's own class
        self._transport.write(b"220 sink ESMTP\r\n")

    def data_received(self, data: bytes) -> None:
        self._rest += data
        while True:
            end = b"\r\n.\r\n" if self._in_text else b"\r\n"
            at = self._rest.find(end)
            if at < 0:
                return
            line, self._rest = self._rest[:at], self._rest[at + len(end) :]
            if self._in_text:
                self._taken()
            else:
                self._command(line)

    def _command(self, line: bytes) -> None:
        word = line[:4].upper()
        if word == b"MAIL":
            self._began = time.time()
            self._people = []
            self._reply(b"250 OK\r\n")
        elif word == b"RCPT":
            self._people.append(line[line.find(b"<") + 1 : line.find(b">")].decode())
            self._reply(b"250 OK\r\n")
        elif word == b"DATA":
            self._in_text = True
            self._reply(b"354 go on\r\n")
        elif word == b"EHLO":
            self._reply(b"250-sink\r\n250 8BITMIME\r\n")
        elif word == b"QUIT":
            self._transport.write(b"221 bye\r\n")
            self._transport.close()
        else:  # HELO, RSET, NOOP
            self._reply(b"250 OK\r\n")

    def _taken(self) -> None:
        self._in_text = False
        noted = [self._book.add("email", one) for one in self._people]
        if any(noted):
            self._book.arrived(self._began, ROUND_TRIPS)
        self._reply(b"250 taken\r\n")

    def _reply(self, answer: bytes) -> None:
        self._answers.send(self._transport, answer)
