"""Mail by any SMTP server, over kept connections."""

from __future__ import annotations

import asyncio
import re
import ssl
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial
from ipaddress import ip_address
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from aiosmtplib import SMTP
from aiosmtplib.errors import (
    SMTPAuthenticationError,
    SMTPConnectError,
    SMTPException,
    SMTPResponseException,
)

from channels.http import InDoubt, NeverSent
from channels.mail_headers import is_plain_address, unsafe
from channels.mime import Letter
from channels.sending import Unit, each, never_sent
from dispatcher.model.errors import NotConfigured
from dispatcher.model.gate import Limits
from dispatcher.model.ports import Content, Found, Outbound, Outcome, Probe
from dispatcher.settings import Settings

# Servers close idle connections after some minutes; an old one is not worth the doubt.
KEEP_SECONDS = 60.0
CONNECT_SECONDS, COMMAND_SECONDS = 5.0, 20.0
SAME_DATE_SECONDS = 10.0
_NO_SUCH_ADDRESS = re.compile(r"\b5\.1\.(1|2|3|10)\b")


class Smtp:
    """One mail at a time on each connection.

    `SMTP_URL` is `smtps://user:password@host` (TLS from the start, port 465) or `smtp://user:password@host:587`
    (STARTTLS is required, unless the host is this machine or the URL ends in `?starttls=no`). Certificates are
    checked. There is nothing to ask an SMTP server afterwards: what is in doubt stays with a person.
    """

    name = "smtp"
    channel = "email"

    def __init__(self, settings: Settings, connect: float = CONNECT_SECONDS, command: float = COMMAND_SECONDS) -> None:
        """Raises NotConfigured naming the setting that is missing or wrong."""
        url = settings.smtp_url.get_secret_value()
        if not url:
            raise NotConfigured("SMTP_URL is missing")
        if not settings.email_from:
            raise NotConfigured("EMAIL_FROM is missing: name the address that mail comes from")
        try:
            self._url = urlsplit(url)
            self._port = self._url.port
        except ValueError:
            raise NotConfigured("SMTP_URL is wrong: write smtps://user:password@host:465") from None
        if self._url.scheme not in ("smtp", "smtps") or not self._url.hostname:
            raise NotConfigured("SMTP_URL is wrong: write smtps://user:password@host:465")
        self._from = settings.email_from
        self._connect_seconds, self._command_seconds = connect, command
        self.limits = Limits(self.name, settings.smtp_connections)
        self._idle: list[tuple[float, SMTP]] = []
        self._last: tuple[Content, float, Letter] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tls = ssl.create_default_context()

    def send(self, content: Content, batch: Sequence[Outbound]) -> AsyncIterator[Outcome]:
        if wrong := unsafe(content):
            told = [Outcome(o.attempt, "rejected", "person", "", "content", wrong) for o in batch]
            return each((), self._nothing, self.limits.requests, content.gate, told)
        good: list[Outbound] = []
        bad: list[Outcome] = []
        for o in batch:
            if o.address.isascii() and is_plain_address(o.address):
                good.append(o)
            else:
                bad.append(
                    Outcome(o.attempt, "rejected", "fall-back", "", "address", "not an address that SMTP carries")
                )
        carry = partial(self._carry, self._letter_of(content))
        return each([(o,) for o in good], carry, self.limits.requests, content.gate, bad)

    def _letter_of(self, content: Content) -> Letter:
        """The mail of this content, composed anew when the last one was another or its Date is getting old."""
        if self._last is None or self._last[0] != content or time.monotonic() - self._last[1] > SAME_DATE_SECONDS:
            self._last = (content, time.monotonic(), Letter(content, self._from))
        return self._last[2]

    async def _nothing(self, unit: Unit) -> list[Outcome]:
        return []

    async def _carry(self, letter: Letter, unit: Unit) -> list[Outcome]:
        return [await self._deliver(letter, outbound) for outbound in unit]

    async def _deliver(self, letter: Letter, outbound: Outbound) -> Outcome:
        """One mail. Until its text leaves, nothing has been sent, so a kept connection that has died is replaced."""
        while True:
            try:
                client, kept = await self._connection()
            except SMTPResponseException as error:
                return _refused(outbound, error, "login")
            except (SMTPException, OSError) as error:
                return never_sent(outbound, NeverSent(f"no connection to the mail server ({type(error).__name__})"))
            step = "sender"
            try:
                await client.mail(self._from)
                step = "recipient"
                await client.rcpt(outbound.address)
                step = "text"
                response = await client.data(letter.bytes_for(outbound))
            except SMTPResponseException as error:
                if error.code == 421:
                    client.close()
                    if kept and step != "text":
                        continue
                else:
                    await self._clear(client)
                return _refused(outbound, error, step)
            except (SMTPException, OSError) as error:
                client.close()
                if step == "text":
                    raise InDoubt(f"the mail server did not confirm ({type(error).__name__})") from error
                if kept:
                    continue
                return never_sent(outbound, NeverSent(f"the mail server went away ({type(error).__name__})"))
            except BaseException:
                client.close()
                raise
            self._idle.append((time.monotonic(), client))
            return Outcome(
                outbound.attempt, "accepted", provider_ref=letter.message_id(outbound)[:100], code=str(response.code)
            )

    async def _connection(self) -> tuple[SMTP, bool]:
        """A connection ready for a mail, and whether it has been used before."""
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._idle, self._loop = [], loop
        while self._idle:
            since, client = self._idle.pop()
            if client.is_connected and time.monotonic() - since < KEEP_SECONDS:
                return client, True
            client.close()
        client = SMTP(
            hostname=self._url.hostname,
            port=self._port or (465 if self._url.scheme == "smtps" else 587),
            username=unquote(self._url.username) if self._url.username else None,
            password=unquote(self._url.password) if self._url.password else None,
            local_hostname=self._from.rpartition("@")[2],
            timeout=self._command_seconds,
            use_tls=self._url.scheme == "smtps",
            start_tls=self._url.scheme == "smtp" and _wants_tls(self._url),
            tls_context=self._tls if self._url.scheme == "smtps" or _wants_tls(self._url) else None,
        )
        try:
            await client.connect(timeout=self._connect_seconds)
        except BaseException:
            client.close()
            raise
        return client, False

    async def _clear(self, client: SMTP) -> None:
        """Make a connection ready again after a refusal."""
        try:
            await client.rset()
        except (SMTPException, OSError):
            client.close()
        else:
            self._idle.append((time.monotonic(), client))

    async def find(self, probe: Probe) -> Found:
        """SMTP has no way to ask."""
        return Found("cannot say")

    async def check(self) -> str:
        try:
            client, _ = await self._connection()
            await client.noop()
        except SMTPAuthenticationError:
            return "the mail server refuses the credentials: look at SMTP_URL"
        except (SMTPException, OSError) as error:
            return f"the mail server of SMTP_URL does not answer as it should ({type(error).__name__})"
        self._idle.append((time.monotonic(), client))
        return ""

    def open(self) -> None:
        """Nothing: a connection belongs to the loop that makes it."""

    async def aclose(self) -> None:
        idle, self._idle = self._idle, []
        for _, client in idle:
            try:
                await client.quit()
            except (SMTPException, OSError):
                client.close()


def _wants_tls(url: SplitResult) -> bool:
    """Opportunistic TLS would let an attacker take it away, so it is required wherever mail leaves this machine."""
    if parse_qs(url.query).get("starttls", [""])[-1].lower() in ("no", "0", "false"):
        return False
    try:
        return not ip_address(url.hostname or "").is_loopback
    except ValueError:
        return url.hostname != "localhost"


def _refused(outbound: Outbound, error: SMTPResponseException, step: str) -> Outcome:
    """What a reply other than yes means. A server that replies has not taken the mail."""
    code, text = str(error.code), " ".join(str(error.message).split())[:300]
    if step == "login" or isinstance(error, SMTPConnectError):
        if 400 <= error.code < 500:
            return Outcome(outbound.attempt, "deferred", "retry", code=code, error=text, retry_after=30.0)
        return Outcome(outbound.attempt, "failed", "stop-channel", code=code, error=text)
    if 400 <= error.code < 500:
        return Outcome(outbound.attempt, "deferred", "retry", code=code, error=text)
    if step == "sender" or error.code in (530, 535):
        return Outcome(outbound.attempt, "failed", "stop-channel", code=code, error=text)
    if error.code < 400:
        raise InDoubt(f"the mail server answered {code}, which means nothing here")
    gone = step == "recipient" and _NO_SUCH_ADDRESS.search(text)
    return Outcome(outbound.attempt, "rejected", "fall-back", code=code, error=text, mark="invalid" if gone else "")
