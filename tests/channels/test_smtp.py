"""Mail by SMTP, against a real server: connections are kept, mails are whole, and replies mean what they say."""

from __future__ import annotations

import asyncio
import quopri
import ssl
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP as ServerSide  # noqa: N811 - two libraries call theirs SMTP
from aiosmtpd.smtp import AuthResult
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.mime import Letter, quoted
from channels.smtp import Smtp
from dispatcher.model.errors import NotConfigured
from dispatcher.model.ports import PREFS_TAG, REPLY_TAG, Content, File, Outbound, Outcome, Rendition
from tests.certificates import certified
from tests.channels.vendors import SmtpDay, SmtpVendor, collect, content, outbounds, settings, smtp_running


@pytest.fixture
def server() -> Iterator[SmtpVendor]:
    with smtp_running() as found:
        yield found


def run(provider: Any, batch: list[Outbound], **more: Any) -> list[Outcome]:
    async def send() -> list[Outcome]:
        try:
            found = {outcome.attempt: outcome for outcome in await collect(provider, content(**more), batch)}
            return [found[outbound.attempt] for outbound in batch]
        finally:
            await provider.aclose()

    return asyncio.run(send())


def parsed(raw: bytes) -> EmailMessage:
    message = message_from_bytes(raw, policy=default)
    assert isinstance(message, EmailMessage)
    return message


SHEET = File("Plan; März.pdf", "application/pdf", b"%PDF\x00\r\n.\r\n" + b"x" * 100)


def test_a_mail_arrives_as_it_was_written(server: SmtpVendor) -> None:
    text = "Grüße – “now”\n.\n..two dots\n" + "long " * 60 + f"\nFrom here: /r/{REPLY_TAG}, /p/{PREFS_TAG} \n\ttab = é"
    html = f'<p>Grüße</p><a href="https://a.example/r/{REPLY_TAG}?a=1&amp;b=2">Answer</a>'
    letter = Rendition(subject="Überschwemmung: pump house 3, " + "very " * 20, text=text, html=html)
    outbound = Outbound("ab" * 16, "ana@firm.example", "tok2en", "pref3s")
    (outcome,) = run(server.provider(), [outbound], rendition=letter, attachments=(SHEET,), sender_name="Bänk, The")
    assert (outcome.state, outcome.provider_ref) == ("accepted", f"<{'ab' * 16}@bank.example>")
    (envelope,) = server.hooks.mails
    assert (envelope.mail_from, envelope.rcpt_tos) == ("alerts@bank.example", ["ana@firm.example"])
    mail = parsed(envelope.content)

    def filled(tagged: str) -> str:
        return tagged.replace(REPLY_TAG, "tok2en").replace(PREFS_TAG, "pref3s")

    assert mail["Subject"] == letter.subject
    assert mail["From"] == '"Bänk, The" <alerts@bank.example>'
    assert mail["To"] == "ana@firm.example"
    assert mail["Reply-To"] == "reply+tok2en@in.bank.example"
    assert mail["Message-ID"] == f"<{'ab' * 16}@bank.example>"
    assert mail["List-Unsubscribe"] == "<https://alerts.bank.example/p/pref3s/one-click>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["MIME-Version"] == "1.0"
    assert mail["Date"]
    assert not mail.defects
    plain, page = mail.get_body(("plain",)), mail.get_body(("html",))
    assert plain is not None
    assert plain.get_content().replace("\r\n", "\n").rstrip("\n") == filled(text)
    assert page is not None
    assert page.get_content().replace("\r\n", "\n").rstrip("\n") == filled(html)
    (attached,) = mail.iter_attachments()
    assert (attached.get_filename(), attached.get_content_type()) == (SHEET.name, SHEET.media_type)
    assert attached.get_content() == SHEET.content
    assert all(len(line) <= 998 for line in envelope.content.splitlines())


@given(st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc"]), max_size=200), st.integers(0, 200))
def test_quoting_keeps_the_text_and_leaves_the_tag_whole(text: str, at: int) -> None:
    tagged = text[:at] + REPLY_TAG + text[at:]
    encoded = quoted(tagged)
    assert REPLY_TAG in encoded
    assert all(len(line) <= 76 for line in encoded.split("\n"))
    assert quopri.decodestring(encoded.encode()).decode() == tagged


def test_a_tag_in_the_subject_is_replaced() -> None:
    letter = Letter(Content(Rendition(subject=f"Grüße [{REPLY_TAG}]", text="t")), "alerts@bank.example")
    mail = parsed(letter.bytes_for(Outbound("ab" * 16, "ana@firm.example", "tok2en")))
    assert mail["Subject"] == "Grüße [tok2en]"
    assert mail.get_content() == "t"
    assert "Reply-To" not in mail
    assert "List-Unsubscribe" not in mail


@pytest.mark.parametrize(
    "more",
    [
        {"rendition": Rendition(subject="Hi\r\nBcc: x@evil.example", text="t")},
        {"sender_name": "Bank\nX: y"},
        {"reply_to": "a@b.example\r\nX: y"},
        {"attachments": (File("a\nb", "text/plain", b""),)},
    ],
)
def test_a_line_smuggled_into_the_headers_is_refused(server: SmtpVendor, more: dict[str, Any]) -> None:
    outcomes = run(server.provider(), outbounds(["a@firm.example", "b@firm.example"]), **more)
    assert {(o.state, o.decision) for o in outcomes} == {("rejected", "person")}
    assert server.requests() == 0


@pytest.mark.parametrize("address", ["a@b.example>\r\nRCPT TO:<x@evil.example", "a b@c.example", "ü@firm.example", ""])
def test_what_smtp_cannot_carry_is_refused_alone(server: SmtpVendor, address: str) -> None:
    outcomes = run(server.provider(), outbounds([address, "ana@firm.example"]))
    assert [o.state for o in outcomes] == ["rejected", "accepted"]
    assert set(server.arrived()) == {"ana@firm.example"}


def test_connections_are_few_and_kept(server: SmtpVendor) -> None:
    provider = server.provider(limit=3)
    loop = asyncio.new_event_loop()
    for _ in range(2):
        batch = outbounds([server.address() for _ in range(30)])
        outcomes = loop.run_until_complete(collect(provider, content(), batch))
        assert {o.state for o in outcomes} == {"accepted"}
    loop.run_until_complete(provider.aclose())
    loop.close()
    assert server.requests() <= 3


def test_a_refused_recipient_costs_no_connection(server: SmtpVendor) -> None:
    batch = outbounds([server.address() for _ in range(10)])
    server.day("good", [outbound.address for outbound in batch[::2]])
    outcomes = run(server.provider(limit=1), batch)
    assert [o.state for o in outcomes] == ["rejected", "accepted"] * 5
    assert server.requests() == 1


REPLIES = [
    # where, the reply → state, decision, mark
    ("RCPT", "550 5.1.1 no such user", "rejected", "fall-back", "invalid"),
    ("RCPT", "550 5.1.10 no such user", "rejected", "fall-back", "invalid"),
    ("RCPT", "550 no reason given", "rejected", "fall-back", ""),
    ("RCPT", "552 5.2.2 mailbox full", "rejected", "fall-back", ""),
    ("RCPT", "450 4.2.0 greylisted", "deferred", "retry", ""),
    ("MAIL", "550 5.7.1 sender not allowed", "failed", "stop-channel", ""),
    ("MAIL", "451 4.3.0 later", "deferred", "retry", ""),
    ("MAIL", "421 4.3.2 closing", "deferred", "retry", ""),
    ("DATA", "554 5.7.1 looks like spam", "rejected", "fall-back", ""),
    ("DATA", "554 5.1.1 said too late", "rejected", "fall-back", ""),
    ("DATA", "451 4.3.0 later", "deferred", "retry", ""),
    ("DATA", "421 4.3.2 closing", "deferred", "retry", ""),
    ("DATA", "250 2.0.0 fine", "accepted", "", ""),
]


@pytest.mark.parametrize(("where", "reply", "state", "decision", "mark"), REPLIES)
def test_what_a_reply_means(
    server: SmtpVendor, monkeypatch: pytest.MonkeyPatch, where: str, reply: str, state: str, decision: str, mark: str
) -> None:
    async def said(*_: Any) -> str:
        return reply

    monkeypatch.setattr(server.hooks, f"handle_{where}", said)
    (outcome,) = run(server.provider(), outbounds(["ana@firm.example"]))
    assert (outcome.state, outcome.decision, outcome.mark, outcome.code) == (state, decision, mark, reply[:3])


def test_a_kept_connection_that_the_server_closes_is_replaced(
    server: SmtpVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Some servers take only so many mails on one connection and then say 421: nothing was sent, so it goes again."""
    counts: dict[int, int] = {}
    good = server.hooks.handle_MAIL

    async def limited(side: Any, session: Any, *rest: Any) -> str:
        counts[id(session)] = counts.get(id(session), 0) + 1
        return "421 4.7.0 too many" if counts[id(session)] > 2 else await good(side, session, *rest)

    monkeypatch.setattr(server.hooks, "handle_MAIL", limited)
    outcomes = run(server.provider(limit=1), outbounds([server.address() for _ in range(7)]))
    assert {o.state for o in outcomes} == {"accepted"}
    assert set(server.arrived().values()) == {1}


@asynccontextmanager
async def guarded(hooks: Any, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    """A server that wants a password, in this loop, by TLS when `tls` is set; its port."""

    def known(_: Any, __: Any, ___: Any, ____: Any, login: Any) -> AuthResult:
        return AuthResult(success=(login.login, login.password) == (b"user", b"p@ss/w"), handled=False)

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(
        lambda: ServerSide(
            hooks, hostname="mx.example", authenticator=known, auth_required=True, auth_require_tls=False, loop=loop
        ),
        "127.0.0.1",
        0,
        ssl=tls,
    )
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize(
    ("password", "state", "decision", "says"),
    [
        ("p%40ss%2Fw", "accepted", "", ""),
        ("wrong", "failed", "stop-channel", "the mail server refuses the credentials: look at SMTP_URL"),
    ],
)
def test_the_password(password: str, state: str, decision: str, says: str) -> None:
    async def tried() -> None:
        async with guarded(SmtpDay()) as port:
            provider = Smtp(settings(smtp_url=f"smtp://user:{password}@127.0.0.1:{port}"), 5, 5)
            outcomes = await collect(provider, content(), outbounds(["a@firm.example", "b@firm.example"]))
            assert {(o.state, o.decision) for o in outcomes} == {(state, decision)}
            assert await provider.check() == says
            await provider.aclose()

    asyncio.run(tried())


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")
@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_is_checked(tmp_path: Path, trusted: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    files = certified(tmp_path)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(files.server)
    hooks = SmtpDay()

    async def tried() -> None:
        async with guarded(hooks, context) as port:
            provider = Smtp(settings(smtp_url=f"smtps://user:p%40ss%2Fw@127.0.0.1:{port}"), 5, 5)
            (outcome,) = await collect(provider, content(), outbounds(["a@firm.example"]))
            assert outcome.state == ("accepted" if trusted else "deferred")
            await provider.aclose()

    asyncio.run(tried())
    assert bool(hooks.mails) == trusted


URLS = [
    ("smtp://mail.example:587", True), ("smtp://mail.example:25?starttls=no", False), ("smtp://localhost:25", False),
    ("smtp://127.0.0.1:25", False), ("smtp://[::1]:25", False), ("smtp://10.0.0.1:25", True),
]  # fmt: skip


@pytest.mark.parametrize(("url", "required"), URLS)
def test_mail_that_leaves_this_machine_is_encrypted(url: str, required: bool) -> None:
    from urllib.parse import urlsplit

    from channels.smtp import _wants_tls

    assert _wants_tls(urlsplit(url)) == required


@pytest.mark.parametrize("url", ["", "mail.example", "http://mail.example", "smtp://", "smtp://mail.example:port"])
def test_a_wrong_address_of_the_server_stops_the_start(url: str) -> None:
    with pytest.raises((NotConfigured, ValidationError), match=r"(?i)SMTP_URL"):
        Smtp(settings(smtp_url=url))
