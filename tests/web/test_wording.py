"""Customers' pages in their own language: the switch, the directory, the browser; the same sentences in each."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import select

from dispatcher.model import Customer, Delivery, Letter
from dispatcher.services import suppressions
from dispatcher.web import wording
from tests.web.conftest import Site

GERMAN, ENGLISH = "Wie wir Sie erreichen", "How we reach you"


@pytest.mark.parametrize("language", [one for one in wording.TABLES if one != "en"])
def test_every_language_says_the_same_with_the_same_blanks(language: str) -> None:
    def blanks(text: str) -> list[str]:
        return sorted(set(re.findall(r"{(\w*)}", text)))

    table, english = wording.TABLES[language], wording.TABLES["en"]
    assert list(table) == list(english)
    assert {name: blanks(text) for name, text in table.items()} == {n: blanks(text) for n, text in english.items()}
    assert table["months"].count(", ") == 11


def speaks(site: Site, language: str, name: str = "ana") -> str:
    """The address of this customer's preferences; they have this language in the directory."""
    with site.session() as session:
        session.get_one(Customer, site.bank.ids[name]).language = language
        session.commit()
    return f"/p/{site.bank.runtime.token('customer', site.bank.ids[name])}"


@pytest.mark.parametrize(
    ("directory", "browser", "title", "tag"),
    [
        ("en", "de", ENGLISH, "en"),
        ("de-AT", "en", GERMAN, "de"),
        ("fr", "de-CH,de;q=0.9,en;q=0.5", GERMAN, "de"),
        ("fr", "ja", ENGLISH, "en"),
        ("fr", "", ENGLISH, "en"),
    ],
)
def test_a_page_speaks_the_directorys_language_else_the_browsers(
    site: Site, directory: str, browser: str, title: str, tag: str
) -> None:
    client = site.app.test_client(use_cookies=False)
    page = client.get(speaks(site, directory), headers={"Accept-Language": browser}).text
    assert f"<h1>{title}</h1>" in page
    assert f"<title>{title} · Example Bank</title>" in page
    assert f'<html lang="{tag}">' in page
    assert "Dispatcher" not in page


def test_who_switches_is_spoken_to_so_from_then_on(site: Site) -> None:
    page, browser = speaks(site, "en"), site("nobody")
    assert GERMAN not in browser.get(f"{page}?lang=fr").text
    assert 'href="?lang=de"' in browser.get(page).text
    switched = browser.get(f"{page}?lang=de&a=7")
    assert GERMAN in switched.text
    assert 'href="?a=7&amp;lang=en"' in switched.text
    assert {"HttpOnly", "SameSite=Lax"} <= set(switched.headers["Set-Cookie"].split("; "))
    assert GERMAN in browser.get(page).text
    assert "E-Mails beenden?" in browser.get(f"{page}/stop/email").text
    done = browser.client.post(f"{page}/stop/email")
    assert "Beendet. Es gilt ab sofort." in browser.get(done.headers["Location"]).text
    browser.client.post(f"{page}/resume/email")
    with site.session() as session:
        told = session.scalars(select(Letter.subject).where(Letter.kind == "confirmation").order_by(Letter.id)).all()
    assert told == ["Keine E-Mails mehr von Example Bank", "Wieder E-Mails von Example Bank"]
    assert "Hier gibt es nichts" in browser.get("/p/nonsense").text
    refused = browser.client.post(f"{page}/order", data={"place-email": "1", "place-sms": "1"})
    assert (refused.status_code, "denselben Platz" in refused.text) == (422, True)
    assert "lang=en" not in refused.text, "what was typed is not lost by a switch"
    with site.session() as session:
        suppressions.suppress(session, site.bank.runtime, "email", "ana@simon.example", "complaint", "provider")
        session.commit()
    refused = browser.client.post(f"{page}/resume/email")
    assert (refused.status_code, "Das haben wir beendet: Bitte" in refused.text) == (409, True)
    assert ENGLISH in browser.get(f"{page}?lang=en&done=nonsense").text
    assert ENGLISH in browser.get(page).text


def test_the_alerts_page_is_theirs_too(site: Site) -> None:
    speaks(site, "de")
    with site.session() as session:
        session.get_one(Customer, site.bank.ids["ana"]).timezone = "Europe/Berlin"
        site.bank.released(session, urgency="urgent")
        mail = session.scalars(select(Delivery).where(Delivery.channel == "email")).one()
        page = f"/r/{site.bank.runtime.token('delivery', mail.id)}"
    shown = site("nobody").get(page).text
    for words in ("Antwort senden", "Dringend", "Antwort an Rep", "heute, 10:30 CET", "Ändern, wie wir Sie erreichen"):
        assert words in shown
    site.bank.time.pass_by(24 * 3600)
    assert "20. November 2026, 10:30 CET" in site("nobody").get(page).text
    asked = site("nobody").client.post(page, data={"text": " ", "act": "answer"})
    assert "Ihre Antwort ist leer." in asked.text
    answer = site("nobody").client.post(page, data={"text": "Alles verkaufen", "act": "answer"})
    assert "Vielen Dank." in site("nobody").get(answer.headers["Location"]).text


def stopped(site: Site, name: str) -> dict[str, str]:
    """By channel, the source of what stands against everything there."""
    with site.session() as session:
        points = session.get_one(Customer, site.bank.ids[name]).contact_points
        orders = ((one.channel, suppressions.in_force(session, one.channel, one.address)) for one in points)
        return {channel: order.source for channel, order in orders if order}


def test_one_press_stops_everything_everywhere_and_one_brings_back_what_it_stopped(site: Site) -> None:
    page, browser = speaks(site, "en", "bob"), site("nobody")
    assert "Stop everything everywhere" in browser.get(page).text
    assert "Bring everything back" not in browser.get(page).text
    assert "Stop everything everywhere" in browser.get(f"{page}/one-click").text
    for _ in range(2):
        done = browser.client.post(f"{page}/stop")
    shown = browser.get(done.headers["Location"]).text
    assert set(stopped(site, "bob")) == {"sms", "email"}
    assert "Everything is stopped, everywhere." in shown
    assert "All ways to reach you are stopped" in shown
    assert "Stop everything everywhere" not in shown
    done = browser.client.post(f"{page}/resume")
    assert "Everything is back as it was." in browser.get(done.headers["Location"]).text
    assert stopped(site, "bob") == {}
    with site.session() as session:
        told = session.scalars(select(Letter.subject).where(Letter.kind == "confirmation").order_by(Letter.id)).all()
    assert told == ["Nothing more from Example Bank", "Alerts from Example Bank again"]


def test_what_they_stopped_by_itself_or_the_bank_did_stays_stopped(site: Site) -> None:
    page, browser = speaks(site, "en", "bob"), site("nobody")
    browser.client.post(f"{page}/stop/sms")
    browser.client.post(f"{page}/stop")
    done = browser.client.post(f"{page}/resume")
    assert "What stays stopped is said below." in browser.get(done.headers["Location"]).text
    assert stopped(site, "bob") == {"sms": "preferences page"}
    with site.session() as session:
        suppressions.suppress(session, site.bank.runtime, "email", "bob@simon.example", "complaint", "provider")
        session.commit()
    browser.client.post(f"{page}/stop")
    assert "Bring everything back" not in browser.get(page).text
    browser.client.post(f"{page}/resume")
    assert stopped(site, "bob") == {"sms": "preferences page", "email": "provider"}


def test_what_they_stopped_by_itself_after_everything_stays_stopped_and_is_said(site: Site) -> None:
    page, browser = speaks(site, "fr", "bob"), site("nobody")
    for way, source in (("email", "one-click"), ("sms", "sms STOP")):
        browser.client.post(f"{page}/stop?lang=de")
        with site.session() as session:
            if way == "sms":
                suppressions.suppress(
                    session, site.bank.runtime, "sms", "+12025550101", "opt-out", source, "customer bob",
                    at_provider=True,
                )  # fmt: skip
                session.commit()
        if way == "email":
            browser.client.post(f"{page}/one-click", data={"List-Unsubscribe": "One-Click"})
        done = browser.client.post(f"{page}/resume")
        assert stopped(site, "bob") == {way: source}
        shown = browser.get(done.headers["Location"]).text
        assert "Was beendet bleibt, steht unten." in shown
        assert ("Senden Sie START" in shown) is (way == "sms")
        assert "Sie haben alles beendet" not in shown
        refused = browser.client.post(f"{page}/resume/{way}")
        assert ("Senden Sie START an die Nummer" in refused.text) is (way == "sms")
    with site.session() as session:
        told = session.scalars(select(Letter.text).where(Letter.kind == "confirmation").order_by(Letter.id)).all()
    assert "Sie erhalten nichts mehr" in told[0], "in the language of the page that they have pressed"
    assert any("Weiterhin beendet: E-Mails. Diese Seite" in one for one in told)
    assert any("Weiterhin beendet: Textnachrichten. Für Textnachrichten senden Sie START" in one for one in told)
