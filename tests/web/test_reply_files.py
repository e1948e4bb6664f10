"""Files and pages of answers as a browser gets them: downloads under safe names, a document that can do nothing."""

from __future__ import annotations

from threading import Thread
from typing import Any

import pytest
from sqlalchemy import select
from werkzeug.serving import make_server

from dispatcher.model import AuditEntry, Conversation, Reply
from dispatcher.model.ports import File
from dispatcher.services import reply_files
from tests.services.test_clean_html import HOSTILE
from tests.web.conftest import Site

PDF = b"%PDF-1.7\n\x00"
EVIL = b"<html><script>alert(1)</script>"


@pytest.fixture
def site_with(site: Site) -> Site:
    """Ana's reply 1 in Rita's conversation 1: a PDF, a page, an archive that is not offered; reply 2 is nobody's."""
    with site.session() as session:
        talk = Conversation(customer_id=site.bank.ids["ana"], rep_id=site.bank.ids["rep"], channel="email")
        session.add(talk)
        session.flush()
        page = "<p>Sell <b>500</b></p><a href='https://ok.example/x'>more</a>" + "".join(HOSTILE)
        one = Reply(
            dedupe="1", conversation_id=talk.id, customer_id=site.bank.ids["ana"], channel="email",
            sender="ana@simon.example", text="Sell 500", html=page, sender_check="spf=pass dkim=pass",
        )  # fmt: skip
        two = Reply(dedupe="2", channel="email", sender="x@y.example", text="?", state="unmatched", html="<p>?</p>")
        session.add_all([one, two])
        session.flush()
        given = [
            File("März\r\nX: y.pdf", "text/html", PDF),
            File("page.html", "text/html", EVIL),
            File("0.bin", "", b""),
        ]
        reply_files.keep(session, one, given)
        session.commit()
    return site


def test_a_file_leaves_as_a_download_under_its_name_made_safe_and_on_record(site_with: Site) -> None:
    for position, kind, name in (
        (1, "application/pdf", "\"reply-1-1.pdf\"; filename*=UTF-8''M%C3%A4rz%20X_%20y.pdf"),
        (2, "application/octet-stream", '"page.html.bin"'),
    ):
        answer = site_with("rep").get(f"/inbox/replies/1/files/{position}")
        assert answer.status_code == 200
        assert answer.content_type == kind
        assert answer.headers["Content-Disposition"] == f"attachment; filename={name}"
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "sandbox" in answer.headers["Content-Security-Policy"]
        assert "no-store" in answer.headers["Cache-Control"]
        assert answer.data == (PDF if position == 1 else EVIL)
    with site_with.session() as session:
        entries = session.scalars(select(AuditEntry).where(AuditEntry.action == "download file")).all()
    assert [(one.actor, one.subject) for one in entries] == [("rep@bank.example", "reply 1")] * 2


PATHS = ["/inbox/replies/1/files/1", "/inbox/replies/1/html"]


@pytest.mark.parametrize("path", PATHS)
def test_only_those_who_may_see_the_answer_have_it(site_with: Site, path: str) -> None:
    assert site_with("rep").get(path).status_code == 200
    assert site_with("admin").get(path).status_code == 200
    for name in ("analyst", "officer", "other", "colleague"):
        assert site_with(name).get(path).status_code in (403, 404), name
    assert site_with("nobody").get(path).status_code == 302


@pytest.mark.parametrize("path", [
    "/inbox/replies/1/files/3", "/inbox/replies/1/files/4", "/inbox/replies/9/files/1", "/inbox/replies/9/html",
    "/inbox/replies/2/html",
])  # fmt: skip
def test_what_is_not_there_for_them_is_not_found(site_with: Site, path: str) -> None:
    assert site_with("rep").get(path).status_code == 404


def test_administrators_find_the_files_of_what_belongs_to_nobody(site_with: Site) -> None:
    with site_with.session() as session:
        reply_files.keep(session, session.get_one(Reply, 2), [File("as-it-came.bin", "", b"\x00noise")])
        session.commit()
    assert 'href="/inbox/replies/2/files/1">as-it-came.bin</a>' in site_with("admin").get("/inbox/unmatched").text
    assert site_with("admin").get("/inbox/replies/2/files/1").data == b"\x00noise"


def test_the_page_is_a_document_of_its_own_that_may_do_nothing(site_with: Site) -> None:
    answer = site_with("rep").get("/inbox/replies/1/html")
    policy = answer.headers["Content-Security-Policy"]
    assert policy.startswith("sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'")
    assert "allow-" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert 'href="/inbox/1"' in answer.text
    assert "<b>500</b>" in answer.text
    assert "spf=pass dkim=pass" in answer.text
    assert "evil.example/" not in answer.text.replace("https://evil.example/x.css'", "")
    assert 'href="/inbox/unmatched"' in site_with("admin").get("/inbox/replies/2/html").text


@pytest.mark.browser
def test_in_a_browser_no_dialog_opens_and_no_request_leaves(
    site_with: Site, free_port: int, chromium_page: Any
) -> None:
    cookie = site_with.let_in(site_with("rep"), "rep")
    assert cookie
    server = make_server("127.0.0.1", free_port, site_with.app, threaded=True)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    address = f"http://127.0.0.1:{free_port}"
    try:
        signed = site_with("rep").client.get_cookie("dispatcher", domain="localhost")
        assert signed is not None
        chromium_page.context.add_cookies([{"name": "dispatcher", "value": signed.value, "url": address}])
        asked: list[str] = []
        dialogs: list[str] = []
        chromium_page.on("request", lambda request: asked.append(request.url))
        chromium_page.on("dialog", lambda dialog: dialogs.append(dialog.message))
        chromium_page.goto(f"{address}/inbox/replies/1/html")
        chromium_page.wait_for_load_state("networkidle")
        for name in ("a", "main", "div", "p", "details"):  # what waits for a hand finds one
            for one in chromium_page.query_selector_all(f"main {name}")[:20]:
                one.dispatch_event("mouseover")
        assert chromium_page.inner_text("main b") == "500"
        assert dialogs == []
        assert [one for one in asked if one.startswith("http") and one != f"{address}/inbox/replies/1/html"] == []
        chromium_page.click("header a")
        chromium_page.wait_for_url(f"{address}/inbox/1")
    finally:
        server.shutdown()
        thread.join(60)
