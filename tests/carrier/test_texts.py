"""Twilio's Messages: accepted, delivered, refused, told, listed, opted out of."""

import json
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from twilio.base.exceptions import TwilioRestException

PATH = "/2010-04-01/Accounts/{AccountSid}/Messages"


def test_a_text_is_accepted_delivered_and_told_in_signed_callbacks(carrier, product, number, conforms):
    to = number()
    callback = f"{product.url}/webhooks/twilio/sms-status?d=a%2Fb&x=%C3%A9"
    sent = carrier.twilio().messages.create(to=to, from_=carrier.sms_from, body="Fed holds €", status_callback=callback)
    assert sent.status == "queued"
    assert sent.sid.startswith("SM")
    assert len(sent.sid) == 34
    posts = product.wait("/webhooks/twilio/sms-status?d=a%2Fb&x=%C3%A9", 2, To=to)
    assert {post.form["MessageStatus"] for post in posts} == {"sent", "delivered"}
    for post in posts:
        assert carrier.signed(callback, post)
        assert post.form["MessageSid"] == post.form["SmsSid"] == sent.sid
        assert post.form["AccountSid"] == carrier.sid
    assert [post.form["MessageStatus"] for post in posts if "RawDlrDoneDate" in post.form] == ["delivered"]
    [entry] = carrier.ledger(channel="sms", to=to)
    assert entry["reached"]
    assert entry["text"] == "Fed holds €"
    assert entry["provider_ref"] == sent.sid


def test_answers_are_what_the_vendors_file_says(carrier, number, conforms):
    to = number()
    status, _, made = carrier.post_form("Messages.json", urlencode({"To": to, "From": carrier.sms_from, "Body": "x"}))
    assert status == 201
    conforms("twilio_api_v2010", PATH + ".json", "post", 201, made)
    client = carrier.twilio()
    base = f"/2010-04-01/Accounts/{carrier.sid}"
    got = client.request("GET", f"{carrier.url}{base}/Messages/{made['sid']}.json")
    conforms("twilio_api_v2010", PATH + "/{Sid}.json", "get", 200, json.loads(got.text))
    listed = client.request("GET", f"{carrier.url}{base}/Messages.json", params={"To": to, "PageSize": 1})
    conforms("twilio_api_v2010", PATH + ".json", "get", 200, json.loads(listed.text))
    for path, uri in (("/2010-04-01/Accounts/{Sid}.json", f"{base}.json"), ("Balance", f"{base}/Balance.json")):
        document = json.loads(client.request("GET", carrier.url + uri).text)
        name = path if path.startswith("/") else "/2010-04-01/Accounts/{AccountSid}/Balance.json"
        conforms("twilio_api_v2010", name, "get", 200, document)


def test_a_list_has_pages_and_date_filters(carrier, number, wait):
    to, client = number(), carrier.twilio()
    sids = [client.messages.create(to=to, from_=carrier.sms_from, body=f"n {n}").sid for n in range(5)]
    wait(lambda: all(m.status == "delivered" for m in client.messages.list(to=to, limit=9)))
    assert [m.sid for m in client.messages.list(to=to, page_size=2, limit=9)] == sids[::-1]
    now = datetime.now(UTC)
    assert len(client.messages.list(to=to, date_sent_after=now - timedelta(minutes=5), limit=9)) == 5
    assert client.messages.list(to=to, date_sent_after=now + timedelta(days=1), limit=9) == []
    assert (
        len(client.messages.list(to=to, from_=carrier.sms_from, date_sent_before=now + timedelta(days=1), limit=9)) == 5
    )
    assert len(client.messages.list(to=to, date_sent=now.date(), limit=9)) == 5


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"To": None}, 400, 21604),
        ({"From": None}, 400, 21603),
        ({"Body": None}, 400, 21602),
        ({"Body": "x" * 1601}, 400, 21617),
        ({"To": "12"}, 400, 21211),
        ({"To": "+1 202 555"}, 400, 21211),
        ({"From": "+12125550100"}, 400, 21606),
        ({"From": "Bank"}, 400, 21212),
        ({"StatusCallback": "nonsense"}, 400, 21609),
        ({"StatusCallback": "http://under_score.example/x"}, 400, 21609),
        ({"ValidityPeriod": "40000"}, 400, 90007),
        ({"From": None, "MessagingServiceSid": "MG" + "0" * 32}, 400, 21701),
        ({"ScheduleType": "fixed", "SendAt": "2026-01-01T00:00:00Z"}, 400, 35118),
    ],
)
def test_refusals(carrier, number, change, status, code):
    form = {"To": number(), "From": carrier.sms_from, "Body": "x", **change}
    got, _, body = carrier.post_form("Messages.json", urlencode({k: v for k, v in form.items() if v is not None}))
    assert (got, body["code"], body["status"]) == (status, code, status)
    assert body["more_info"].endswith(str(code))
    assert carrier.ledger(channel="sms", to=form["To"] or "+10") == []


def test_credentials(carrier, number):
    form = urlencode({"To": number(), "From": carrier.sms_from, "Body": "x"})
    status, headers, body = carrier.post_form("Messages.json", form, token="wrong")
    assert (status, body["code"]) == (401, 20003)
    assert "WWW-Authenticate" in headers
    status, _, _ = carrier.call("GET", f"/2010-04-01/Accounts/AC{'0' * 32}/Messages.json")
    assert status == 401
    with pytest.raises(TwilioRestException) as no:
        carrier.twilio().messages("SM" + "0" * 32).fetch()
    assert (no.value.status, no.value.code) == (404, 20404)


@pytest.mark.parametrize(("mode", "code"), [("invalid", 21211), ("landline", 21614), ("stopped", 21610)])
def test_addresses_that_are_refused(carrier, number, mode, code):
    to = number()
    carrier.behave("sms", to, mode)
    with pytest.raises(TwilioRestException) as no:
        carrier.twilio().messages.create(to=to, from_=carrier.sms_from, body="x")
    assert no.value.code == code


def test_an_undelivered_text_says_why(carrier, product, number):
    to = number()
    carrier.behave("sms", to, "undelivered", error_code=30006)
    carrier.twilio().messages.create(to=to, from_=carrier.sms_from, body="x", status_callback=f"{product.url}/st")
    [post] = product.wait("/st", To=to, MessageStatus="undelivered")
    assert post.form["ErrorCode"] == "30006"
    [entry] = carrier.ledger(to=to)
    assert not entry["reached"]
    assert entry["error"] == 30006


def test_stop_blocks_the_pair_is_answered_and_still_passed_on(carrier, product, number, wait):
    person = number()
    carrier.api("POST", "/sms", {"from": person, "body": " stop "})
    [post] = product.wait("/webhooks/twilio/sms", From=person)
    assert carrier.signed(f"{product.url}/webhooks/twilio/sms", post)
    assert post.form["Body"] == " stop "
    assert "OptOutType" not in post.form
    page = carrier.get("/carrier/api/phone/" + person)
    assert any("unsubscribed" in text["text"] for text in page["texts"])
    with pytest.raises(TwilioRestException) as no:
        carrier.twilio().messages.create(to=person, from_=carrier.sms_from, body="x")
    assert no.value.code == 21610
    carrier.api("POST", "/sms", {"from": person, "body": "Stop please"})
    carrier.api("POST", "/sms", {"from": person, "body": "UNSTOP"})
    assert carrier.twilio().messages.create(to=person, from_=carrier.sms_from, body="x").sid


def test_twiml_answers_to_a_text_are_sent(carrier, product, number, wait):
    person = number()
    product.answers["/webhooks/twilio/sms"] = b"<Response><Message>Call your desk</Message></Response>"
    try:
        carrier.api("POST", "/sms", {"from": person, "body": "Who?"})
        wait(lambda: [t for t in carrier.get("/carrier/api/phone/" + person)["texts"] if t["text"] == "Call your desk"])
    finally:
        del product.answers["/webhooks/twilio/sms"]


def test_a_service_starts_accepted_and_tells_queued(carrier, product, number):
    service = json.loads((carrier.state / "carrier.json").read_text())["messaging_service"]
    to = number()
    made = carrier.twilio().messages.create(
        to=to, messaging_service_sid=service, body="x", status_callback=f"{product.url}/svc"
    )
    assert (made.status, made.from_, made.num_segments) == ("accepted", None, "0")
    posts = product.wait("/svc", 3, To=to)
    # Several posts travel at once, so their order of arrival is nobody's promise.
    assert {post.form["MessageStatus"] for post in posts} == {"queued", "sent", "delivered"}
    assert posts[-1].form["MessagingServiceSid"] == service


def test_a_deleted_text_stays_in_the_ledger(carrier, number, wait):
    to, client = number(), carrier.twilio()
    made = client.messages.create(to=to, from_=carrier.sms_from, body="x")
    wait(lambda: client.messages(made.sid).fetch().status == "delivered")
    assert client.messages(made.sid).delete()
    assert client.messages.list(to=to, limit=5) == []
    assert len(carrier.ledger(to=to)) == 1
