"""The loop in a browser: an analyst writes, an officer reads and approves, a customer answers, the rep responds."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.journeys.bank import SAMPLES, Bank, customers_of, wait_for
from tests.product import Product

pytestmark = [pytest.mark.browser, pytest.mark.journey]

SUBJECT = "Upgrade of Lattice Memory"


def sign_in(product: Product, page: Any, email: str) -> None:
    password = (product.var_dir / "demo-password").read_text().strip()
    page.context.clear_cookies()
    page.goto(f"{product.url}/")
    page.get_by_label("Mail address").fill(email)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(re.compile(r"/(messages|approvals|inbox|directory)"))


def test_the_loop_in_a_browser(product: Callable[..., Product], chromium_page: Any) -> None:
    page = chromium_page
    # The pages know each other by this name; a browser keeps cookies by host.
    started = product(env={"TWILIO_CALLS_PER_SECOND": "50"})
    started.url = started.url.replace("127.0.0.1", "localhost")
    bank = Bank(started)

    sign_in(started, page, "anthony.nicholson@bank.example")
    page.goto(f"{started.url}/messages/new")
    page.get_by_role("button", name="Submit for approval").click()
    faults = page.locator(".faults")
    for field in ("Subject", "Text", "Lists"):
        assert field in faults.inner_text(), "every wrong field is shown at once"
    page.get_by_label("Subject").fill(SUBJECT)
    page.locator("textarea[name=text]").fill("We raise LTMY to buy.")
    page.locator("input[name=recording]").set_input_files(str(SAMPLES / "alert-2.wav"))
    page.locator("input[name=lists][value=semis-all]").check()
    page.get_by_role("button", name="Submit for approval").click()
    page.wait_for_url(re.compile(r"/messages/\d+$"))
    message_id = page.url.rsplit("/", 1)[1]
    assert "pending" in page.content().lower()

    sign_in(started, page, "sara.green@bank.example")
    page.goto(f"{started.url}/approvals")
    page.get_by_role("link", name=SUBJECT).click()
    assert "We raise LTMY to buy." in page.content()
    assert (
        page.locator("audio").first.evaluate(
            "one => new Promise(done => { one.onloadedmetadata = () => done(one.duration); one.load(); })"
        )
        > 5
    )
    whom = page.get_by_role("region", name="For whom").inner_text()
    assert re.search(r"Recipients\s212\sDeliveries\s202\s", whom)
    page.get_by_role("button", name="Approve").click()
    page.wait_for_url(re.compile(r"/(approvals|messages)"))

    def everybody() -> bool:
        return len([one for one in bank.ledger() if SUBJECT in str(one.get("subject"))]) >= 97

    wait_for(everybody, 60, "97 customers have mail")
    # Whoever has nobody of their own is answered by the firm's, if it has one.
    owned = {row["email"].strip() for row in customers_of("semis-all") if row["rep_email"]}
    alert = next(one for one in bank.ledger("email") if SUBJECT in one["subject"] and one["to"] in owned)
    customer = next(row for row in customers_of("semis-all") if row["email"].strip() == alert["to"])
    link = next(iter(re.findall(r"http://localhost:\d+/r/\w+", alert["text"])))
    page.context.clear_cookies()
    page.goto(link)
    assert "We raise LTMY to buy." in page.content()
    page.locator("textarea").first.fill("Buy me two thousand, please.")
    page.locator("form button[type=submit]").first.click()
    page.wait_for_load_state()

    sign_in(started, page, customer["rep_email"])
    page.goto(f"{started.url}/inbox")
    page.get_by_role("link", name=re.compile(re.escape(customer["name"]))).first.click()
    assert "Buy me two thousand, please." in page.content()
    page.locator("textarea[name=text]").fill("Not accepted until I have rung you.")
    page.get_by_role("button", name=re.compile("Send|Answer|Respond")).first.click()

    def answered() -> bool:
        return any("Not accepted until I have rung you." in str(one.get("text")) for one in bank.ledger(to=alert["to"]))

    wait_for(answered, 60, "the rep's answer reaches the customer")
    report = page.goto(f"{started.url}/reports/{message_id}")
    assert report.status in (200, 403)
