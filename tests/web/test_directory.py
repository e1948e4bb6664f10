"""The directory's pages, the import from a file, staff, the record, and what machines ask."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
import redis
from sqlalchemy import func, select, text, update

from dispatcher.app import create_app
from dispatcher.model import AuditEntry, ContactPoint, Customer, Letter, Suppression
from dispatcher.services import accounts, preferences
from dispatcher.storage import make_engine, make_sessions
from tests.directory_runtime import staff_without_pins
from tests.small_bank import small_bank
from tests.web.conftest import Site, Visitor


def test_customers_are_found_by_anything(site: Site) -> None:
    for query, names in (
        ("", {"ana", "bob", "cleo"}), ("?q=an", {"ana"}), ("?q=simon", {"ana", "bob", "cleo"}),
        ("?q=simon+bob", {"bob"}), ("?q=0101", {"bob"}), ("?q=%25", set()), ("?mine=1", {"ana", "bob", "cleo"}),
    ):  # fmt: skip
        page = site("rep").get("/directory" + query)
        assert set(re.findall(r"/directory/customers/(\w+)", page.text)) == names, query
    assert "/directory/customers/" not in site("analyst").get("/directory?mine=1").text


def test_a_customer_shows_how_and_why_not(site: Site) -> None:
    with site.session() as session:
        session.execute(
            update(ContactPoint).where(ContactPoint.channel == "sms").values(valid=False, invalid_because="21614")
        )
        session.commit()
    page = site("rep").get("/directory/customers/bob").text
    for words in ("+12025550101", "not valid", "21614", "bob@simon.example", "Semis"):
        assert words in page
    assert site("rep").get("/directory/customers/nobody").status_code == 404


def test_only_the_own_rep_and_administrators_mend(site: Site) -> None:
    path = "/directory/customers/bob/sms"

    def in_force() -> int:
        with site.session() as session:
            return session.scalar(select(func.count()).where(Suppression.lifted_at.is_(None))) or 0

    assert site("analyst").post(f"{path}/suppress").status_code == 403
    assert site("rep").post(f"{path}/suppress", {"why": "asked by telephone"}).status_code == 302
    assert in_force() == 1
    assert "asked by telephone" in site("rep").get("/directory/customers/bob").text
    with site.session() as session:  # somebody else's customer from now on
        session.get_one(Customer, site.bank.ids["bob"]).rep_id = site.bank.ids["admin"]
        session.commit()
    assert site("rep").post(f"{path}/lift").status_code == 404
    assert site("rep").get("/directory/customers/bob").status_code == 404
    assert "Use again" not in site("analyst").get("/directory/customers/bob").text
    demanded = 'aria-label="What the customer said, and when" required'
    assert demanded not in site("admin").get("/directory/customers/bob").text
    with site.session() as session:  # they end it themselves, and the row goes on to tell of the graver order
        bob = session.get_one(Customer, site.bank.ids["bob"])
        preferences.stop(session, site.bank.runtime, bob, "sms", "preferences page")
        assert session.scalars(select(Suppression.reason)).all() == ["by-hand"]
        session.commit()
    site("admin").post(f"{path}/lift")
    assert in_force() == 1
    shown = site("admin").get("/directory/customers/bob").text
    assert "write what they said" in shown
    assert demanded in shown
    assert site("admin").post(f"{path}/lift", {"said": "rang today: yes, please"}).status_code == 302
    assert in_force() == 0
    assert site("admin").post("/directory/customers/bob/fax/suppress").status_code == 404


def test_a_list_shows_its_number_and_who_keeps_it_changes_it(site: Site) -> None:
    path = "/directory/lists/semis"
    assert "Change the number" not in site("analyst").get(path).text
    assert site("analyst").post(f"{path}/number", {"number": "12"}).status_code == 403
    assert site("rep").post(f"{path}/number", {"number": "12"}).status_code == 403
    assert site("admin").post(f"{path}/number", {"number": "12"}).status_code == 302
    assert '<strong class="code">12</strong>' in site("rep").get(path).text
    assert "telephone 12" in site("rep").get("/directory/lists").text
    for wrong in ("12x", "", "0", "٧", "9" * 30):
        assert site("admin").post(f"{path}/number", {"number": wrong}).status_code == 302
    assert site("admin").post("/directory/lists/top/number", {"number": "12"}).status_code == 302
    page = site("admin").get("/directory/lists/top").text
    assert "Not changed: the number is that of Semis (semis)." in page
    assert "It has no number for the telephone." in page
    assert '<strong class="code">12</strong>' in site("admin").get(path).text
    assert site("admin").post("/directory/lists/none/number", {"number": "3"}).status_code == 404


def test_a_rep_sees_nobodys_customers_but_their_own(site: Site) -> None:
    with site.session() as session:
        session.get_one(Customer, site.bank.ids["bob"]).rep_id = site.bank.ids["admin"]
        session.commit()
    for path, names in (
        ("/directory", {"ana", "cleo"}), ("/directory?q=0101", set()), ("/directory?mine=1", {"ana", "cleo"}),
        ("/directory/lists/semis", {"ana"}),
    ):  # fmt: skip
        page = site("rep").get(path).text
        assert set(re.findall(r"/directory/customers/(\w+)", page)) == names, path
    assert "1 customer of yours" in site("rep").get("/directory/lists/semis").text
    hidden, missing = site("rep").get("/directory/customers/bob"), site("rep").get("/directory/customers/nobody")
    assert (hidden.status_code, hidden.text.replace("bob", "nobody")) == (404, missing.text)
    for name in ("analyst", "officer", "admin"):
        assert "+12025550101" in site(name).get("/directory/customers/bob").text
        assert "2 customers" in site(name).get("/directory/lists/semis").text
    # The firm's representative looks after those whose own has left.
    with site.session() as session:
        gone = session.get_one(Customer, site.bank.ids["bob"])
        assert gone.rep is not None
        gone.rep.active = False
        session.commit()
    assert site("rep").get("/directory/customers/bob").status_code == 200
    assert "/directory/customers/bob" in site("rep").get("/directory?mine=1").text


def test_an_import_is_tried_then_applied(site: Site, samples: Path) -> None:
    content = (samples / "customers.csv").read_bytes()
    staff = staff_without_pins(samples)

    def attempt(what: str, content: bytes) -> Any:
        return site("admin").post("/directory/import/try", {"what": what, "file": (io.BytesIO(content), "x.csv")})

    def apply(page: str) -> Any:
        token = re.search(r'name="token" value="([^"]+)"', page)
        assert token
        assert site("admin").post("/directory/import/apply", {"token": token[1] + "x"}).status_code == 422
        return site("admin").post("/directory/import/apply", {"token": token[1]})

    def customers() -> int:
        with site.session() as session:
            return session.scalar(select(func.count()).select_from(Customer)) or 0

    assert apply(attempt("staff", staff).text).headers["Location"] == "/directory/staff"
    page = attempt("customers", content).text
    assert "Added" in page
    assert "1,230" in page
    assert customers() == 3  # nothing yet
    assert apply(page).headers["Location"] == "/directory"
    assert customers() == 1233
    assert "Nothing would change" in attempt("customers", content).text


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"what": "customers"}, "choose a CSV file"),
        ({"what": "everything", "file": (io.BytesIO(b"a"), "x.csv")}, "staff or customers"),
        ({"what": "customers", "file": (io.BytesIO(b"\xff\xfe\x00rubbish"), "x.csv")}, "The file"),
    ],
)
def test_files_that_cannot_be_read_are_refused(site: Site, fields: dict[str, Any], words: str) -> None:
    answer = site("admin").post("/directory/import/try", fields)
    assert answer.status_code == 422
    assert words in answer.text


def test_the_record_is_shown_and_checked(site: Site) -> None:
    with site.session() as session:
        site.bank.submitted(session)
    page = site("admin").get("/audit?actor=analyst&action=submit+message&subject=message+1").text
    assert "submit message" in page
    assert "write message</td>" not in page
    assert "Whole. Every promise is kept." in site("admin").get("/audit/check").text
    with site.session() as session:
        session.execute(update(AuditEntry).where(AuditEntry.seq == 1).values(actor="somebody else"))
        session.commit()
    page = site("admin").get("/audit/check").text
    assert "P8 audit 1" in page


def test_health_says_which_part(site: Site) -> None:
    answer = site("nobody").get("/readyz")  # Redis is a port nobody listens on
    assert answer.status_code == 503
    assert answer.json == {
        "status": "not ready", "database": "ok", "redis": "cannot be asked (ConnectionError)", "queues": "ok",
    }  # fmt: skip
    assert site("nobody").get("/healthz").json == {"status": "alive"}


def test_ready_means_that_what_is_due_is_worked_on(sqlite_url: str, tmp_path: Path, valkey: str) -> None:
    engine = make_engine(sqlite_url)
    bank = small_bank(make_sessions(engine), tmp_path, valkey)
    visitor = Visitor(create_app(bank.runtime).test_client())
    assert visitor.get("/readyz").json == {"status": "ready", "database": "ok", "redis": "ok", "queues": "ok"}
    with bank.sessions() as session:
        bank.submitted(session)
        assert session.scalar(select(func.count()).select_from(Letter))
    bank.time.pass_by(300)
    answer = visitor.get("/readyz")
    assert answer.status_code == 503
    assert answer.json is not None
    assert answer.json["queues"] == "the oldest letter is overdue by 300 s"
    with bank.sessions() as session:
        session.execute(text("DROP TABLE letters"))
        session.commit()
    assert visitor.get("/readyz").status_code == 503
    with redis.Redis.from_url(valkey) as client:
        client.rpush("rq:queue:email", "x")
    engine.dispose()


def test_figures_for_prometheus(site: Site) -> None:
    with site.session() as session:
        site.bank.released(session)
        token = accounts.make_token(session, site.bank.runtime, "admin@bank.example")
        weak = accounts.make_token(session, site.bank.runtime, "rep@bank.example")
        session.commit()
    figures = site("nobody").get("/metrics").text
    assert 'dispatcher_deliveries{channel="email",state="queued"} 1.0' in figures
    assert 'dispatcher_messages{state="releasing"} 1.0' in figures
    assert "dispatcher_redis_up 0.0" in figures
    assert "simon.example" not in figures
    far: dict[str, Any] = {"environ_overrides": {"REMOTE_ADDR": "192.0.2.1"}}
    assert site("nobody").get("/metrics", **far).status_code == 404
    assert site("nobody").get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 404
    assert site("nobody").get("/metrics", base_url="http://alerts.bank.example").status_code == 404
    for key, status in ((token, 200), (weak, 404), ("dsp_x", 404)):
        headers = {"Authorization": f"Bearer {key}"}
        assert site("nobody").get("/metrics", headers=headers, **far).status_code == status
