"""Pages for customers, who have no account: the alert, the answer, preferences, one click, telephone audio."""

from __future__ import annotations

import io
import re
from datetime import time
from pathlib import Path

import pytest
import soundfile
from sqlalchemy import select

from approvals import submission
from dispatcher.model import (
    AuditEntry,
    Conversation,
    Customer,
    Delivery,
    DistributionList,
    Letter,
    ListMember,
    OrderRequest,
    Preference,
    Reply,
)
from dispatcher.services import directory_marks, fan_out, reply_store, suppressions, wishes
from dispatcher.services.media import Upload
from dispatcher.services.understanding import Understood
from tests.web.conftest import Site


@pytest.fixture
def links(site: Site, samples: Path) -> dict[str, str]:
    """Ana's page of the alert and her preferences, and the telephone audio."""
    wav = (samples / "alert-2.wav").read_bytes()
    with site.session() as session:
        message = site.bank.released(session, recording=Upload("a.wav", wav))
        mail = session.scalars(select(Delivery).where(Delivery.channel == "email")).one()
        token = site.bank.runtime.token
        return {
            "alert": f"/r/{token('delivery', mail.id)}",
            "preferences": f"/p/{token('customer', site.bank.ids['ana'])}",
            "bob": f"/p/{token('customer', site.bank.ids['bob'])}",
            "audio": f"/audio/{token('media', message.current.recording_id or 0)}.wav",
        }


def replies(site: Site) -> list[Reply]:
    with site.session() as session:
        return list(session.scalars(select(Reply).order_by(Reply.id)))


def stopped(site: Site, channel: str, address: str) -> str:
    with site.session() as session:
        order = suppressions.in_force(session, channel, address)
        return f"{order.reason}, {order.source}" if order else ""


def test_the_alert_is_read_heard_and_answered(site: Site, links: dict[str, str]) -> None:
    page = site("nobody").get(links["alert"]).text
    for words in ("Downgrade", "We cut LTMY to hold.", "Answer Rep", "<audio", "Please call me"):
        assert words in page
    assert site("nobody").get(links["alert"] + "/recording").mimetype == "audio/wav"
    answer = site("nobody").client.post(links["alert"], data={"text": "Sell half?\r\nThanks.", "act": "answer"})
    assert answer.status_code == 302
    assert "Thank you" in site("nobody").get(answer.headers["Location"]).text
    (reply,) = replies(site)
    assert (reply.channel, reply.text, reply.state) == ("page", "Sell half?\nThanks.", "matched")
    with site.session() as session:
        assert session.scalars(select(Conversation)).one().rep_id == site.bank.ids["rep"]
    assert "Sell half?" in site("rep").get("/inbox/1").text


def test_a_call_is_asked_for_without_words(site: Site, links: dict[str, str]) -> None:
    assert site("nobody").client.post(links["alert"], data={"act": "call"}).status_code == 302
    assert [one.kind for one in replies(site)] == ["call"]
    assert "Wants a call" in site("rep").get("/inbox").text


def test_who_writes_that_they_want_no_more_is_shown_the_button(site: Site, links: dict[str, str]) -> None:
    answer = site("nobody").client.post(links["alert"], data={"text": "please take me off this list", "act": "answer"})
    page = site("nobody").get(answer.headers["Location"]).text
    assert "stops nothing by itself" in page
    assert links["preferences"] in page
    assert stopped(site, "email", "ana@simon.example") == ""


def test_an_empty_answer_is_asked_again(site: Site, links: dict[str, str]) -> None:
    answer = site("nobody").client.post(links["alert"], data={"text": " ", "act": "answer"})
    assert answer.status_code == 422
    assert 'id="text-fault"' in answer.text
    assert replies(site) == []


def test_an_answer_may_be_as_long_as_a_mail_and_is_never_cut(site: Site, links: dict[str, str]) -> None:
    assert "maxlength" not in site("nobody").get(links["alert"]).text
    for length, status in ((100_001, 422), (100_000, 302)):
        long = "ü" * length
        answer = site("nobody").client.post(links["alert"], data={"text": long, "act": "answer"})
        assert (answer.status_code, long in answer.text) == (status, status == 422)
    assert [len(one.text) for one in replies(site)] == [100_000]


def test_a_page_takes_ten_answers_an_hour(site: Site, links: dict[str, str]) -> None:
    statuses = [
        site("nobody").client.post(links["alert"], data={"text": f"words {n}", "act": "answer"}).status_code
        for n in range(11)
    ]
    assert statuses == [302] * 10 + [429]
    assert len(replies(site)) == 10


def test_a_number_is_shown_in_part_only(site: Site, links: dict[str, str]) -> None:
    with site.session() as session:
        text = session.scalars(select(Delivery).where(Delivery.channel == "sms")).one()
    page = site("nobody").get(f"/r/{site.bank.runtime.token('delivery', text.id)}").text
    assert "+12 … 01" in page
    assert "2025550101" not in page


# Every wrong key fits no lock, and all of them sound alike.
def test_wrong_tokens_are_all_alike(site: Site, links: dict[str, str]) -> None:
    token = site.bank.runtime.token
    with site.session() as session:
        pending = site.bank.submitted(session)
        session.add(Delivery(message_id=pending.id, channel="email", address="x@simon.example", state="queued"))
        session.commit()
        unreleased = session.scalars(select(Delivery).where(Delivery.message_id == pending.id)).one().id
        gone = session.get_one(Customer, site.bank.ids["cleo"])
        gone.active = False
        session.commit()
    good = links["alert"].removeprefix("/r/")
    pages = {
        site("nobody").get(path).text
        for path in (
            "/r/nonsense", f"/r/{good[:-1]}x", f"/r/{token('customer', 1)}", f"/r/{token('delivery', 999)}",
            f"/r/{token('delivery', unreleased)}", f"/p/{token('delivery', 1)}", f"/p/{token('customer', 999)}",
            f"/p/{token('customer', site.bank.ids['cleo'])}", f"/audio/{token('delivery', 1)}.wav",
            f"/audio/{token('media', 999)}.wav", "/audio/x.wav", f"/r/{good[:-1]}x/recording",
        )
    }  # fmt: skip
    assert len(pages) == 1
    assert "There is nothing here" in pages.pop()
    assert site("nobody").client.post("/r/nonsense", data={"text": "x"}).status_code == 404
    assert site("nobody").client.post("/p/nonsense/one-click").status_code == 404


def test_mail_programs_may_fold_the_case(site: Site, links: dict[str, str]) -> None:
    assert site("nobody").get("/r/" + links["alert"].removeprefix("/r/").upper()).status_code == 200


def test_a_cancelled_alert_is_shown_and_answered_where_it_had_left(site: Site, links: dict[str, str]) -> None:
    with site.session() as session:
        mail = session.scalars(select(Delivery).where(Delivery.channel == "email")).one()
        mail.state, mail.accepted_at = "accepted", site.bank.time()
        session.flush()
        submission.cancel(session, site.bank.runtime, site.bank.staff(session, "analyst"), 1)
        stopped = session.scalars(select(Delivery).where(Delivery.channel == "sms")).one()
        assert stopped.state == "cancelled"
        session.commit()
        waited = f"/r/{site.bank.runtime.token('delivery', stopped.id)}"
    assert site("nobody").get(waited).status_code == 404
    assert site("nobody").client.post(waited, data={"text": "x", "act": "answer"}).status_code == 404
    assert "We cut LTMY" in site("nobody").get(links["alert"]).text
    post = {"text": "Too late, I sold.", "act": "answer"}
    assert site("nobody").client.post(links["alert"], data=post).status_code == 302
    assert [one.text for one in replies(site)] == ["Too late, I sold."]


def test_the_order_of_channels_is_theirs(site: Site, links: dict[str, str]) -> None:
    def order() -> list[str]:
        with site.session() as session:
            return [one.channel for one in session.get_one(Customer, site.bank.ids["bob"]).preferences]

    assert order() == ["sms", "email"]
    post = site("nobody").client.post
    assert post(links["bob"] + "/order", data={"place-sms": "2", "place-email": "1"}).status_code == 302
    assert order() == ["email", "sms"]
    answer = post(links["bob"] + "/order", data={"place-sms": "1", "place-email": "1"})
    assert answer.status_code == 422
    assert "the same place" in answer.text
    assert post(links["bob"] + "/order", data={"place-pigeon": "1", "place-sms": "x"}).status_code == 302


def test_they_decide_whether_urgent_alerts_break_their_quiet_hours(site: Site, links: dict[str, str]) -> None:
    assert "quiet hours" not in site("nobody").get(links["preferences"]).text
    with site.session() as session:
        ana = session.get_one(Customer, site.bank.ids["ana"])
        ana.quiet_from, ana.quiet_until = time(22), time(7)
        session.commit()
    assert "From 22:00 to 07:00 (UTC)" in site("nobody").get(links["preferences"]).text
    for form, allowed in (({"urgent": "yes"}, True), ({}, False)):
        answer = site("nobody").client.post(links["preferences"] + "/quiet", data=form)
        assert "Your quiet hours are saved." in site("nobody").get(answer.headers["Location"]).text
        with site.session() as session:
            assert session.get_one(Customer, site.bank.ids["ana"]).urgent_when_quiet is allowed


def test_stop_asks_first_and_can_be_taken_back(site: Site, links: dict[str, str]) -> None:
    browser = site("nobody")
    asked = browser.get(links["preferences"] + "/stop/email")
    assert "Yes, stop it" in asked.text
    assert stopped(site, "email", "ana@simon.example") == ""  # opening a link changes nothing
    assert browser.client.post(links["preferences"] + "/stop/email").status_code == 302
    assert stopped(site, "email", "ana@simon.example") == "opt-out, preferences page"
    assert "All ways to reach you are stopped" in browser.get(links["preferences"]).text
    assert browser.client.post(links["preferences"] + "/resume/email").status_code == 302
    assert stopped(site, "email", "ana@simon.example") == ""
    assert browser.client.post(links["preferences"] + "/stop/fax").status_code == 404


def test_what_the_bank_stopped_only_the_bank_takes_back(site: Site, links: dict[str, str]) -> None:
    with site.session() as session:
        suppressions.suppress(session, site.bank.runtime, "email", "ana@simon.example", "complaint", "provider")
        session.commit()
    assert "stopped by us" in site("nobody").get(links["preferences"]).text
    assert site("nobody").client.post(links["preferences"] + "/resume/email").status_code == 409
    assert stopped(site, "email", "ana@simon.example") == "complaint, provider"


def test_one_click_acts_on_post_only(site: Site, links: dict[str, str]) -> None:
    address = links["preferences"] + "/one-click"
    fresh = site.app.test_client(use_cookies=False)
    for _ in range(2):
        asked = fresh.get(address)
        assert (asked.status_code, "Yes, stop it" in asked.text) == (200, True)
        assert fresh.head(address).status_code == 200
    for body in ({}, {"List-Unsubscribe": "yes"}, {"a": "b"}, {"List-Unsubscribe": ["One-Click", "x"]}):
        assert fresh.post(address, data=body).status_code == 400
    assert fresh.post(address, json={"List-Unsubscribe": "One-Click"}).status_code == 400
    assert stopped(site, "email", "ana@simon.example") == ""
    for _ in range(2):  # a second time does no harm
        answer = fresh.post(address, data={"List-Unsubscribe": "One-Click"}, headers={"Sec-Fetch-Site": "cross-site"})
        assert answer.status_code == 200
        assert "Set-Cookie" not in answer.headers
    assert stopped(site, "email", "ana@simon.example") == "opt-out, one-click"
    again = fresh.post(address, content_type="multipart/form-data", data={"List-Unsubscribe": "One-Click"})
    assert again.status_code == 200
    with site.session() as session:
        assert len(session.scalars(select(AuditEntry.seq).where(AuditEntry.action == "suppress")).all()) == 1


@pytest.fixture
def about_rates(site: Site) -> dict[str, str]:
    """Bob's preferences, as an alert about rates and one about nothing in particular link to them."""
    with site.session() as session:
        numbers = {topic: site.bank.released(session, topic=topic).id for topic in ("rates", "")}
        page = f"/p/{site.bank.runtime.token('customer', site.bank.ids['bob'])}"
        return {"page": page, **{topic or "other": f"{page}?a={number}" for topic, number in numbers.items()}}


def topics_stopped(site: Site, channel: str, address: str) -> list[str]:
    with site.session() as session:
        return [one.topic or "all" for one in suppressions.all_in_force(session, channel, address)]


def test_one_topic_is_stopped_and_taken_back(site: Site, about_rates: dict[str, str]) -> None:
    browser, page = site("nobody"), about_rates["page"]
    assert "rates" in browser.get(page).text
    assert "(the alert you come from)" in browser.get(about_rates["rates"]).text
    assert "(the alert you come from)" not in browser.get(about_rates["other"]).text
    asked = browser.get(f"{page}/stop/sms?topic=rates").text
    assert "about rates?" in asked
    assert browser.client.post(f"{page}/stop/sms", data={"topic": "rates"}).status_code == 302
    assert topics_stopped(site, "sms", "+12025550101") == ["rates"]
    shown = browser.get(page).text
    assert "You get everything here but rates." in shown
    assert "All ways to reach you are stopped" not in shown
    assert browser.client.post(f"{page}/stop/sms").status_code == 302
    assert topics_stopped(site, "sms", "+12025550101") == ["all", "rates"]
    assert browser.client.post(f"{page}/resume/sms").status_code == 302
    assert topics_stopped(site, "sms", "+12025550101") == ["rates"]
    assert browser.client.post(f"{page}/resume/sms", data={"topic": "rates"}).status_code == 302
    assert topics_stopped(site, "sms", "+12025550101") == []
    assert browser.client.post(f"{page}/stop/sms", data={"topic": "gossip"}).status_code == 404


def test_who_is_asked_whether_to_stop_may_stop_one_topic_only(site: Site, about_rates: dict[str, str]) -> None:
    alert = about_rates["rates"].partition("?")[2]
    page = site("nobody").get(f"{about_rates['page']}/one-click?{alert}").text
    assert ("bob@simon.example" in page, "Only about rates" in page) == (False, True)
    assert "Only about x" not in site("nobody").get(f"{about_rates['page']}/one-click?a=999&topic=x").text


def test_each_topic_and_everything_is_stopped_and_taken_back_on_one_page(
    site: Site, about_rates: dict[str, str]
) -> None:
    with site.session() as session:  # chosen ways, and sent to a list of his before he was on it
        session.add(Preference(customer_id=site.bank.ids["bob"], topic="fx", rank=0, channel="sms"))
        site.bank.released(session, topic="memory", lists=["top"])
        session.add(ListMember(list_id=session.scalars(select(DistributionList.id).filter_by(key="top")).one(),
                               customer_id=site.bank.ids["bob"]))  # fmt: skip
        session.commit()
    page, browser = about_rates["page"], site("nobody")
    buttons: tuple[tuple[str, dict[str, str], list[str], str], ...] = (
        ("stop", {"topic": "fx"}, ["fx"], "everything here but fx."),
        ("stop", {"topic": "memory"}, ["fx", "memory"], "everything here but fx, memory."),
        ("stop", {}, ["all", "fx", "memory"], "Resume all but fx, memory"),
        ("resume", {}, ["fx", "memory"], "everything here but fx, memory."),
        ("resume", {"topic": "fx"}, ["memory"], "everything here but memory."),
        ("stop", {}, ["all", "memory"], "Resume everything"),
        ("resume", {"all": "yes"}, [], "You get everything here."),
    )
    for act, form, left, words in buttons:
        shown = browser.get(about_rates["rates"]).text
        assert all(topic in shown for topic in ("rates", "memory", "fx")) or "nothing here" in shown
        assert browser.client.post(f"{page}/{act}/sms", data=form).status_code == 302
        assert topics_stopped(site, "sms", "+12025550101") == left
        assert words in browser.get(page).text, (act, form)
    with site.session() as session:
        told = session.scalars(select(Letter.subject).where(Letter.kind == "confirmation").order_by(Letter.id)).all()
    assert told[:2] == [
        "No more text messages about fx from Example Bank",
        "No more text messages about memory from Example Bank",
    ]


@pytest.mark.parametrize("left", [False, True])
def test_one_click_stops_the_address_the_mail_went_to(site: Site, links: dict[str, str], left: bool) -> None:
    with site.session() as session:
        ana = session.get_one(Customer, site.bank.ids["ana"])
        ana.active = not left
        ana.contact_points.clear()
        session.commit()
        alert = session.scalars(select(Delivery.message_id).where(Delivery.channel == "email")).one()
    address, form = links["preferences"] + "/one-click", {"List-Unsubscribe": "One-Click"}
    fresh = site.app.test_client(use_cookies=False)
    assert fresh.post(address, data=form).status_code == 404
    assert fresh.post(f"{address}?a={alert}", data=form).status_code == 200
    assert stopped(site, "email", "ana@simon.example") == "opt-out, one-click"


def test_what_the_carrier_holds_is_not_taken_back_on_the_page(site: Site, links: dict[str, str]) -> None:
    with site.session() as session:
        directory_marks.learn(session, site.bank.runtime, "sms", "+12025550101", "opt-out", "carrier 21610")
        session.commit()
    page = site("nobody").get(links["bob"]).text
    assert "text START to bring them back" in page
    assert site("nobody").client.post(links["bob"] + "/resume/sms").status_code == 409
    assert "until they text START" in site("rep").get("/directory/customers/bob").text


def test_a_doubt_is_settled_on_the_page_of_tasks(site: Site) -> None:
    with site.session() as session:
        reply = reply_store.keep(
            session, site.bank.runtime, dedupe="d", channel="sms", sender="+12025550101", text="not on weekends",
            understood=Understood(doubt="opt-out"), person=session.get_one(Customer, site.bank.ids["bob"]),
        )  # fmt: skip
        wishes.hold(session, site.bank.runtime, reply, "sms", "+12025550101")
        site.bank.released(session, valid_for=3600)
        fan_out.claim(session, site.bank.runtime, 1, "sms", "scripted", 10)
        session.commit()
    thread = re.sub(r"<[^>]+>", "", site("rep").get("/inbox/1").text)
    assert "1 alert waits at text message +12025550101 until somebody has said" in thread
    assert "it is too late after 10:30:00 UTC" in thread
    assert "1 alert would go on waiting" in site("rep").get("/inbox/1").text
    bobs = f"/p/{site.bank.runtime.token('customer', site.bank.ids['bob'])}"
    held = site("nobody").get(bobs).text
    assert "until your representative has read your message" in held
    assert "Stop everything" in held  # by themselves, whatever it is taken for
    assert "Yes, stop it" in site("nobody").get(f"{bobs}/stop/sms").text
    page = site("rep").get("/tasks")
    assert "It is an opt-out" in page.text
    answered = site("rep").post("/tasks/1/answer", {"answer": "not"})
    assert answered.status_code == 302
    assert stopped(site, "sms", "+12025550101") == ""
    assert site("rep").post("/tasks/1/answer", {"answer": "opt-out"}).status_code == 409


def test_telephones_get_what_they_play_best(site: Site, links: dict[str, str]) -> None:
    answer = site("nobody").get(links["audio"])
    assert answer.mimetype == "audio/wav"
    sound = soundfile.info(io.BytesIO(answer.data))
    assert (sound.samplerate, sound.channels, sound.subtype) == (8000, 1, "PCM_16")
    assert site("nobody").client.head(links["audio"]).content_length == len(answer.data)
    part = site("nobody").get(links["audio"], headers={"Range": "bytes=0-99"})
    assert (part.status_code, len(part.data)) == (206, 100)
    assert part.headers["Accept-Ranges"] == "bytes"


def test_two_people_who_share_an_address_are_both_named(site: Site) -> None:
    with site.session() as session:
        from dispatcher.model import ContactPoint

        cleo = session.get_one(Customer, site.bank.ids["cleo"])
        cleo.contact_points.append(ContactPoint(channel="email", address="ana@simon.example"))
        cleo.preferences.clear()
        session.commit()
        site.bank.released(session)
        mail = session.scalars(select(Delivery).where(Delivery.address == "ana@simon.example")).one()
        path = f"/r/{site.bank.runtime.token('delivery', mail.id)}"
    page = site("nobody").get(path).text
    assert "Ana and Cleo" in page
    assert "Change how we reach you" not in page  # whose would it be?


def test_who_orders_on_the_page_reads_at_once_that_nothing_is_accepted(site: Site, links: dict[str, str]) -> None:
    answer = site("nobody").client.post(links["alert"], data={"text": "Buy 5,000 LTMY at market", "act": "answer"})
    page = site("nobody").get(answer.headers["Location"]).text
    assert "order request is noted: it is not accepted until Rep has confirmed it to you" in page
    with site.session() as session:
        assert session.scalars(select(OrderRequest)).one().state == "waiting"
        assert session.scalars(select(Letter).where(Letter.kind == "order-noted")).all() == []


def test_an_order_beside_a_wish_to_be_called_is_not_lost(site: Site, links: dict[str, str]) -> None:
    site("nobody").client.post(links["alert"], data={"text": "Buy 5,000 LTMY at market", "act": "call"})
    site("nobody").client.post(links["alert"], data={"text": "after 3 pm", "act": "call"})
    with site.session() as session:
        order, call = session.scalars(select(Reply).order_by(Reply.id))
        assert (order.kind, order.note, call.kind) == ("order", "asks to be called as well", "call")
