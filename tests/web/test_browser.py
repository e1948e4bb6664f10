"""The pages in a real browser: accessible, usable by keyboard and without scripts, and deaf to hostile texts."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from threading import Thread
from typing import Any

import pytest
import soundfile
from axe_playwright_python.sync_playwright import Axe
from sqlalchemy import select
from werkzeug.serving import make_server

from dispatcher.model import Delivery, Grant, Message
from dispatcher.services import accounts, replies
from dispatcher.services.media import Upload
from tests.web.conftest import Site
from tests.web.test_hostile import TEXTS, fill

pytestmark = pytest.mark.browser
PASSWORD = "four words nobody joins"


@pytest.fixture
def served(site: Site, free_port: int) -> Iterator[str]:
    """The site on a port of this host; everybody has the password, and the administrator every role."""
    bank = site.bank
    with site.session() as session:
        first = accounts.set_password(session, bank.runtime, "admin@bank.example", PASSWORD)
        for name in ("analyst", "officer", "rep"):
            bank.staff(session, name).password_hash = first.password_hash
        session.add_all(Grant(staff_id=first.id, role=role) for role in ("analyst", "officer", "rep"))
        session.commit()
    server = make_server("127.0.0.1", free_port, site.app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{free_port}"
    server.shutdown()
    thread.join(60)


def sign_in(page: Any, address: str, name: str = "admin") -> None:
    page.goto(address + "/sign-in")
    page.fill("#email", f"{name}@bank.example")
    page.fill("#password", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_url(re.compile("/(approvals|messages|inbox|account)$"))


def a_day(site: Site) -> dict[str, str]:
    """Something on every page: a release with a reply, an alert that waits, customers' links."""
    with site.session() as session:
        bank = site.bank
        message = bank.released(session)
        bank.submitted(session, subject="Memory prices", urgency="urgent")
        mail = session.scalars(select(Delivery).where(Delivery.channel == "email")).one()
        replies.from_page(session, bank.runtime, mail.id, "What now?", True)
        session.commit()
        assert message.id == 1
        return {
            "alert": f"/r/{bank.runtime.token('delivery', mail.id)}",
            "preferences": f"/p/{bank.runtime.token('customer', bank.ids['bob'])}",
        }


PAGES = (
    "/messages", "/messages/1", "/messages/1/deliveries", "/messages/1/versions/1", "/messages/new",
    "/messages/2/edit", "/approvals", "/approvals/2", "/approvals/2/people", "/inbox", "/inbox/1",
    "/inbox/unmatched", "/tasks", "/directory", "/directory/customers/ana", "/directory/lists",
    "/directory/lists/semis", "/directory/staff", "/directory/staff/1", "/directory/duty", "/directory/routing",
    "/directory/routing?change=1", "/directory/import",
    "/reports", "/reports/1", "/reports/desk", "/reports/engagement", "/inbox/search?q=now",
    "/sending", "/audit", "/audit/check", "/account", "/messages/999",
)  # fmt: skip


def faults(page: Any) -> list[str]:
    """What axe calls serious or critical, with where it is."""
    found = Axe().run(page).response["violations"]
    return [
        f"{page.url} {one['id']}: {node['html'][:160]}"
        for one in found
        for node in one["nodes"]
        if one["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_every_page_is_accessible(site: Site, served: str, chromium_page: Any, scheme: str) -> None:
    links = a_day(site)
    page = chromium_page
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    refused: list[str] = []
    page.on("console", lambda note: refused.append(note.text) if "Content Security Policy" in note.text else None)
    found = []
    for path in ("/sign-in", links["alert"], links["preferences"] + "?lang=de", links["preferences"] + "/stop/email"):
        page.goto(served + path)
        found += faults(page)
    sign_in(page, served)
    for path in PAGES:
        page.goto(served + path)
        found += faults(page)
    assert found == []
    assert refused == []


# What is wider than its place: the whole page, what is cut or runs over, at a desk a table whose end is hidden, and
# anywhere one that does not show that there is more.
TOO_WIDE = """() => [...document.querySelectorAll("html, body *")].filter((one) => {
    const style = getComputedStyle(one), scrolls = one.closest(".scroll, .places ul");
    if (one.scrollWidth <= one.clientWidth + 1 || !one.clientWidth || style.display === "inline") return false;
    if (one.matches("input, textarea, select, .visually-hidden") || style.textOverflow === "ellipsis") return false;
    const shown = style.backgroundImage !== "none" || !one.matches(".scroll");
    return !scrolls || (scrolls === one && (innerWidth > 1200 || !shown));
}).map((one) => `${location.pathname} at ${innerWidth}: ${one.tagName} ${one.className} by ${one.scrollWidth -
    one.clientWidth}`)"""


def test_hostile_and_long_words_do_nothing_and_run_over_nothing(site: Site, served: str, chromium_page: Any) -> None:
    at = fill(site, "".join(TEXTS[:4])[:110] + "Donaudampfschifffahrt" * 4)
    page = chromium_page
    opened: list[str] = []
    page.on("dialog", lambda dialog: (opened.append(dialog.message), dialog.dismiss()))
    page.on("console", lambda note: opened.append(note.text) if "Content Security Policy" in note.text else None)
    too_wide: list[str] = []
    for path in (at["alert"], at["preferences"] + "?lang=de", "/sign-in", *PAGES):
        if path == "/sign-in":
            sign_in(page, served)
            continue
        page.goto(served + path)
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 900})
            too_wide += page.evaluate(TOO_WIDE)
    assert too_wide == [], "\n".join(too_wide)
    assert opened == []


def test_the_bar_shows_the_place_one_is_at(served: str, chromium_page: Any) -> None:
    page = chromium_page
    page.set_viewport_size({"width": 390, "height": 900})
    sign_in(page, served)
    places = [one.get_attribute("href") for one in page.locator(".places a").all()]
    assert page.evaluate("(it => it.scrollWidth > it.clientWidth)(document.querySelector('.places ul'))"), (
        "room for all"
    )
    for place in places:
        page.goto(served + place)
        bar, here = page.locator(".places ul").bounding_box(), page.locator(".places a[aria-current]").bounding_box()
        assert bar["x"] <= here["x"] + 1, place
        assert here["x"] + here["width"] <= bar["x"] + bar["width"] + 1, place


def test_an_alert_is_approved_by_keyboard_alone(site: Site, served: str, chromium_page: Any) -> None:
    with site.session() as session:
        site.bank.submitted(session)
    page = chromium_page
    page.goto(served + "/sign-in")
    page.keyboard.type("officer@bank.example")
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/approvals$"))
    reach(page, "Downgrade")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/approvals/1$"))
    reach(page, "Approve")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile("/approvals$"))
    assert "Approved." in page.inner_text(".note")
    with site.session() as session:
        assert session.get_one(Message, 1).state == "releasing"


def reach(page: Any, words: str) -> None:
    """Press Tab until what has the focus says these words; the focus must be visible."""
    for _ in range(80):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") != "IFRAME" and words in page.evaluate(
            "document.activeElement.innerText || ''"
        ):
            assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") != "none"
            return
    pytest.fail(f"{words} is out of the keyboard's reach")


def test_a_message_is_written_and_approved_without_scripts(site: Site, served: str, chromium: Any) -> None:
    context = chromium.new_context(java_script_enabled=False)
    context.set_default_timeout(60_000)
    page = context.new_page()
    sign_in(page, served, "analyst")
    page.goto(served + "/messages/new")
    page.fill("#subject", "Written without scripts")
    page.fill("#text", "Plain words.")
    page.check("input[value=semis]")
    page.click("text=Submit for approval")
    assert "Submitted" in page.inner_text(".note")
    page.click("text=Sign out")
    sign_in(page, served, "officer")
    page.goto(served + "/approvals/1")
    page.click("text=Approve >> nth=-1")
    assert "Approved." in page.inner_text(".note")
    context.close()


def test_progress_is_followed_without_reloading(site: Site, served: str, chromium_page: Any) -> None:
    a_day(site)
    page = chromium_page
    sign_in(page, served)
    page.goto(served + "/messages/1")
    page.evaluate("window.still = true")
    with site.session() as session:
        for delivery in session.scalars(select(Delivery)):
            delivery.state, delivery.due_at, delivery.accepted_at = "accepted", None, site.bank.runtime.now()
        session.commit()
    page.wait_for_selector("#progress >> text=1 of 1 accepted")
    with site.session() as session:
        for delivery in session.scalars(select(Delivery)):
            delivery.state = "delivered"
        session.commit()
    page.wait_for_selector("#progress >> text=1 of 1 accepted, 1 delivered")
    assert page.evaluate("window.still") is True


def test_the_counter_and_the_zone_help_the_author(site: Site, served: str, chromium_page: Any) -> None:
    page = chromium_page
    sign_in(page, served, "analyst")
    page.goto(served + "/messages/new")
    assert page.input_value("#zone") == "UTC"
    page.fill("#text", "x" * 161)
    assert "161 characters, at least 2 text message segments" in page.inner_text("[data-counter]")
    page.fill("#text", "ж")
    assert "outside the basic set" in page.inner_text("[data-counter]")
    page.check("input[value=semis]")
    page.check("input[value=top]")
    assert "2 chosen, 4 entries" in page.inner_text("[data-sum]")


def test_a_recording_counts_as_heard_when_it_was_played_whole(site: Site, served: str, chromium_page: Any) -> None:
    sound = io.BytesIO()
    soundfile.write(sound, [0.3 * (-1) ** (place // 20) for place in range(8000)], 8000, format="WAV")
    with site.session() as session:
        site.bank.released(session, recording=Upload("a.wav", sound.getvalue()))
        mail = session.scalars(select(Delivery).where(Delivery.channel == "email")).one()
        number, token = mail.id, site.bank.runtime.token("delivery", mail.id)

    def heard() -> bool:
        with site.session() as session:
            return session.get_one(Delivery, number).heard_at is not None

    page = chromium_page
    page.goto(f"{served}/r/{token}")
    played = """async ([audio, from]) => {
        audio.muted = true;
        if (audio.readyState < 1) {
            audio.preload = "auto";
            await new Promise((done) => { audio.onloadeddata = done; audio.load(); });
        }
        audio.currentTime = from;
        await new Promise((done) => { audio.onended = done; audio.play(); });
    }"""
    player = page.locator("audio").element_handle()
    # Who jumps to the end has not listened.
    page.evaluate(played, [player, 0.8])
    assert not heard()
    with page.expect_response(lambda answer: answer.url.endswith("/heard")):
        page.evaluate(played, [player, 0])
    assert heard()
