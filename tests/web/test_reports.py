"""The report's page, its plot and its files: what they say, who may have them, and what they must not hold."""

from __future__ import annotations

import json
import random
import re
from datetime import timedelta

import pytest
from click.testing import CliRunner
from sqlalchemy import event, insert, select
from sqlalchemy.orm import Session

from dispatcher import cli
from dispatcher.model import Customer, Delivery, Firm, Message, Recipient
from dispatcher.services import report
from dispatcher.services.report_spread import measure
from dispatcher.web import report_plot
from tests.web.conftest import Site

HOSTILE = '<script>alert("x")</script> & "Sons"'


def released(site: Site, customers: int = 40, subject: str = "Downgrade") -> int:
    """A release to so many customers of two firms, each with a text, accepted in an order of chance."""
    with site.session() as session:
        message = site.bank.released(session, subject=subject)
        firms = [Firm(name="Large House"), Firm(name=HOSTILE)]
        session.add_all(firms)
        session.flush()
        assert message.released_at is not None
        times = [round(place / 10, 1) for place in range(1, customers + 1)]
        random.Random(5).shuffle(times)
        for place, after in enumerate(times):
            _one(session, message, firms[place % 3 == 0], place, after)
        session.commit()
        return message.id


def _one(session: Session, message: Message, firm: Firm, place: int, after: float) -> None:
    who = Customer(key=f"c{place}", name=f"Secret Name {place}", firm_id=firm.id)
    assert message.released_at is not None
    what = Delivery(
        message_id=message.id, channel="sms", address=f"+120255{place:05}", state="delivered", position=place + 10,
        accepted_at=message.released_at + timedelta(seconds=after),
    )  # fmt: skip
    session.add_all([who, what])
    session.flush()
    session.add(Recipient(message_id=message.id, customer_id=who.id, delivery_id=what.id, channel="sms"))


def test_the_page_shows_plot_tables_and_the_verdict(site: Site) -> None:
    number = released(site)
    page = site("officer").get(f"/reports/{number}").text
    for words in ("Evenness", "No connection found", "By list", "By firm", "Large House", "shuffled with the seed"):
        assert words in page, words
    assert page.count('class="plot"') == 1
    assert len(re.findall(r"M[\d.]+ [\d.]+h0", page)) == 40
    assert "<script>alert" not in page
    assert "style=" not in page.partition('<svg class="plot"')[2].partition("</svg>")[0]
    assert "+120255" not in page


def test_a_release_nobody_has_accepted_yet_has_no_plot(site: Site) -> None:
    with site.session() as session:
        number = site.bank.released(session).id
    page = site("officer").get(f"/reports/{number}").text
    assert 'class="plot"' not in page
    assert "cannot say" in page


def test_the_certificate_stands_alone_and_names_no_customer(site: Site) -> None:
    number = released(site, subject=HOSTILE)
    answer = site("officer").get(f"/reports/{number}/certificate.html")
    assert answer.headers["Content-Disposition"] == f"attachment; filename=certificate-{number}.html"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    page = answer.text
    with site.session() as session:
        message = session.get_one(Message, number)
        seed, digest = message.seed, message.current.digest
        addresses = session.scalars(select(Delivery.address)).all()
    for words in (
        "Certificate of even release", "Example Bank", str(seed), digest, "by Officer", "No connection found",
        "By firm", "20 November 2026, 09:30:00.000 UTC", "dispatcher verify", "entry ",
    ):  # fmt: skip
        assert words in page, words
    assert not [one for one in addresses if one in page]
    assert "Secret Name" not in page
    assert not re.search(r"<script|<link|<img|\b(src|href)=|url\(|@import", page)
    assert HOSTILE not in page


def test_the_json_has_everything_and_equals_the_api(site: Site) -> None:
    number = released(site)
    answer = site("analyst").get(f"/reports/{number}/report.json")
    assert answer.headers["Content-Disposition"] == f"attachment; filename=report-{number}.json"
    found = json.loads(answer.text)
    assert found["released_at"] == "2026-11-20T09:30:00Z"
    assert {row["firm"] for row in found["by_firm"]} == {"Large House", HOSTILE, "Simon LLC"}
    assert found["evenness"]["verdict"] == "even"


@pytest.mark.parametrize("path", ["", "/report.json", "/certificate.html"])
def test_who_may_have_it(site: Site, path: str) -> None:
    number = released(site)
    for name in ("analyst", "officer", "other", "admin"):
        assert site(name).get(f"/reports/{number}{path}").status_code == 200, name
    assert site("rep").get(f"/reports/{number}{path}").status_code == 403
    assert site("nobody").get(f"/reports/{number}{path}").status_code in (302, 401)
    with site.session() as session:
        waiting = site.bank.submitted(session).id
    assert site("officer").get(f"/reports/{waiting}{path}").status_code == 404


def test_of_many_deliveries_a_sample_is_drawn_and_said_so(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(report_plot, "MOST_DOTS", 100)
    number = released(site, customers=160)
    with site.session() as session:
        message = session.get_one(Message, number)
        drawn = report_plot.plot(measure(session, message))
        assert drawn is not None
        assert len(re.findall(r"h0", drawn.svg)) == 100
        assert "an even sample" in drawn.note
        last = report.release_report(session, number)["by_channel"]["sms"]["last"]
    edge = max(float(one) for one in re.findall(r"M([\d.]+) ", drawn.svg))
    assert edge == pytest.approx(150 + 766 * last / 16, abs=0.5)


def test_the_page_asks_and_says_no_more_of_ten_thousand_than_of_few(site: Site) -> None:
    number, asked = released(site), list[str]()
    event.listen(site.bank.sessions.kw["bind"], "before_cursor_execute", lambda *of: asked.append(of[2]))
    assert "10,043" not in site("officer").get(f"/reports/{number}").text
    of_few = len(asked)
    with site.session() as session:
        message, numbers = session.get_one(Message, number), range(100_000, 110_000)
        assert message.released_at is not None
        firm = session.scalars(select(Firm.id)).first()
        for table, rows in (
            (Customer, [{"id": n, "key": f"m{n}", "name": "Secret Name", "firm_id": firm} for n in numbers]),
            (Recipient, [{"message_id": number, "customer_id": n, "delivery_id": n} for n in numbers]),
            (Delivery, [
                {"id": n, "message_id": number, "channel": "sms", "address": f"+{n}", "state": "delivered",
                 "position": n, "accepted_at": message.released_at + timedelta(seconds=n * 7919 % 10_007)}
                for n in numbers
            ]),
        ):  # fmt: skip
            session.execute(insert(table), rows)
        session.commit()
    asked.clear()
    page = site("officer").get(f"/reports/{number}").text
    assert len(asked) <= of_few < 40
    assert "10,043" in page
    assert 1500 < page.count("h0") <= report_plot.MOST_DOTS + 3
    assert len(page) < 60_000


@pytest.mark.parametrize(
    ("end", "step", "number"),
    [(0.05, 0.01, 5), (0.9, 0.2, 5), (7.9, 1, 8), (94, 15, 7), (3601, 600, 7), (500_000, 86_400, 6)],
)
def test_the_axis_has_round_steps(end: float, step: float, number: int) -> None:
    assert report_plot.ticks(end) == (step, number)


def test_the_command_prints_text_json_and_the_certificate(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    number = released(site)
    monkeypatch.setattr("dispatcher.bootstrap.build", lambda _settings: site.bank.runtime)
    monkeypatch.setenv("VAR_DIR", str(site.bank.runtime.settings.var_dir))
    told = {
        form: CliRunner().invoke(cli.main, ["report", str(number), "--format", form]).stdout
        for form in ("text", "json", "html")
    }
    for words in (
        "even: So far, with ",
        "No connection found",
        "directory",
        "no connection found (rho",
        "Large House",
        "spread",
    ):
        assert words in told["text"], words
    assert max(map(len, told["text"].splitlines())) < 180
    assert json.loads(told["json"])["evenness"]["verdict"] == "even"
    assert told["html"].startswith("<!doctype html>")
    assert "Certificate of even release" in told["html"]
