"""Telnyx's faxes: accepted, refused, listed, taken back, told in signed webhooks; machines on the page."""

from __future__ import annotations

import base64
import json
from urllib.parse import quote

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

FILE = "telnyx_fax_v2_subset"
PDF = b"%PDF-1.4\n<< /Type /Pages >> << /Type /Page >> << /Type /Page >>\nstream\n(Gr\\374\\337e \\200) Tj\nendstream\n"


def send(carrier, to, document=PDF, key=None, **changes):
    fields = {"connection_id": carrier.settings["TELNYX_CONNECTION_ID"], "from": carrier.settings["FAX_LINE"], "to": to}
    lines = [
        f'--xYz\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in {**fields, **changes}.items()
        if value is not None
    ]
    head = b'--xYz\r\nContent-Disposition: form-data; name="contents"; filename="a.pdf"\r\n\r\n'
    headers = {"Authorization": f"Bearer {key or carrier.settings['TELNYX_API_KEY']}"}
    headers["Content-Type"] = "multipart/form-data; boundary=xYz"
    body = b"".join([*lines, head, document, b"\r\n--xYz--\r\n"])
    status, _, answer = carrier.call("POST", "/v2/faxes", body, headers)
    return status, json.loads(answer)


def ask(carrier, method, path, key=None):
    headers = {"Authorization": f"Bearer {key or carrier.settings['TELNYX_API_KEY']}"}
    status, _, answer = carrier.call(method, f"/v2/faxes{path}", None, headers)
    return status, answer


def told(product, fax_id):
    events = [json.loads(post.body)["data"] for post in product.to("/webhooks/telnyx/fax")]
    return {one["event_type"]: one["payload"] for one in events if one["payload"]["fax_id"] == fax_id}


def test_a_fax_is_accepted_told_and_listed_as_the_vendor_says(carrier, product, number, wait, conforms):
    to = number()
    status, made = send(carrier, to, client_state="b3Vycw==")
    assert status == 202
    conforms(FILE, "/v2/faxes", "post", 202, made)
    fax_id = made["data"]["id"]
    wait(lambda: "fax.delivered" in told(product, fax_id))
    news = told(product, fax_id)
    assert {"fax.queued", "fax.media.processed", "fax.sending.started", "fax.delivered"} == set(news)
    assert (news["fax.delivered"]["page_count"], news["fax.delivered"]["client_state"]) == (2, "b3Vycw==")
    key = Ed25519PublicKey.from_public_bytes(base64.b64decode(carrier.settings["TELNYX_PUBLIC_KEY"]))
    for post in product.to("/webhooks/telnyx/fax"):
        given = {name.lower(): value for name, value in post.headers.items()}
        signature = base64.b64decode(given["telnyx-signature-ed25519"])
        key.verify(signature, f"{given['telnyx-timestamp']}|".encode() + post.body)
    for path, template in ((f"?filter[to][eq]={quote(to)}", ""), (f"/{fax_id}", "/{id}")):
        status, answer = ask(carrier, "GET", path)
        assert status == 200
        conforms(FILE, f"/v2/faxes{template}", "get", 200, json.loads(answer))
    (listed,) = json.loads(ask(carrier, "GET", f"?filter[to][eq]={quote(to)}")[1])["data"]
    assert (listed["id"], listed["status"], listed["client_state"]) == (fax_id, "delivered", "b3Vycw==")
    assert ask(carrier, "GET", f"/{fax_id}/media.pdf") == (200, PDF)
    (entry,) = carrier.ledger(channel="fax", to=to)
    assert (entry["text"], entry["pages"], entry["reached"]) == ("Grüße €", 2, True)
    assert ask(carrier, "DELETE", f"/{fax_id}")[0] == 204
    assert ask(carrier, "GET", f"/{fax_id}")[0] == 404


@pytest.mark.parametrize(
    ("changes", "status", "pointer"),
    [
        ({"key": "KEYwrong"}, 401, None),
        ({"to": "12"}, 422, "/to"),
        ({"from": "+13395550999"}, 422, "/from"),
        ({"connection_id": "1"}, 422, "/connection_id"),
        ({"quality": "best"}, 422, "/quality"),
        ({"webhook_url": "alerts"}, 422, "/webhook_url"),
        ({"client_state": "?"}, 422, "/client_state"),
        ({"colour": "red"}, 422, "/colour"),
        ({"document": b"hello"}, 422, "/contents"),
    ],
)
def test_a_refusal_names_the_field(carrier, number, conforms, changes, status, pointer):
    got, answer = send(carrier, **{"to": number(), **changes})
    assert got == status
    conforms(FILE, "/v2/faxes", "post", status, answer)
    assert (answer["errors"][0].get("source") or {}).get("pointer") == pointer


@pytest.mark.parametrize(
    ("mode", "reason"), [("busy", "user_busy"), ("person", "fax_initial_communication_timeout"), ("failed", "x")]
)
def test_a_machine_behaves_as_it_was_told(carrier, product, number, wait, mode, reason):
    to = number()
    carrier.behave("fax", to, mode, **({"reason": reason} if mode == "failed" else {}))
    fax_id = send(carrier, to)[1]["data"]["id"]
    news = wait(lambda: told(product, fax_id).get("fax.failed"))
    assert news["failure_reason"] == reason
    assert not carrier.ledger(channel="fax", to=to)[0]["reached"]


def test_people_fax_us_a_typed_page_or_a_pdf(carrier, product, number, wait):
    me = number()
    fax_id = carrier.api("POST", "/fax", {"from": me, "text": "Größe €\nline two"})["id"]
    came = wait(lambda: told(product, fax_id).get("fax.received"))
    assert (came["direction"], came["from"], came["page_count"]) == ("inbound", me, 1)
    assert came["media_url"].startswith(carrier.url)
    (fax,) = carrier.get(f"/carrier/api/fax/{quote(me)}")["faxes"]
    assert "Größe €\nline two" in fax["text"]
    for wrong in ({"from": "me", "text": "x"}, {"from": me}, {"from": me, "text": "x", "to": me}):
        assert carrier.call("POST", "/carrier/api/fax", wrong)[0] == 400


def test_a_fax_under_way_goes_on_after_a_restart(own_carrier, product, number, wait):
    own_carrier.stop()
    own_carrier.speed = 0.5
    own_carrier.start()
    fax_id = send(own_carrier, number())[1]["data"]["id"]
    own_carrier.stop()
    own_carrier.speed = 20
    own_carrier.start()
    assert wait(lambda: told(product, fax_id).get("fax.delivered"))
