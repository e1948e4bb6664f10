"""SendGrid's mail/send: what is accepted, what lies in each mailbox, what is told about it."""

import base64
import json
import time
from urllib.parse import quote

import pytest
from python_http_client.exceptions import BadRequestsError

EVENTS = "/webhooks/sendgrid/events"
LIFE = ("processed", "dropped", "deferred", "delivered", "bounce", "open", "click", "spamreport", "unsubscribe")


@pytest.fixture
def box(number):
    return lambda: f"ana{number()[1:]}@customer.example"


def request(*people: str, **more):
    """A mail to these, one personalization each."""
    return {
        "personalizations": [
            {"to": [{"email": who}], "substitutions": {"-rt-": f"t{n}"}, "custom_args": {"delivery_id": f"d{n}-{who}"}}
            for n, who in enumerate(people)
        ],
        "from": {"email": "alerts@bank.example", "name": "Bank Research"},
        "reply_to": {"email": "reply+-rt-@in.bank.example"},
        "subject": "Copper -rt-",
        "content": [{"type": "text/plain", "value": "Up. -rt-"}, {"type": "text/html", "value": "<p>Up. -rt-</p>"}],
        **more,
    }


@pytest.fixture
def events(carrier, product, wait):
    """All events for an address once it has that many, as a mail lives; signatures checked.

    Each is posted on a connection of its own, so one may overtake another: what an earlier look saw
    stays before what this one sees, and what is new is put in the order of `LIFE`.
    """
    before: dict[str, int] = {}

    def collect(who: str, count: int):
        def look():
            found = []
            for post in product.to(EVENTS):
                if who.encode() in post.body:
                    assert carrier.events_signed(post)
                    assert post.body.endswith(b"]\r\n")
                    found += [event for event in json.loads(post.body) if event["email"] == who]
            return len(found) >= count and found

        found = wait(look)
        found.sort(key=lambda event: (before.get(event["sg_event_id"], len(before)), LIFE.index(event["event"])))
        for event in found:
            before.setdefault(event["sg_event_id"], len(before))
        return found

    return collect


def test_each_recipient_gets_their_own_mail(carrier, events, box):
    people = [box(), box()]
    answer = carrier.sendgrid().send(request(*people, categories=["alert-7"], custom_args={"kind": "alert"}))
    assert (answer.status_code, answer.body) == (202, b"")
    ref = answer.headers["X-Message-Id"]
    assert len(ref) == 22
    first = events(people[1], 2)
    assert [event["event"] for event in first] == ["processed", "delivered"]
    for event in first:
        assert event["delivery_id"] == f"d1-{people[1]}"
        assert event["kind"] == "alert"
        assert event["category"] == ["alert-7"]
        assert event["sg_message_id"].split(".")[0] == ref
        assert isinstance(event["timestamp"], int)
    assert first[0]["sg_event_id"] != first[1]["sg_event_id"]
    [entry] = carrier.ledger(channel="email", to=people[1])
    assert (entry["subject"], entry["text"], entry["html"]) == ("Copper t1", "Up. t1", "<p>Up. t1</p>")
    assert entry["reply_to"] == "reply+t1@in.bank.example"
    assert entry["reached"]
    assert entry["provider_ref"] == ref
    assert ["Reply-To", "reply+t1@in.bank.example"] in entry["headers"]


def test_personalizations_override_and_own_message_ids_do_not_survive(carrier, box):
    who = box()
    mail = request(who, headers={"X-One": "1", "X-Two": "2", "Message-ID": "<mine@bank.example>"})
    mail["personalizations"][0] |= {
        "headers": {"X-Two": "II", "List-Unsubscribe": "<https://bank.example/p/1>"},
        "from": {"email": "desk@bank.example"}, "subject": "For you -rt-", "custom_args": {"kind": "own"},
    }  # fmt: skip
    mail["custom_args"] = {"kind": "all", "release": "r1"}
    mail["attachments"] = [
        {"content": base64.b64encode(b"%PDF").decode(), "filename": "a.pdf", "type": "application/pdf"}
    ]
    assert carrier.mail(mail)[0] == 202
    [entry] = carrier.ledger(to=who)
    headers = dict(entry["headers"])
    assert (headers["X-One"], headers["X-Two"], headers["Subject"]) == ("1", "II", "For you t0")
    assert headers["Message-ID"] != "<mine@bank.example>"
    assert entry["from"] == "desk@bank.example"
    assert entry["custom_args"] == {"kind": "own", "release": "r1"}
    [file] = entry["attachments"]
    assert (file["filename"], file["size"]) == ("a.pdf", 4)
    status, got, body = carrier.call("GET", file["url"])
    assert (status, body) == (200, b"%PDF")
    assert got["Content-Disposition"].startswith("attachment")


def changed(**change):
    def work(mail):
        for name, value in change.items():
            if value is None:
                mail.pop(name, None)
            else:
                mail[name] = value

    return work


def personal(**change):
    return lambda mail: mail["personalizations"][0].update(change)


@pytest.mark.parametrize(
    ("spoil", "field"),
    [
        (changed(personalizations=[]), "personalizations"),
        (changed(personalizations=None), "personalizations"),
        (personal(to=[]), "personalizations.0.to"),
        (personal(to=[{"email": "no address"}]), "personalizations.0.to.0.email"),
        (personal(cc=[{"email": "twice@x.example"}, {"email": "Twice@x.example"}]), "personalizations.0"),
        (changed(subject=None), "subject"),
        (changed(subject=""), "subject"),
        (changed(content=None), "content"),
        (changed(content=[{"type": "text/html", "value": "x"}, {"type": "text/plain", "value": "x"}]), "content"),
        (changed(content=[{"type": "text/plain", "value": ""}]), "content.0.value"),
        (changed(**{"from": None}), "from.email"),
        (changed(reply_to_list=[{"email": "a@b.example"}]), "reply_to_list"),
        (changed(headers={"Reply-To": "a@b.example"}), "headers.Reply-To"),
        (personal(headers={"reply-to": "a@b.example"}), "personalizations.0.headers.reply-to"),
        (personal(custom_args={"a": "x" * 10_000}), "personalizations.0.custom_args"),
        (personal(custom_args={"a": 1}), "personalizations.0.custom_args"),
        (personal(substitutions={"a": "x" * 10_000}), "personalizations.0.substitutions"),
        (personal(**{"from": {"email": "a@elsewhere.example"}}), "personalizations.0.from"),
        (changed(template_id="d-1", content=None), "personalizations.0.substitutions"),
        (changed(categories=[str(n) for n in range(11)]), "categories"),
        (changed(categories=["a", "a"]), "categories"),
        (changed(send_at=int(time.time()) + 80 * 3600), "send_at"),
        (changed(send_at="soon"), "send_at"),
        (changed(attachments=[{"filename": "a"}]), "attachments.0.content"),
        (changed(ip_pool_name="x"), "ip_pool_name"),
        (changed(nonsense=1), "nonsense"),
    ],
)
def test_refusals(carrier, box, spoil, field):
    who = box()
    mail = request(who)
    spoil(mail)
    status, _, body = carrier.mail(mail)
    assert status == 400
    errors = json.loads(body)["errors"]
    assert field in [error["field"] for error in errors], errors
    assert set(errors[0]) == {"message", "field", "help"}
    assert carrier.ledger(to=who) == []


def test_a_thousand_are_taken_and_no_more(carrier, box):
    people = [f"n{n}.{box()}" for n in range(1001)]
    assert carrier.mail(request(*people))[0] == 400
    assert carrier.mail(request(*people[:1000]))[0] == 202
    with pytest.raises(BadRequestsError):
        carrier.sendgrid().send(request(people[0], people[0].upper()))


def test_credentials_size_and_sandbox(carrier, box, conforms):
    who = box()
    status, _, body = carrier.mail(request(who), key="SG.wrong")
    assert status == 401
    assert set(json.loads(body)["errors"][0]) == {"message", "field", "help"}
    assert carrier.mail(b"{" + b" " * (31 << 20))[0] == 413
    assert carrier.mail(request(who, mail_settings={"sandbox_mode": {"enable": True}}))[0] == 200
    assert carrier.ledger(to=who) == []
    scopes = carrier.sendgrid().client.scopes.get()
    conforms("sendgrid_scopes_v3", "/v3/scopes", "get", 200, json.loads(scopes.body))


@pytest.mark.parametrize(
    ("mode", "told", "fields"),
    [
        ("bounce", ["processed", "bounce"], {"type": "bounce", "status": "5.1.1"}),
        ("block", ["processed", "bounce"], {"type": "blocked", "status": "5.7.1"}),
        ("defer", ["processed", "deferred", "deferred", "delivered"], {"tls": 1}),
        ("drop", ["dropped"], {"reason": "Bounced Address"}),
    ],
)
def test_mail_that_does_not_simply_arrive(carrier, events, box, mode, told, fields):
    who = box()
    carrier.behave("email", who, mode)
    ref = carrier.mail(request(who))[1]["X-Message-Id"]
    found = events(who, len(told))
    assert [event["event"] for event in found] == told
    assert fields.items() <= found[-1].items()
    assert found[-1]["delivery_id"] == f"d0-{who}"
    assert (found[-1]["sg_message_id"].split(".")[0] == ref) is (mode != "drop")
    assert carrier.ledger(to=who)[0]["reached"] is (mode == "defer")


def test_a_late_bounce_knows_neither_message_nor_arguments(carrier, events, box):
    who = box()
    carrier.behave("email", who, "late-bounce")
    carrier.mail(request(who))
    last = events(who, 3)[-1]
    assert last["event"] == "bounce"
    assert not {"sg_message_id", "delivery_id"} & set(last)


def test_a_bounced_address_is_suppressed_until_lifted(carrier, events, box, conforms, wait):
    who = box()
    carrier.behave("email", who, "bounce")
    carrier.mail(request(who))
    events(who, 2)
    carrier.behave("email", who, "default")
    carrier.mail(request(who))
    assert events(who, 3)[-1]["reason"] == "Bounced Address"
    bounces = carrier.sendgrid().client.suppression.bounces
    listed = json.loads(bounces.get().body)
    conforms("sendgrid_suppressions_v3", "/v3/suppression/bounces", "get", 200, listed)
    assert who in [item["email"] for item in listed]
    assert bounces._(who).delete().status_code == 204
    carrier.mail(request(who))
    assert events(who, 5)[-1]["event"] == "delivered"


def test_look_ups_after_doubt(carrier, events, box, conforms):
    who = box()
    ref = carrier.mail(request(who, categories=["alert-9"]))[1]["X-Message-Id"]
    events(who, 2)
    client = carrier.sendgrid().client
    query = f"to_email = '{who}' AND subject = \"Copper t0\" AND categories IN ('alert-9', 'x')"
    found = json.loads(client.logs.post(request_body={"query": query, "limit": 5}).body)
    conforms("sendgrid_logs_v3", "/v3/logs", "post", 200, found)
    [mail] = found["messages"]
    assert mail["status"] == "delivered"
    assert mail["sg_message_id"].startswith(ref)
    one = json.loads(client.logs._(mail["sg_message_id"]).get().body)
    conforms("sendgrid_logs_v3", "/v3/logs/{sg_message_id}", "get", 200, one)
    active = json.loads(client.messages.get(query_params={"query": f'to_email="{who}"', "limit": 5}).body)
    conforms("sendgrid_email_activity_v3", "/v3/messages", "get", 200, active)
    assert active["messages"][0]["msg_id"] == mail["sg_message_id"]
    detail = json.loads(client.messages._(mail["sg_message_id"]).get().body)
    conforms("sendgrid_email_activity_v3", "/v3/messages/{msg_id}", "get", 200, detail)
    with pytest.raises(BadRequestsError):
        client.logs.post(request_body={"query": "custom_args = 'd0'"})
    none = json.loads(client.logs.post(request_body={"query": f"to_email = 'x{who}'"}).body)
    assert none == {"messages": []}


def test_what_readers_do_is_told(carrier, events, box):
    who = box()
    carrier.mail(request(who))
    events(who, 2)
    [entry] = carrier.ledger(to=who)
    carrier.api("POST", f"/mail/{quote(entry['id'])}/events", {"event": "spamreport"})
    assert events(who, 3)[-1]["event"] == "spamreport"


def test_events_are_posted_again_until_taken(carrier, product, box, events):
    who = box()
    refused = []

    def refuse_once(post):
        if who.encode() in post.body and len(refused) < 2:
            refused.append(post)
            return (503, "text/plain", b"")
        return (204, "", b"")

    product.answers[EVENTS] = refuse_once
    try:
        carrier.mail(request(who))
        found = events(who, 3)
    finally:
        del product.answers[EVENTS]
    assert len({event["sg_event_id"] for event in found}) < len(found)
