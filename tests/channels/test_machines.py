"""What a mail's headers and structure prove of who wrote it, and that mails made to hurt take no time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from channels import inbound_mail, machines, sendgrid_inbound
from channels.machines import Signs
from tests.quick import quickly
from tests.raw_mail import apart, form, request

HEADERS = "From: Ana Ruiz <ana@simon.example>\r\nSubject: Re: Downgrade\r\nMessage-ID: <1@x>\r\n"


def signs(*lines: str, text: str = "I am on my way.", envelope_from: str | None = "ana@simon.example") -> Signs:
    raw = (HEADERS + "".join(f"{line}\r\n" for line in lines) + f"\r\n{text}\r\n").encode()
    message, body = inbound_mail.read(raw)
    return machines.signs(message, body, envelope_from, "ana@simon.example", "Re: Downgrade")


DECIDED = [
    ("Auto-Submitted: auto-replied", "other", "Auto-Submitted: auto-replied"),
    ("Auto-Submitted: auto-generated; type=x", "other", "Auto-Submitted: auto-generated"),
    ("auto-submitted: Auto-Replied (vacation)", "absence", "Auto-Submitted: auto-replied (vacation)"),
    ("Precedence: bulk", "other", "Precedence: bulk"),
    ("Precedence: AUTO_REPLY", "other", "Precedence: auto_reply"),
    ("Precedence: list", "list", "Precedence"),
    ("X-Autoreply: yes", "other", "X-Autoreply"),
    ("X-AUTORESPOND: Downgrade", "other", "X-AUTORESPOND"),
    ("X-Auto-Reply-From: ana@simon.example", "other", "X-Auto-Reply-From"),
    ("X-Yahoo-Vacation: 1", "absence", "X-Yahoo-Vacation"),
    ("X-Loop: ana@simon.example", "other", "X-Loop: ana@simon.example"),
    ("Return-Path: < >", "other", "null sender, as bounces have"),
    ("List-Id: <desk.simon.example>", "list", "List-Id"),
    ("X-BeenThere: desk@simon.example", "list", "X-BeenThere"),
    ("X-Zendesk-Ticket-Id: 7", "ticket", "X-Zendesk-Ticket-Id"),
    ("X-ServiceNow-Generated: true", "ticket", "X-ServiceNow-Generated"),
    ("X-JIRA-FingerPrint: 7", "ticket", "X-JIRA-FingerPrint"),
    ("X-OTRS-Loop: yes", "ticket", "X-OTRS-Loop"),
    ("X-Mailer: Zendesk Mailer", "ticket", "X-Mailer: Zendesk Mailer"),
    ("X-Delivery-Agent: TMDA/1.1.12", "challenge", "X-Delivery-Agent"),
    ("X-Dispatcher: 1", "own", "X-Dispatcher"),
    ("Content-Type: multipart/report; report-type=delivery-status", "bounce", "a report of type delivery-status"),
    ("Content-Type: multipart/report; report-type=disposition-notification", "receipt",
     "a report of type disposition-notification"),
]  # fmt: skip


@pytest.mark.parametrize(("line", "machine", "because"), DECIDED)
def test_headers_that_decide(line: str, machine: str, because: str) -> None:
    found = signs(line)
    assert (found.machine, found.because, found.hint) == (machine, because, "")


@pytest.mark.parametrize("envelope_from", ["", "<>", " "])
def test_a_null_sender_decides(envelope_from: str) -> None:
    assert signs(envelope_from=envelope_from).machine == "other"


UNDECIDED = [
    "Auto-Submitted: no", "Precedence: normal", "Precedence: first-class", "X-Autoreply: no", "X-Priority: 1",
    "X-Auto-Response-Suppress: None", "X-Auto-Response-Suppress: All", "X-Auto-Response-Suppress: DR, OOF, AutoReply",
    "List-Unsubscribe: <https://gate.example/u>", "X-MS-Exchange-Organization-AutoForwarded: true", "X-Mailer: Outlook",
    "Return-Path: <ana@simon.example>", "X-SFDC-User: 005", "Feedback-ID: 1:2:3",
]  # fmt: skip


@pytest.mark.parametrize("line", UNDECIDED)
def test_headers_that_people_s_mail_has_too(line: str) -> None:
    assert signs(line).machine == ""


@pytest.mark.parametrize("sender", ["no-reply@simon.example", "donotreply@simon.example", "postmaster@simon.example"])
def test_an_address_alone_decides_nothing(sender: str) -> None:
    message, body = inbound_mail.read(b"Subject: Hello\r\n\r\nSell 500.\r\n")
    found = machines.signs(message, body, sender, sender, "Hello")
    assert (found.machine, found.hint) == ("", "written by a machine's address")


def test_own_mail_is_marked_and_known() -> None:
    """Whatever we send carries the mark by which it is told when it comes back; it says nothing else."""
    from channels.mail_headers import marks
    from channels.mime import Letter
    from dispatcher.model.ports import Content, Outbound, Rendition

    content = Content(Rendition("Downgrade", "We cut LTMY."), "Bank", auto_submitted="auto-replied")
    raw = Letter(content, "alerts@bank.example").bytes_for(Outbound("ab" * 16, "ana@simon.example"))
    message, body = inbound_mail.read(raw)
    assert machines.signs(message, body, None, "alerts@bank.example", "Downgrade").machine == "own"
    assert message["Auto-Submitted"] == "auto-replied"
    assert marks(content)["X-Dispatcher"] == "1"
    assert "Importance" not in marks(content)
    assert marks(replace(content, urgent=True))["Importance"] == "high"


REPORT = """\
From: MAILER-DAEMON@mx.simon.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="A"

--A
Content-Type: text/plain

{text}

--A
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.simon.example

{block}

--A
Content-Type: message/rfc822

From: Bank <alerts@bank.example>
Reply-To: reply+{token}@in.bank.example
Message-ID: <{attempt}@bank.example>

We cut LTMY to hold.
--A--
""".replace("\n", "\r\n")
FAILED = "Final-Recipient: rfc822; Ana@Simon.example\r\nAction: failed\r\nStatus: {status}\r\n"
CODES = [
    (FAILED.format(status="5.1.1"), "", "5.1.1"),
    (FAILED.format(status="5.0.0") + "Diagnostic-Code: smtp; 550 5.1.10 RecipientNotFound\r\n", "", "5.1.10"),
    (FAILED.format(status="5.0.0") + "Diagnostic-Code: smtp; 550 no such user here\r\n", "", "5.1.1"),
    (FAILED.format(status="5.0.0") + "Diagnostic-Code: smtp; 552 mailbox is full\r\n", "", "4.2.2"),
    (FAILED.format(status="5.0.0"), "550 5.7.1 [192.0.2.10] blocked", "5.7.1"),
    (FAILED.format(status="5.0.0"), "host 10.5.1.1 said: no", "5.0.0"),
    ("Final-Recipient: rfc822; Ana@Simon.example\r\nAction: failed\r\n", "550 5.1.1 unknown", "5.1.1"),
]


@pytest.mark.parametrize("post", [form, apart])
@pytest.mark.parametrize(("block", "text", "status"), CODES)
def test_what_a_report_says(post: type, block: str, text: str, status: str) -> None:
    raw = REPORT.format(text=text, block=block, token="a" * 30, attempt="0f" * 16).encode()
    found = sendgrid_inbound.reply(request(post(raw, ""))).returned
    assert found is not None
    assert (found.failed, found.delayed, found.status) == (("ana@simon.example",), (), status)
    assert found.attempts == ("0f" * 16,)
    assert found.quoted == (f"reply+{'a' * 30}@in.bank.example",)


def _nested(depth: int) -> bytes:
    front = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (n, n) for n in range(depth))
    return front + b"Content-Type: text/plain\r\n\r\ndeep down\r\n"


def _enclosed(depth: int) -> bytes:
    return b"Content-Type: message/rfc822\r\n\r\n" * depth + b"Subject: x\r\n\r\ndeep down\r\n"


BOUNCE = b"From: mailer-daemon@x.example\r\nSubject: failure notice\r\nMessage-ID: <h@x>\r\n"
REPORTED = b"Content-Type: multipart/report; report-type=delivery-status; boundary=q\r\n\r\n"
HOSTILE = {
    "60 deep": BOUNCE + _nested(60),
    "400 deep": BOUNCE + _nested(400),
    "mails in mails": BOUNCE + _enclosed(200),
    "a line of a megabyte": BOUNCE + b"\r\n<" + b"a" * 1_000_000 + b"@b.example>: 550 5.1.1",
    "brackets": BOUNCE + b"\r\n" + b"<" * 500_000 + b"\r\n" + b"<a@b>:" * 100_000,
    "spaces": BOUNCE + b"\r\n" + b" " * 1_000_000 + b"x\r\n" + b"out of office " * 50_000,
    "20,000 headers": BOUNCE + b"".join(b"X-Auto-%d: no\r\n" % n for n in range(20_000)) + b"\r\nx",
    "one header of a megabyte": BOUNCE + b"X-Failed-Recipients: " + b"a@b.example, " * 80_000 + b"\r\n\r\nx",
    "the subject": b"From: a@b.example\r\nSubject: " + b"your message to " * 60_000 + b"\r\nMessage-ID: <h>\r\n\r\nx",
    "10,000 recipients": BOUNCE + REPORTED + b"--q\r\nContent-Type: message/delivery-status\r\n\r\n"
    + b"Final-Recipient: rfc822; a@b.example\r\nAction: failed\r\nStatus: 5.1.1\r\n\r\n" * 10_000 + b"\r\n--q--\r\n",
    "10,000 parts": BOUNCE + REPORTED + b"--q\r\nContent-Type: text/plain\r\n\r\nA permanent error\r\n" * 10_000,
    "a calendar": b"From: a@b.example\r\nMessage-ID: <h>\r\nContent-Type: text/calendar\r\n\r\n"
    + b"METHOD:REPLY " * 90_000,
}  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_mails_made_to_hurt(name: str) -> None:
    quickly(lambda: sendgrid_inbound.reply(request(form(HOSTILE[name], ""))), 3)
