"""Mail from people: nothing is lost by its charset, its shape or its making, and a machine's mail is known as one."""

from __future__ import annotations

import json
from email.message import EmailMessage
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.sendgrid_webhooks import SendGridWebhooks
from dispatcher.model.ports import InboundReply, WebRequest
from tests.channels.vendors import settings
from tests.quick import quickly

TO = "reply+deliv2e7k7q2m9@in.bank.example"
HEADERS = f"""Received: by mx0001p1mdw1.sendgrid.net with SMTP id x Fri, 20 Nov 2026 10:00:00 +0000 (UTC)
Message-ID: <abc@mail.example.net>
From: Ana Ruiz <Ana.Ruiz@example.net>
To: Example Bank <{TO}>
Subject: Re: Flooding at pump house 3
Date: Fri, 20 Nov 2026 10:00:00 +0000
""".replace("\n", "\r\n")
Fields = dict[str, Any]


def fields(**more: Any) -> Fields:
    base: Fields = {
        "headers": HEADERS,
        "dkim": "{@example.net : pass}",
        "to": f"Example Bank <{TO}>",
        "from": "Ana Ruiz <Ana.Ruiz@example.net>",
        "sender_ip": "198.51.100.4",
        "envelope": json.dumps({"to": [TO], "from": "ana.ruiz@example.net"}),
        "subject": "Re: Flooding at pump house 3",
        "SPF": "pass",
        "text": "I am on my way.\r\n\r\n> Flooding\r\n",
        "html": "<p>I am on my way.</p>",
        "charsets": json.dumps(dict.fromkeys(("to", "html", "subject", "from", "text"), "UTF-8")),
        "attachments": "0",
    }
    return {name: value for name, value in {**base, **more}.items() if value is not None}


def multipart(parts: Fields, boundary: str = "xYzZY", end: str = "--\r\n") -> bytes:
    """A form as SendGrid posts it. A tuple is a file: name, type, bytes."""
    body = b""
    for name, value in parts.items():
        body += f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"'.encode()
        if isinstance(value, tuple):
            file_name, kind, content = value
            file_name = file_name if isinstance(file_name, bytes) else file_name.encode()
            body += b'; filename="' + file_name + b'"\r\nContent-Type: ' + kind.encode()
        else:
            content = value if isinstance(value, bytes) else value.encode()
        body += b"\r\n\r\n" + content + b"\r\n"
    return body + f"--{boundary}{end}".encode()


def post(body: bytes, boundary: str = "xYzZY") -> WebRequest:
    kind = f"multipart/form-data; boundary={boundary}"
    return WebRequest("POST", "/webhooks/sendgrid/inbound", {"content-type": kind}, body)


def source() -> SendGridWebhooks:
    return SendGridWebhooks(settings(sendgrid_inbound_secret="secret"))


def read(body: bytes, boundary: str = "xYzZY") -> InboundReply:
    parsed = source().parse("inbound", post(body, boundary))
    assert not parsed.events
    (reply,) = parsed.replies
    assert len(reply.dedupe) <= 190
    assert "\0" not in reply.text + reply.html + reply.subject
    return reply


def test_a_reply_as_people_write_it() -> None:
    reply = read(multipart(fields()))
    assert (reply.channel, reply.sender, reply.recipients) == ("email", "ana.ruiz@example.net", (TO,))
    assert reply.text == "I am on my way.\n\n> Flooding"
    assert reply.subject == "Re: Flooding at pump house 3"
    assert reply.html == "<p>I am on my way.</p>"
    assert (reply.automatic, reply.verified, reply.message_ref) == ("", "", "<abc@mail.example.net>")
    assert reply.attachments == ()


CHARSETS = [
    ("windows-1252", "“Grüße” – 10 €".encode("cp1252"), "“Grüße” – 10 €"),
    ("iso-8859-1", "Grüße".encode("latin-1"), "Grüße"),
    ("cp850", "Grüße".encode("cp850"), "Grüße"),
    ("shift_jis", "こんにちは".encode("shift_jis"), "こんにちは"),
    ("gb2312", "你好".encode("gb2312"), "你好"),
    ("UTF-8", "👀 ünï".encode(), "👀 ünï"),
    ('"utf-8"', "ü".encode(), "ü"),
    ("UTF-8", b"caf\xe9", "café"),
    ("x-unknown-9", b"caf\xe9", "café"),
    ("unicode_escape", b"\\x41", "\\x41"),
    ("idna", b"abc", "abc"),
    ("base64", b"abc", "abc"),
    ("", "ü".encode(), "ü"),
    ("utf-8", b"a\x00b\x07c", "abc"),
]


@pytest.mark.parametrize(("charset", "raw", "text"), CHARSETS)
def test_each_field_is_read_in_its_own_charset(charset: str, raw: bytes, text: str) -> None:
    charsets = json.dumps({"text": charset, "to": "UTF-8"})
    assert read(multipart(fields(text=raw, charsets=charsets))).text == text


@pytest.mark.parametrize("charsets", [None, "", "{", "[]", "7"])
def test_without_charsets_it_is_utf8(charsets: str | None) -> None:
    assert read(multipart(fields(charsets=charsets, text="ü".encode()))).text == "ü"


ENVELOPES = [
    (json.dumps({"to": [TO, "other@in.bank.example"], "from": "a@b.example"}), (TO, "other@in.bank.example")),
    (json.dumps({"to": ["Hidden+BCC@in.bank.example"], "from": "a@b.example"}), ("hidden+bcc@in.bank.example",)),
    (json.dumps({"to": TO, "from": "a@b.example"}), (TO,)),
    (json.dumps({"to": [f"<{TO}>"]}), (TO,)),
    (json.dumps({"to": []}), (TO,)),
    (json.dumps({"to": None}), (TO,)),
    ("{", (TO,)),
    ("", (TO,)),
]


@pytest.mark.parametrize(("envelope", "recipients"), ENVELOPES)
def test_the_envelope_says_whom_it_is_for(envelope: str, recipients: tuple[str, ...]) -> None:
    assert read(multipart(fields(envelope=envelope))).recipients == recipients


def test_html_alone_is_read_as_text() -> None:
    html = "<html><body><p>I am <b>on</b> my way.</p><ul><li>one<li>two</ul><script>x()</script></body></html>"
    reply = read(multipart(fields(text=None, html=html)))
    assert "I am on my way." in reply.text
    assert "* one" in reply.text
    assert "x()" not in reply.text
    assert reply.html == html


@pytest.mark.parametrize("html", ["<", "<p>" * 5000 + "deep", "<!--", "&#xD800;&#0;", "<table>" * 500, "\x00"])
def test_odd_html_is_no_trouble(html: str) -> None:
    quickly(lambda: read(multipart(fields(text=None, html=html))), 2)


def test_a_mail_without_words_is_still_a_mail() -> None:
    reply = read(multipart(fields(text=None, html=None)))
    assert (reply.text, reply.html) == ("", "")


def test_attachments_keep_their_bytes_and_lose_their_paths() -> None:
    sheet = bytes(range(256)) + b"\r\n--xYz\r\n--\r\n"
    reply = read(
        multipart(
            fields(
                attachment1=("plan.pdf", "application/pdf; name=plan.pdf", sheet),
                attachment2=("../../etc/pass\\wd", "text/html", b""),
                attachment3=('a\\"b;c.txt', "nonsense", b"x"),
                attachment4=("Gr\xfc\xdfe.txt".encode("latin-1"), "text/plain", b"\xfc"),
                attachment5=("", "image/png", b"y"),
            )
        )
    )
    assert [(f.name, f.media_type) for f in reply.attachments] == [
        ("plan.pdf", "application/pdf"),
        ("passwd", "text/html"),
        ('a"b;c.txt', "application/octet-stream"),
        ("Grüße.txt", "text/plain"),
        ("attachment", "image/png"),
    ]
    assert reply.attachments[0].content == sheet
    assert reply.text.startswith("I am on my way.")


SENDERS = [
    # dkim, SPF, envelope's sender → proven?
    ("{@example.net : pass}", "fail", "x@evil.example", True),
    ("{@mail.example.net : pass}", "none", "", True),
    ("{@evil.example : pass}", "none", "x@evil.example", False),
    ("{@example.net : fail}", "pass", "ana.ruiz@example.net", True),
    ("none", "pass", "bounce@mail.example.net", True),
    ("none", "pass", "x@evil.example", False),
    ("none", "softfail", "ana.ruiz@example.net", False),
    ("{@net : pass}", "none", "", False),
    ("{@notexample.net : pass}", "none", "", False),
    ("{@evil.example : pass, @example.net : fail}", "none", "", False),
    (None, None, "ana.ruiz@example.net", False),
]


@pytest.mark.parametrize(("dkim", "spf", "envelope_from", "proven"), SENDERS)
def test_who_wrote_it_is_proven_or_said_not_to_be(
    dkim: str | None, spf: str | None, envelope_from: str, proven: bool
) -> None:
    envelope = json.dumps({"to": [TO], "from": envelope_from or "x@y.example"})
    reply = read(multipart(fields(dkim=dkim, SPF=spf, envelope=envelope)))
    assert (reply.verified == "") == proven
    assert proven or reply.verified.startswith("SPF ")


def whole(**more: Any) -> bytes:
    mail = EmailMessage()
    mail["From"], mail["To"] = "Ana Ruíz <Ana.Ruiz@example.net>", TO
    mail["Subject"], mail["Message-ID"] = "Re: Überschwemmung", "<abc@mail.example.net>"
    mail.set_content("Ich komme für 10 €.\n", charset="iso-8859-15", cte="8bit")
    mail.add_alternative("<p>Ich komme</p>", subtype="html")
    mail.add_attachment(b"%PDF\x00", maintype="application", subtype="pdf", filename="Plan März.pdf")
    return bytes(mail)


def raw(mail: bytes, **more: Any) -> bytes:
    return multipart(fields(headers=None, text=None, html=None, email=mail, **more))


def test_a_whole_mail() -> None:
    reply = read(raw(whole()))
    assert reply.text == "Ich komme für 10 €."
    assert reply.html.strip() == "<p>Ich komme</p>"
    assert (reply.sender, reply.subject) == ("ana.ruiz@example.net", "Re: Überschwemmung")
    assert [(f.name, f.media_type, f.content) for f in reply.attachments] == [
        ("Plan März.pdf", "application/pdf", b"%PDF\x00")
    ]
    assert (reply.verified, reply.automatic) == ("", "")


def nested(depth: int) -> bytes:
    front = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth))
    return b"Message-ID: <n@x>\r\nFrom: a@b.example\r\n" + front + b"Content-Type: text/plain\r\n\r\ndeep down\r\n"


WHOLE = [
    (b"From: a@b.example\r\n\r\nplain words", "plain words"),
    (b"From: a@b.example\nSubject: x\n\nLF only\n", "LF only"),
    (b"From: a@b.example\r\nContent-Type: text/plain; charset=x-none\r\n\r\ncaf\xe9", "café"),
    (b"From: a@b.example\r\nContent-Type: nonsense\r\n\r\nwords", "words"),
    (b"From: a@b.example\r\nContent-Transfer-Encoding: base64\r\n\r\n!!!", None),
    (b"From: a@b.example\r\nContent-Type: text/html\r\n\r\n<p>page</p>", "page"),
    (b"From: a@b.example\r\nSubject: =?utf-8?b?!!!?=\r\n\r\nwords", "words"),
    (b"From: \xff\xfe <a@b.example>\r\nSubject: caf\xe9\r\n\r\nwords", "words"),
    (b"no headers at all", None),
    (b"From: a@b.example\r\nContent-Type: multipart/mixed\r\n\r\nno boundary", None),
    (nested(10), "deep down"),
    (nested(60), None),
    (nested(2000), None),
    (b"From: a@b.example\r\n\r\n" + b"x" * 1_000_000, "x" * 1_000_000),
    (b"From: a@b.example\r\nSubject: " + b"=?utf-8?q?a?= " * 20_000 + b"\r\n\r\nwords", "words"),
]


@pytest.mark.parametrize(("mail", "text"), WHOLE, ids=[mail[:40] for mail, _ in WHOLE])
def test_a_whole_mail_in_whatever_state(mail: bytes, text: str | None) -> None:
    reply = quickly(lambda: read(raw(mail)), 2)
    if text is not None:
        assert reply.text == text
        assert reply.sender == "a@b.example"


def test_a_mail_inside_a_mail_is_an_attachment() -> None:
    outer = EmailMessage()
    outer["From"], outer["Message-ID"] = "a@b.example", "<o@x>"
    outer.set_content("see below")
    inner = EmailMessage()
    inner["Subject"] = "inner"
    inner.set_content("STOP")
    outer.add_attachment(inner)
    reply = read(raw(bytes(outer)))
    assert reply.text == "see below"
    (attached,) = reply.attachments
    assert attached.media_type == "message/rfc822"
    assert b"Subject: inner" in attached.content


CUT = [
    # what came → its text, its sender
    (multipart(fields())[:-10], "I am on my way.\n\n> Flooding\n\n[it arrived cut off]", "ana.ruiz@example.net"),
    (multipart(fields(), end=""), "I am on my way.\n\n> Flooding\n\n[it arrived cut off]", "ana.ruiz@example.net"),
    (
        multipart(fields())[: multipart(fields()).index(b"my way")],
        "I am on\n\n[it arrived cut off]",
        "ana.ruiz@example.net",
    ),
    (multipart(fields())[:200], "[it arrived cut off]", ""),
]


@pytest.mark.parametrize(("body", "text", "sender"), CUT)
def test_a_mail_that_was_cut_off_says_so_and_is_not_believed(body: bytes, text: str, sender: str) -> None:
    reply = read(body)
    assert (reply.text, reply.sender, reply.distrust) == (text, sender, "it arrived cut off")
    assert reply.verified
    whole = source().dedupe("inbound", post(multipart(fields())))
    assert source().dedupe("inbound", post(body)) != whole, "a copy that comes whole must not be taken for known"


@pytest.mark.parametrize(
    "missing", [("headers",), ("headers", "text"), ("envelope", "charsets"), ("text", "html", "to")]
)
def test_what_is_there_is_read_whatever_is_missing(missing: tuple[str, ...]) -> None:
    reply = read(multipart(fields(**dict.fromkeys(missing))))
    assert (reply.sender, reply.distrust) == ("ana.ruiz@example.net", "")
    assert reply.text.startswith("I am on my way.") or "text" in missing
    assert reply.recipients == (TO,)


UNREADABLE = [
    # content type, body, what is shown of it
    ("multipart/form-data; boundary=xYzZY", b"", "(empty)"),
    ("multipart/form-data; boundary=xYzZY", b"Sell all of it", "Sell all of it"),
    ("multipart/form-data; boundary=xYzZY", b"\xff\x00\x01", "ÿ"),
    ("multipart/form-data; boundary=xYzZY", multipart({}), "--xYzZY--"),
    ("application/json", b'{"text": "Sell"}', '{"text": "Sell"}'),
    ("", b"Verkaufen, bitte: Gr\xfc\xdfe", "Verkaufen, bitte: Grüße"),
    ("application/x-www-form-urlencoded", b"text=Sell+all", "text=Sell+all"),
]


@pytest.mark.parametrize(("kind", "body", "shown"), UNREADABLE)
def test_what_is_no_mail_is_shown_to_a_person_and_kept_whole(kind: str, body: bytes, shown: str) -> None:
    request = WebRequest("POST", "/webhooks/sendgrid/inbound/secret", {"content-type": kind}, body)
    (reply,) = source().parse("inbound", request).replies
    assert (reply.text, reply.sender, reply.recipients) == (shown, "", ())
    assert reply.distrust == "it could not be read as a mail"
    assert [one.content for one in reply.attachments] == [body]
    assert source().dedupe("inbound", request)


@pytest.mark.parametrize(
    "kind",
    ["", "application/json", "multipart/form-data", "multipart/mixed; boundary=xYzZY", "text/plain; boundary=no"],
)
def test_a_form_is_read_whatever_it_is_called(kind: str) -> None:
    request = WebRequest("POST", "/", {"content-type": kind}, multipart(fields()))
    (reply,) = source().parse("inbound", request).replies
    assert (reply.sender, reply.distrust) == ("ana.ruiz@example.net", "")


@pytest.mark.parametrize("boundary", ["xYzZY", "a b", "===============123==", "'()+_,-./:=?"])
def test_a_boundary_in_any_writing(boundary: str) -> None:
    body = multipart(fields(), boundary=boundary)
    for kind in (
        f'multipart/form-data; boundary="{boundary}"',
        f'Multipart/Form-Data; charset=x; Boundary="{boundary}"',
    ):
        request = WebRequest("POST", "/", {"content-type": kind}, body)
        assert source().parse("inbound", request).replies[0].sender == "ana.ruiz@example.net"


def test_copies_of_a_mail_have_one_key_whatever_the_form_around_them() -> None:
    def key(body: bytes, boundary: str = "xYzZY") -> str:
        return source().dedupe("inbound", post(body, boundary))

    one = key(multipart(fields()))
    assert one == key(multipart(fields(spam_score="1.2"), boundary="other"), "other")
    assert len(one) <= 150
    elsewhere = json.dumps({"to": ["x@in.bank.example"], "from": "a@b.example"})
    assert one != key(multipart(fields(envelope=elsewhere)))
    assert one != key(multipart(fields(headers=HEADERS.replace("<abc@", "<abd@"))))
    nameless = HEADERS.replace("Message-ID", "X-Other")
    assert key(multipart(fields(headers=nameless))) == key(multipart(fields(headers=nameless), "b2"), "b2")
    assert key(multipart(fields(headers=nameless))) != key(multipart(fields(headers=nameless, text="other")))
    assert read(multipart(fields())).dedupe.endswith(one.rpartition(":")[2])


@given(st.binary(max_size=300))
def test_bytes_of_any_kind_are_read(noise: bytes) -> None:
    for body in (
        noise,
        multipart(fields(text=noise, html=noise)),
        raw(noise or b"x"),
        multipart(fields(envelope=noise)),
    ):
        read(body)


LONG = "a" * 100_000


@pytest.mark.parametrize(
    "more",
    [
        {"from": LONG, "headers": ""},
        {"from": f"{LONG}@", "headers": ""},
        {"from": "@" * 100_000, "headers": ""},
        {"from": "<" * 100_000 + "a@b.example", "headers": ""},
        {"headers": f"From: {LONG}\r\n" * 30},
        {"headers": f"From: {'=?utf-8?q?a?= ' * 8_000}\r\n"},
        {"headers": "From: x@y.example\r\n" * 5_000},
        {"headers": "", "to": f"{LONG}, {TO}", "envelope": "{}"},
        {"headers": "", "envelope": json.dumps({"to": [LONG] * 10, "from": LONG})},
    ],
    ids=["word", "at its end", "ats", "brackets", "headers", "encoded", "many senders", "to", "envelope"],
)
def test_no_header_takes_long(more: Fields) -> None:
    body = multipart(fields(**more))
    quickly(lambda: read(body), 0.2)


def test_an_address_is_read_whole_or_not_at_all() -> None:
    assert read(multipart(fields(headers="", **{"from": f"{'a' * 65}@example.net"}))).sender == "ana.ruiz@example.net"
    assert (
        read(multipart(fields(headers="", **{"from": f"{'a' * 64}@example.net"}))).sender == f"{'a' * 64}@example.net"
    )
