"""Ordered bad days, and what a restart keeps."""

import base64
import json
import signal
import sqlite3
import subprocess
import time
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path
from urllib.parse import urlencode

import pytest
import requests


def text(carrier, to, **more):
    return carrier.post_form("Messages.json", urlencode({"To": to, "From": carrier.sms_from, "Body": "x", **more}))


def mail(who):
    return {
        "personalizations": [{"to": [{"email": who}]}], "from": {"email": "alerts@bank.example"}, "subject": "x",
        "content": [{"type": "text/plain", "value": "x"}],
    }  # fmt: skip


def test_too_many_requests(carrier, number):
    to = number()
    carrier.api("POST", "/faults", {"status_429_share": 1})
    status, headers, body = text(carrier, to)
    assert (status, body["code"]) == (429, 20429)
    assert int(headers["Retry-After"]) > 0
    status, headers, _ = carrier.mail(mail("a@x.example"))
    assert status == 429
    assert {"X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset"} <= set(headers)
    assert carrier.ledger(to=to) == []


def test_a_share_is_a_share(carrier, number):
    carrier.api("POST", "/faults", {"status_429_share": 0.5, "seed": 7})
    seen = [text(carrier, number())[0] for _ in range(60)]
    assert 15 <= seen.count(429) <= 45
    assert seen.count(201) == 60 - seen.count(429)


def test_errors_before_and_after_acceptance(carrier, number):
    before, after, html = number(), number(), number()
    carrier.api("POST", "/faults", {"error_500_share": 1})
    assert text(carrier, before)[0] == 500
    carrier.api("DELETE", "/faults")
    carrier.api("POST", "/faults", {"accept_then_500_share": 1})
    assert text(carrier, after)[0] == 500
    carrier.api("DELETE", "/faults")
    carrier.api("POST", "/faults", {"html_200_share": 1})
    pair = base64.b64encode(f"{carrier.sid}:{carrier.token}".encode()).decode()
    form = urlencode({"To": html, "From": carrier.sms_from, "Body": "x"}).encode()
    headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/x-www-form-urlencoded"}
    status, got, body = carrier.call("POST", f"/2010-04-01/Accounts/{carrier.sid}/Messages.json", form, headers)
    assert (status, got["Content-Type"].split(";")[0], body[:5]) == (200, "text/html", b"<html")
    assert [len(carrier.ledger(to=to)) for to in (before, after, html)] == [0, 1, 1]
    carrier.api("DELETE", "/faults")
    found = carrier.twilio().messages.list(to=after, limit=5)
    assert len(found) == 1


def test_accepted_and_then_silence(carrier, number, wait):
    to = number()
    carrier.api("POST", "/faults", {"accept_then_hang_share": 1})
    with pytest.raises(requests.Timeout):
        requests.post(
            f"{carrier.url}/2010-04-01/Accounts/{carrier.sid}/Messages.json",
            data={"To": to, "From": carrier.sms_from, "Body": "x"}, auth=(carrier.sid, carrier.token), timeout=0.5,
        )  # fmt: skip
    wait(lambda: len(carrier.ledger(to=to)) == 1)


def test_revoked_credentials_and_latency(carrier, number):
    carrier.api("POST", "/faults", {"unauthorized": True})
    assert text(carrier, number())[2]["code"] == 20003
    assert carrier.mail(mail("a@x.example"))[0] == 401
    carrier.api("DELETE", "/faults")
    carrier.api("POST", "/faults", {"latency_ms": 300})
    began = time.monotonic()
    assert text(carrier, number())[0] == 201
    assert time.monotonic() - began >= 0.3


def test_callbacks_twice_shuffled_early_or_never(carrier, product, number, wait):
    twice, none, early = number(), number(), number()
    carrier.api("POST", "/faults", {"callback_duplicates": 2, "callback_reorder": True})
    text(carrier, twice, StatusCallback=f"{product.url}/cb")
    assert len(product.wait("/cb", 6, To=twice)) == 6
    carrier.api("DELETE", "/faults")
    carrier.api("POST", "/faults", {"callbacks_off": True})
    text(carrier, none, StatusCallback=f"{product.url}/cb")
    wait(lambda: carrier.ledger(to=none)[0]["reached"])
    carrier.api("DELETE", "/faults")
    carrier.api("POST", "/faults", {"callback_first": True})
    text(carrier, early, StatusCallback=f"{product.url}/cb")
    assert len(product.to("/cb", To=early)) == 2
    assert product.to("/cb", To=none) == []


def test_lookups_may_lag(carrier, number):
    to = number()
    carrier.api("POST", "/faults", {"lookup_lag_s": 600})
    text(carrier, to)
    assert carrier.twilio().messages.list(to=to, limit=5) == []
    assert len(carrier.ledger(to=to)) == 1
    carrier.api("DELETE", "/faults")
    assert len(carrier.twilio().messages.list(to=to, limit=5)) == 1


def test_wrong_orders_are_refused(carrier):
    assert carrier.call("POST", "/carrier/api/faults", {"sabotage": 1})[0] == 400
    assert carrier.call("POST", "/carrier/api/faults", {"status_429_share": 3})[0] == 400
    assert carrier.call("POST", "/carrier/api/behaviour", {"channel": "sms", "address": "*", "mode": "moody"})[0] == 400
    assert carrier.call("POST", "/carrier/api/faults", b"no json")[0] == 400


def test_a_callback_is_retried_when_no_connection_came_about(own_carrier, number, wait):
    text(own_carrier, number(), StatusCallback="http://127.0.0.1:9/cb")
    wait(lambda: [a for a in own_carrier.get("/carrier/api/alerts")["alerts"] if a["code"] == 11205])


def test_connection_overrides_ask_for_more_tries(carrier, product, number):
    to, tries = number(), []

    def flaky(post):
        tries.append(post)
        return (500, "", b"") if len(tries) < 3 else (204, "", b"")

    product.answers["/flaky"] = flaky
    carrier.behave("sms", to, "sent-only")
    callback = f"{product.url}/flaky#rc=3&rp=all"
    text(carrier, to, StatusCallback=callback)
    posts = product.wait("/flaky", 3)
    assert all(carrier.signed(callback.partition("#")[0], post) for post in posts)
    assert len({post.headers["I-Twilio-Idempotency-Token"] for post in posts}) == 1


def is_written(carrier, *words):
    """Whether a killed carrier leaves a record that holds all of these words."""
    with closing(sqlite3.connect(carrier.state / "carrier.db")) as database:
        docs = [doc.decode() for (doc,) in database.execute("SELECT doc FROM record")]
    return any(all(word in doc for word in words) for doc in docs)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_a_restart_goes_on_where_it_was(own_carrier, product, number, wait, how):
    to, quitter, who = number(), number(), "keep@x.example"
    own_carrier.behave("sms", to, "sent-only")
    sid = text(own_carrier, to)[2]["sid"]
    own_carrier.mail(mail(who))
    own_carrier.api("POST", "/sms", {"from": quitter, "body": "STOP"})
    call = own_carrier.twilio().calls.create(
        to=number(), from_=own_carrier.voice_from, twiml='<Response><Pause length="900"/></Response>',
        status_callback=f"{product.url}/cut",
    )  # fmt: skip
    wait(lambda: own_carrier.get(f"/carrier/api/calls/{call.sid}")["status"] == "in-progress")
    wait(lambda: own_carrier.ledger(to=who)[0]["reached"])
    wait(lambda: all(is_written(own_carrier, one) for one in (sid, who, quitter)))
    wait(lambda: is_written(own_carrier, call.sid, '"in-progress"'))
    settings = own_carrier.settings
    own_carrier.stop(how)
    own_carrier.start()
    assert [e["id"] for e in own_carrier.ledger(to=to)] == [sid]
    assert own_carrier.ledger(to=who)[0]["subject"] == "x"
    assert text(own_carrier, quitter)[2]["code"] == 21610
    assert product.wait("/cut", CallSid=call.sid)[0].form["CallStatus"] == "completed"
    own_carrier.behave("sms", to, "deliver")
    assert own_carrier.settings == settings


def test_emptying_the_ledger_stays_empty(own_carrier, number, wait):
    to = number()
    text(own_carrier, to)
    text(own_carrier, to)
    summary = own_carrier.get("/carrier/api/ledger/summary")
    assert summary["channels"]["sms"]["accepted"] == 2
    assert summary["duplicates"] == [{"channel": "sms", "to": to, "count": 2}]
    own_carrier.api("DELETE", "/ledger")
    time.sleep(0.2)
    own_carrier.stop()
    own_carrier.start()
    assert own_carrier.get("/carrier/api/ledger/summary")["total"] == 0


def test_a_busy_port_is_said_in_one_line(own_carrier, tmp_path):
    again = [*own_carrier.command, "serve", "--state", str(own_carrier.state)]
    done = subprocess.run(again, capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2])
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "in use" in done.stderr
    nothing = subprocess.run(
        [*own_carrier.command, "serve", "--state", str(tmp_path / "none")],
        capture_output=True, text=True, timeout=60, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert nothing.returncode == 1
    assert "init" in nothing.stderr


def test_credentials_are_kept_and_private(own_carrier):
    init = [*own_carrier.command, "init", "--state", str(own_carrier.state), "--port", "1", "--product-url", "http://p"]
    again = json.loads(subprocess.run(init, capture_output=True, cwd=Path(__file__).parents[2], check=True).stdout)
    assert again["TWILIO_AUTH_TOKEN"] == own_carrier.token
    assert again["TWILIO_API_URL"].endswith(":1")
    assert (own_carrier.state / "carrier.json").stat().st_mode & 0o777 == 0o600


def test_pages_have_a_strict_policy_and_no_inline_script(carrier):
    for path in ("/", "/phone/%2B12025550143", "/mailbox/a@x.example", "/ledger", "/alerts", "/faults"):
        with urllib.request.urlopen(carrier.url + path, timeout=60) as answer:
            policy, body = answer.headers["Content-Security-Policy"], answer.read().decode()
        assert "default-src 'none'" in policy
        assert "unsafe" not in policy
        assert "onclick" not in body
        assert "nothing here reaches a real person" in body
    for name in ("app.js", "phone.js", "mailbox.js", "tools.js", "carrier.css", "icon.svg"):
        assert urllib.request.urlopen(f"{carrier.url}/carrier/static/{name}", timeout=60).status == 200
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(f"{carrier.url}/carrier/static/..%2fcore.py", timeout=60)


def test_names_of_the_directory_reach_the_page(tmp_path, product, own_carrier, wait):
    customers = tmp_path / "customers.csv"
    customers.write_text(
        "﻿customer_id,name,firm,email,sms,voice\n1,Ana Ruiz,Ruiz SA,Ana@Ruiz.example,+1 202 555 0143,\n"
    )
    staff = tmp_path / "staff.csv"
    staff.write_text("email;name;roles;phone\nrep@bank.example;Rep One;rep;+12025550144\n")
    own_carrier.stop()
    init = [*own_carrier.command, "init", "--state", str(own_carrier.state), "--port", str(own_carrier.port)]
    init += ["--product-url", product.url, "--directory", str(customers), "--directory", str(staff)]
    subprocess.run(init, check=True, capture_output=True, cwd=Path(__file__).parents[2])
    own_carrier.start()
    found = own_carrier.get("/carrier/api/addresses?search=ruiz")
    assert [(p["address"], p["kind"]) for p in found["phones"]] == [("+12025550143", "customer")]
    assert found["mailboxes"][0]["address"] == "ana@ruiz.example"
    assert own_carrier.get("/carrier/api/addresses?search=rep")["phones"][0]["kind"] == "staff"
    text(own_carrier, "+12025550143")
    search = "/carrier/api/addresses?search=%2B12025550143"
    wait(lambda: [phone["unread"] for phone in own_carrier.get(search)["phones"]] == [1])
    own_carrier.api("POST", "/seen", {"address": "+12025550143"})
    assert own_carrier.get("/carrier/api/addresses?search=%2B12025550143")["phones"][0]["unread"] == 0
