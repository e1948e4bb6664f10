"""The pages of messages and approvals: what is seen, decided, withdrawn, played."""

from __future__ import annotations

import re
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from approvals import submission
from dispatcher.model import (
    AuditEntry,
    ContactPoint,
    Customer,
    Decision,
    Delivery,
    DistributionList,
    Grant,
    ListMember,
    Message,
    Preference,
    Staff,
)
from dispatcher.services.media import Upload
from tests.web.conftest import Site


def submitted(site: Site, **changes: Any) -> Message:
    with site.session() as session:
        message = site.bank.submitted(session, **changes)
        assert message.current.digest
        return message


def state(site: Site, number: int = 1) -> str:
    with site.session() as session:
        return session.get_one(Message, number).state


def decide(site: Site, decision: str, digest: str, *, who: str = "officer", **fields: str) -> Any:
    return site(who).post("/approvals/1", {"decision": decision, "digest": digest, **fields})


def test_the_list_is_searched_by_words_state_and_number(site: Site) -> None:
    submitted(site, subject="Memory prices 100%_/ up")
    submitted(site, subject="Healthcare weekly", text="quiet")
    for query, found in (
        ("", {1, 2}), ("?q=memory", {1}), ("?q=QUIET", {2}), ("?q=100%25_/", {1}), ("?q=1", {1}), ("?q=%25", {1}),
        ("?state=pending", {1, 2}), ("?state=draft", set()), ("?state=nonsense", {1, 2}), ("?page=7", {1, 2}),
        ("?page=x", {1, 2}), ("?q=nothing", set()), ("?q=99999999999999999999", set()),
    ):  # fmt: skip
        page = site("analyst").get("/messages" + query)
        assert page.status_code == 200
        assert {int(one) for one in re.findall(r'href="/messages/(\d+)"', page.text)} == found, query


def test_long_lists_come_in_pages(site: Site) -> None:
    for number in range(27):
        submitted(site, subject=f"Alert {number}")
    first, second = site("analyst").get("/messages").text, site("analyst").get("/messages?page=2").text
    assert "1–25 of 27 messages" in first
    assert "26–27 of 27 messages" in second
    assert 'href="/messages?page=2"' in first


def test_an_officer_approves_what_was_seen(site: Site) -> None:
    message = submitted(site)
    page = site("officer").get("/approvals/1").text
    assert f'name="digest" value="{message.current.digest}"' in page
    for part in ("We cut LTMY to hold.", "Recipients", "Mail", "Text message", "Voice", "Semis"):
        assert part in page
    answer = decide(site, "approve", message.current.digest)
    assert (answer.status_code, answer.headers["Location"]) == (302, "/approvals")
    assert state(site) == "releasing"
    assert ("sms", "fan_out", ("sms",)) in site.bank.bells.rings


def test_the_numbers_an_officer_sees_add_up(site: Site) -> None:
    with site.session() as session:
        bob = session.scalars(select(Customer).where(Customer.key == "bob")).one()
        ana = session.scalars(select(Customer).where(Customer.key == "ana")).one()
        ana.contact_points[0].address = "desk@simon.example"
        bob.preferences = []
        session.flush()
        bob.preferences = [Preference(rank=0, channel="email")]
        next(one for one in bob.contact_points if one.channel == "email").address = "desk@simon.example"
        session.commit()
    submitted(site)
    assert "1 shares an address with somebody else" in site("officer").get("/approvals/1").text


@pytest.mark.parametrize(("decision", "after"), [("return", "returned"), ("reject", "rejected")])
def test_an_officer_says_no(site: Site, decision: str, after: str) -> None:
    message = submitted(site)
    assert decide(site, decision, message.current.digest, comment="Name the two\r\nnames.").status_code == 302
    assert state(site) == after
    assert "Name the two\nnames." in site("analyst").get("/messages/1").text


def test_returning_needs_a_reason_and_keeps_what_was_typed(site: Site) -> None:
    message = submitted(site)
    answer = decide(site, "return", message.current.digest, comment="  ")
    assert answer.status_code == 422
    assert 'id="comment-fault"' in answer.text
    assert state(site) == "pending"
    answer = decide(site, "nonsense", message.current.digest, comment="typed words")
    assert answer.status_code == 422
    assert "typed words" in answer.text


def test_who_wrote_or_edited_sees_why_they_cannot_decide(site: Site) -> None:
    from approvals import submission

    with site.session() as session:
        colleague = site.bank.staff(session, "colleague")
        message = submission.create(session, site.bank.runtime, colleague, site.bank.submission())
        session.commit()
        digest = message.current.digest
    page = site("colleague").get("/approvals/1").text
    assert "You wrote this alert" in page
    assert 'name="decision"' not in page
    assert decide(site, "approve", digest, who="colleague").status_code == 403
    assert state(site) == "pending"
    queue = site("colleague").get("/approvals").text
    assert "You wrote this alert" in queue
    assert 'class="waiting"' not in queue  # nothing waits for them


def test_the_second_officer_learns_who_was_first(site: Site) -> None:
    digest = submitted(site).current.digest
    assert decide(site, "reject", digest).status_code == 302
    answer = decide(site, "approve", digest, who="other", comment="my words")
    assert answer.status_code == 409
    assert "already rejected by Officer" in answer.text
    assert state(site) == "rejected"
    with site.session() as session:
        assert len(session.scalars(select(Decision)).all()) == 1


def test_pressed_twice_a_decision_is_one(site: Site) -> None:
    digest = submitted(site).current.digest
    for _ in range(2):
        assert decide(site, "approve", digest).headers["Location"] == "/approvals"
    assert decide(site, "reject", digest).status_code == 409
    with site.session() as session:
        assert len(session.scalars(select(Decision)).all()) == 1


def test_an_officer_who_looked_at_an_older_version_sees_the_new_one(site: Site) -> None:
    from approvals import submission

    digest = submitted(site).current.digest
    with site.session() as session:
        submission.edit(session, site.bank.runtime, site.bank.staff(session, "analyst"), 1, {"text": "Changed."})
        session.commit()
    answer = decide(site, "approve", digest, comment="Fine with me.")
    assert answer.status_code == 409
    assert "was changed by Analyst (version 2)" in answer.text
    assert "Changed." in answer.text
    assert "Fine with me." in answer.text
    fresh = re.search(r'name="digest" value="([0-9a-f]{64})"', answer.text)
    assert fresh
    assert decide(site, "approve", fresh[1]).status_code == 302


def test_the_mail_is_shown_in_a_cage(site: Site) -> None:
    submitted(site, subject="<script>alert(1)</script>", text='<img src=x onerror="alert(1)">')
    page = site("officer").get("/approvals/1").text
    assert re.search(r"<iframe[^>]* sandbox ", page)
    answer = site("officer").get("/approvals/1/mail/1")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "sandbox" in policy
    assert "script" not in policy
    assert "frame-ancestors 'self'" in policy
    assert "<script>" not in answer.text
    assert "-reply-token-" not in answer.text
    assert site("analyst").get("/approvals/1/mail/1").status_code == 403


def test_everybody_it_is_for_is_listed(site: Site) -> None:
    submitted(site)
    page = site("officer").get("/approvals/1/people").text
    assert "3 customers" in page
    for name in ("Ana", "Bob", "Cleo"):
        assert name in page


def test_plays_are_on_record(site: Site, samples: Path) -> None:
    wav = (samples / "alert-2.wav").read_bytes()
    submitted(site, recording=Upload("a.wav", wav))
    answer = site("officer").get("/messages/1/recording")
    assert answer.data == wav
    assert answer.mimetype == "audio/wav"
    part = site("officer").get("/messages/1/recording", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.data) == (206, wav[100:200])
    assert part.headers["Content-Range"] == f"bytes 100-199/{len(wav)}"
    assert site("officer").client.head("/messages/1/recording").content_length == len(wav)
    assert site("rep").get("/messages/1/recording").status_code == 404
    with site.session() as session:
        plays = session.scalars(select(AuditEntry).where(AuditEntry.action == "play recording")).all()
    # Seeking is the same play, and a look at the length is none.
    assert [(one.actor, one.subject) for one in plays] == [("officer@bank.example", "message 1")]


def test_attachments_are_downloads_of_no_type(site: Site) -> None:
    submitted(site, attachments=[Upload('no"te<b>.txt', b"<script>alert(1)</script>")])
    answer = site("analyst").get("/messages/1/attachments/0")
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert '"te' not in answer.headers["Content-Disposition"]
    assert site("analyst").get("/messages/1/attachments/1").status_code == 404


def test_an_author_withdraws_and_submits_again(site: Site) -> None:
    submitted(site)
    assert "Withdraw" in site("analyst").get("/messages/1").text
    assert site("analyst").post("/messages/1/withdraw").status_code == 302
    assert state(site) == "withdrawn"
    assert site("officer").post("/messages/1/withdraw").status_code in (403, 409)
    assert site("analyst").post("/messages/1/submit").status_code == 302
    assert state(site) == "pending"


def test_a_release_is_cancelled_and_seen_on_its_way(site: Site) -> None:
    with site.session() as session:
        site.bank.released(session)
    page = site("analyst").get("/messages/1").text
    assert 'data-refresh="/messages/1/progress"' in page
    part = site("analyst").get("/messages/1/progress").text
    assert 'data-over="no"' in part
    assert "0 of 1 accepted" in part
    assert "ana@simon.example" in site("analyst").get("/messages/1/deliveries").text
    found = site("analyst").get("/messages/1/deliveries?channel=sms&state=queued&q=0101").text
    assert "+12025550101" in found
    assert "ana@simon.example" not in found
    assert site("officer").post("/messages/1/cancel").status_code == 302
    assert state(site) == "cancelled"
    assert 'data-over="yes"' in site("analyst").get("/messages/1/progress").text
    assert "data-refresh" not in site("analyst").get("/messages/1").text


def test_what_is_released_may_be_cancelled_while_something_may_still_leave(site: Site) -> None:
    with site.session() as session:
        site.bank.released(session).state = "released"
        session.execute(update(Delivery).values(state="accepted"))
        session.commit()
    button = 'action="/messages/1/cancel"'
    assert button not in site("officer").get("/messages/1").text
    assert site("officer").post("/messages/1/cancel").status_code == 409
    with site.session() as session:
        session.execute(update(Delivery).where(Delivery.channel == "sms").values(state="unknown"))
        session.commit()
    assert button in site("officer").get("/messages/1").text
    assert site("officer").post("/messages/1/cancel").status_code == 302
    assert state(site) == "cancelled"


def test_the_report_of_a_release(site: Site) -> None:
    submitted(site)
    assert site("analyst").get("/reports/1").status_code == 404
    with site.session() as session:
        site.bank.released(session)
    assert "/reports/2" in site("officer").get("/reports").text
    page = site("analyst").get("/reports/2").text
    for words in ("Recipients", "First to last", "Mail", "p95"):
        assert words in page


def test_deliveries_show_each_only_what_is_theirs_to_see(site: Site) -> None:
    """A rep their own customers; an analyst who did not write it all of them, their addresses in part."""
    with site.session() as session:
        session.add(Staff(email="by@bank.example", name="By", channels=["email"], grants=[Grant(role="analyst")]))
        session.flush()
        site.bank.ids["by"] = session.scalars(select(Staff.id).where(Staff.email == "by@bank.example")).one()
        lost = Customer(key="lost", name="Lost", rep_id=site.bank.ids["admin"])
        desk = Customer(key="desk", name="Desk", rep_id=site.bank.ids["admin"])
        desk.contact_points = [ContactPoint(channel="voice", address="+12025550102")]
        session.add_all([lost, desk])
        session.get_one(Customer, site.bank.ids["bob"]).rep_id = site.bank.ids["admin"]
        session.flush()
        top = session.scalars(select(DistributionList.id).where(DistributionList.key == "top")).one()
        session.add_all(ListMember(list_id=top, customer_id=one.id) for one in (lost, desk))
        session.commit()
        site.bank.released(session)
    path = "/messages/1/deliveries"

    def names(who: str, query: str = "") -> set[str]:
        return set(re.findall(r"/directory/customers/(\w+)", site(who).get(path + query).text))

    rep = site("rep").get(path).text
    assert names("rep") == {"ana", "cleo"}  # Desk shares a telephone with Cleo
    assert "ana@simon.example" in rep
    assert "+12025550101" not in rep
    assert names("rep", "?q=0101") == set()
    for who in ("analyst", "officer", "admin"):
        assert names(who) == {"ana", "bob", "cleo", "desk", "lost"}
        assert "+12025550101" in site(who).get(path).text
    by = site("by").get(path).text
    assert names("by") == {"ana", "bob", "cleo", "desk", "lost"}
    assert "+12…01" in by
    assert "2025550101" not in by
    assert names("by", "?q=0101") == names("by", "?q=0999")  # nor found out by searching


def test_what_was_cancelled_before_its_release_stays_need_to_know(site: Site) -> None:
    later = site.bank.time() + timedelta(hours=5)
    with site.session() as session:
        message = site.bank.released(session, release_at=later)
        assert message.state == "approved"
        submission.cancel(session, site.bank.runtime, site.bank.staff(session, "analyst"), message.id)
        session.commit()
        went = site.bank.released(session)
        submission.cancel(session, site.bank.runtime, site.bank.staff(session, "analyst"), went.id)
        session.commit()
    assert site("rep").get("/messages/1").status_code == 404
    assert 'href="/messages/1"' not in site("rep").get("/messages?state=cancelled").text
    assert site("rep").get("/messages/2").status_code == 200
    for name in ("analyst", "officer", "other", "admin"):
        assert site(name).get("/messages/1").status_code == 200
