"""Mail people write to us, as inbound parse posts it."""

import base64
import email
import email.policy
import json
from urllib.parse import quote

import pytest

INBOUND = "/webhooks/sendgrid/inbound"


def parts(post):
    """Form fields as bytes, files as (name, type, bytes); split without decoding anything."""
    headers = {name.lower(): value for name, value in post.headers.items()}
    head = b"Content-Type: " + headers["content-type"].encode() + b"\r\n\r\n"
    message = email.message_from_bytes(head + post.body, policy=email.policy.HTTP)
    found = {}
    for part in message.iter_parts():
        name = part.get_param("name", header="content-disposition")
        body = part.get_payload(decode=True)
        found[name] = (part.get_filename(), part.get_content_type(), body) if part.get_filename() else body
    return found


@pytest.fixture
def write(carrier, product, number, wait):
    def run(**mail):
        sender = f"p{number()[1:]}@customer.example"
        doc = {"from": f"Ana Ruiz <{sender}>", "to": "reply+t0k@in.bank.example", "subject": "Re", "text": "Yes"}
        doc |= mail
        carrier.api("POST", "/mail", doc)
        return wait(lambda: [post for post in product.to(INBOUND) if sender.encode() in post.body])

    return run


def test_fields_credentials_and_charsets(carrier, write):
    [post] = write(subject="Größe", text="Grüße, 5 € – ja", html="<p>Grüße</p>", charset="windows-1252")
    pair = base64.b64decode({k.lower(): v for k, v in post.headers.items()}["authorization"].removeprefix("Basic "))
    assert pair.decode() == f"inbound:{carrier.settings['SENDGRID_INBOUND_SECRET']}"
    got = parts(post)
    charsets = json.loads(got["charsets"])
    assert charsets["text"] == charsets["subject"] == charsets["html"] == "windows-1252"
    assert got["text"].rstrip(b"\r\n") == "Grüße, 5 € – ja".encode("windows-1252")
    assert got["subject"].decode("windows-1252").strip() == "Größe"
    envelope = json.loads(got["envelope"])
    assert envelope["to"] == ["reply+t0k@in.bank.example"]
    assert got["SPF"].strip() == b"pass"
    assert got["dkim"].strip() == b"{@customer.example : pass}"
    assert got["attachments"].strip() == b"0"
    assert {"headers", "from", "to", "sender_ip", "spam_score"} <= set(got)
    assert b"Message-ID:" in got["headers"]


def test_attachments_headers_and_html_only(write):
    content = base64.b64encode(b"RIFFxx").decode()
    [post] = write(
        text="", html="<p>x</p>", headers={"Auto-Submitted": "auto-replied"}, in_reply_to="<a@b>",
        attachments=[{"filename": "wörd.wav", "type": "audio/wav", "content": content}],
    )  # fmt: skip
    got = parts(post)
    assert "text" not in got
    assert b"Auto-Submitted: auto-replied" in got["headers"]
    assert b"In-Reply-To: <a@b>" in got["headers"]
    assert json.loads(got["attachment-info"])["attachment1"]["type"] == "audio/wav"
    assert got["attachment1"][1:] == ("audio/wav", b"RIFFxx")


def test_raw_mode_and_a_mime_text_of_ones_own(write, number):
    [post] = write(raw=True)
    got = parts(post)
    assert "headers" not in got
    assert b"Subject: Re" in got["email"]
    mime = "From: x@customer.example\r\nSubject: own\r\nX-Odd: 1\r\n\r\nbody\r\n"
    [post] = write(raw=mime)
    assert b"X-Odd: 1" in parts(post)["email"]


def test_only_our_domain_and_possible_charsets(carrier):
    wrong = {"from": "a@b.example", "to": "a@elsewhere.example", "text": "x"}
    status, _, body = carrier.call("POST", "/carrier/api/mail", wrong)
    assert status == 400
    assert b"in.bank.example" in body
    assert (
        carrier.call("POST", "/carrier/api/mail", {**wrong, "to": "a@in.bank.example", "charset": "klingon"})[0] == 400
    )


@pytest.mark.parametrize(("status", "posts", "state"), [(503, 2, "posted"), (400, 1, "dropped"), (302, 1, "dropped")])
def test_5xx_comes_again_4xx_and_3xx_are_lost(carrier, product, write, wait, status, posts, state):
    answers = [(status, "", b""), (200, "", b"")]
    product.answers[INBOUND] = lambda post: answers.pop(0)
    try:
        [first, *_] = write()
        sender = parts(first)["from"].decode().partition("<")[2].partition(">")[0]
        wait(lambda: len([p for p in product.to(INBOUND) if sender.encode() in p.body]) == posts)
        box = "Ana Ruiz <" + sender + ">"
        kept = wait(
            lambda: [m for m in carrier.get("/carrier/api/mail?from=" + quote(box))["mails"] if m["state"] == state]
        )
        assert kept[0]["attempts"] == posts
    finally:
        del product.answers[INBOUND]
