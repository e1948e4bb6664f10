"""Writing a message: every wrong field at once, nothing typed is lost, pressed twice is sent once."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from dispatcher.model import Message
from tests.web.conftest import Site

GOOD = {"subject": "Downgrade", "text": "We cut LTMY to hold.", "lists": ["semis", "top"], "urgency": "normal"}


def once(site: Site) -> str:
    found = re.search(r'name="once" value="([^"]+)"', site("analyst").get("/messages/new").text)
    assert found
    return found[1]


def write(site: Site, act: str = "submit", path: str = "/messages/new", **fields: Any) -> Any:
    return site("analyst").post(path, {**GOOD, "act": act, "zone": "UTC", "valid_for": "", **fields})


def the_message(site: Site, number: int = 1) -> Message:
    with site.session() as session:
        message = session.get_one(Message, number)
        version = message.current
        _ = version.lists, version.recording, version.attachments  # loaded while there is a session
        return message


def how_many(site: Site) -> int:
    with site.session() as session:
        return session.scalar(select(func.count()).select_from(Message)) or 0


@pytest.fixture
def wav(samples: Path) -> bytes:
    return (samples / "alert-2.wav").read_bytes()


def test_submitted_it_waits_for_the_officers(site: Site, wav: bytes) -> None:
    answer = write(
        site, topic="semis", valid_for="3600", release_at="2026-11-20T16:00", zone="Europe/Zurich", urgency="urgent",
        text="Line one.\r\nLine two.\r\n", recording=(io.BytesIO(wav), "alert.wav"),
        attachments=[(io.BytesIO(b"a,b"), "model.csv"), (io.BytesIO(b"%PDF"), "note.pdf")],
    )  # fmt: skip
    assert (answer.status_code, answer.headers["Location"]) == (302, "/messages/1")
    message = the_message(site)
    version = message.current
    assert (message.state, message.valid_for) == ("pending", 3600)
    assert message.release_at is not None
    assert message.release_at.isoformat() == "2026-11-20T15:00:00+00:00"
    assert version.text == "Line one.\nLine two."
    assert (version.topic, version.urgency, version.via) == ("semis", "urgent", "page")
    assert [one.key for one in version.lists] == ["semis", "top"]
    assert [one.name for one in version.attachments] == ["model.csv", "note.pdf"]
    assert version.recording is not None


def test_a_draft_may_be_incomplete(site: Site) -> None:
    assert write(site, "draft", subject="", text="", lists=[]).status_code == 302
    assert the_message(site).state == "draft"
    answer = site("analyst").post("/messages/1/submit")
    assert answer.status_code == 422
    assert "is missing" in answer.text


def test_every_wrong_field_shows_at_its_field_and_nothing_is_lost(site: Site) -> None:
    answer = write(
        site, subject="", text="x" * 20_001, lists=["nope"], topic="semis", release_at="2020-01-01T09:00",
        zone="Asia/Tokyo", valid_for="7", urgency="loud", recording=(io.BytesIO(b"no sound"), "a.wav"),
    )  # fmt: skip
    assert answer.status_code == 422
    text = answer.text
    for name in ("subject", "text", "lists", "release_at", "valid_for", "recording"):
        assert f'id="{name}-fault"' in text, name
    assert "x" * 20_001 in text
    assert 'value="2020-01-01T09:00"' in text
    assert "<option selected>Asia/Tokyo" in text
    assert 'value="semis" ' in text
    assert how_many(site) == 0


@pytest.mark.parametrize(
    ("fields", "name", "words"),
    [
        ({"release_at": "soon"}, "release_at", "is not a date"),
        ({"release_at": "2027-01-31T09:30", "zone": "Mars/Base"}, "release_at", "time zone"),
        ({"release_at": "2027-03-28T02:30", "zone": "Europe/Zurich"}, "release_at", "does not exist"),
        ({"valid_for": "soon"}, "valid_for", "from the list"),
        ({"valid_for": "³"}, "valid_for", "from the list"),
    ],
)
def test_what_cannot_be_read_is_shown_beside_what_is_wrong(
    site: Site, fields: dict[str, str], name: str, words: str
) -> None:
    text = write(site, subject="", **fields).text
    assert re.search(rf'id="{name}-fault">[^<]*{words}', text)
    assert 'id="subject-fault"' in text


def test_uploads_need_no_second_choosing(site: Site, wav: bytes) -> None:
    answer = write(
        site, subject="", recording=(io.BytesIO(wav), "alert.wav"), attachments=[(io.BytesIO(b"%PDF"), "note.pdf")]
    )
    assert answer.status_code == 422
    recording = re.search(r'name="kept_recording" value="([^"]+)"', answer.text)
    kept = re.search(r'name="kept" value="([^"]+)"', answer.text)
    assert recording
    assert kept
    assert write(site, kept_recording=recording[1], kept=kept[1]).status_code == 302
    version = the_message(site).current
    assert version.recording is not None
    assert [one.name for one in version.attachments] == ["note.pdf"]
    # Nobody else can take them out by the same token.
    answer = site("colleague").post("/messages/new", {**GOOD, "act": "draft", "kept_recording": recording[1]})
    assert answer.status_code == 302
    assert the_message(site, 2).current.recording is None


def test_pressed_twice_it_is_sent_once(site: Site) -> None:
    mark = once(site)
    first, second = write(site, once=mark), write(site, once=mark)
    assert first.headers["Location"] == second.headers["Location"] == "/messages/1"
    assert how_many(site) == 1
    assert write(site, once=once(site)).headers["Location"] == "/messages/1"  # a page fetched anew, the words kept
    assert "within the hour" in site("analyst").get("/messages/1").text
    assert how_many(site) == 1
    assert write(site, once=mark, text="Something else.").headers["Location"] == "/messages/2"
    assert site("analyst").post("/messages/1/withdraw").status_code == 302
    assert write(site, once=once(site)).headers["Location"] == "/messages/3"


def test_what_is_very_like_another_alert_is_told_to_who_wrote_it_and_to_who_decides(site: Site) -> None:
    words = "We cut LTMY to hold, and our price target of 41 is withdrawn until the figures of Friday."
    write(site, once=once(site), text=words)
    write(site, once=once(site), text=words.replace("41", "43"))
    assert "It is very like alert 1, which stands as pending" in site("analyst").get("/messages/2").text
    for one, other in ((1, 2), (2, 1)):
        page = site("officer").get(f"/approvals/{one}").text
        assert f'Very like <a href="/approvals/{other}">alert {other}</a>' in page
        assert f"Very like alert {other} (pending)." in site("officer").get("/approvals").text


@pytest.mark.parametrize(
    ("browser", "offered"), [("", ["Europe/Zurich", "UTC"]), ("US/Eastern", ["US/Eastern"]), ("localtime", ["UTC"])]
)
def test_zones_to_choose_from_are_places_and_the_browsers_own(site: Site, browser: str, offered: list[str]) -> None:
    site("analyst").client.set_cookie("zone", browser)
    zones = re.findall(r"<option[^>]*>([A-Z][\w/+-]+)</option>", site("analyst").get("/messages/new").text)
    assert set(offered) <= set(zones)
    assert not {"Factory", "localtime", "Etc/GMT+3", "GB-Eire", "W-SU"} & set(zones)
    assert ("US/Eastern" in zones) is (browser == "US/Eastern")


def test_a_draft_keeps_back_no_alert_of_the_same_words(site: Site) -> None:
    assert write(site, act="draft", once=once(site)).headers["Location"] == "/messages/1"
    assert write(site, act="draft", once=once(site)).headers["Location"] == "/messages/1"
    assert write(site, once=once(site)).headers["Location"] == "/messages/2"
    assert (the_message(site, 2).state, how_many(site)) == ("pending", 2)


def test_saving_what_was_not_changed_changes_nothing(site: Site) -> None:
    write(site, text="One.\r\n\r\nTwo.", topic="t", release_at="2026-11-21T09:00")
    page = site("analyst").get("/messages/1/edit").text
    assert 'value="2026-11-21T09:00"' in page
    answer = write(
        site, path="/messages/1/edit", text="One.\r\n\r\nTwo.", topic="t", release_at="2026-11-21T09:00", version="1"
    )
    assert answer.status_code == 302
    assert the_message(site).version == 1


def test_editing_a_pending_message_makes_a_version_and_says_so(site: Site) -> None:
    write(site)
    assert "voids every decision" in site("analyst").get("/messages/1/edit").text
    assert write(site, path="/messages/1/edit", text="Better.", version="1").status_code == 302
    message = the_message(site)
    assert (message.version, message.state, message.current.text) == (2, "pending", "Better.")


def test_files_are_kept_taken_away_and_added(site: Site, wav: bytes) -> None:
    write(site, "draft", recording=(io.BytesIO(wav), "a.wav"), attachments=[(io.BytesIO(b"1"), "one.csv")])
    write(site, "draft", path="/messages/1/edit", version="1", attachments=[(io.BytesIO(b"2"), "two.csv")])
    version = the_message(site).current
    assert version.recording is not None
    assert [one.name for one in version.attachments] == ["one.csv", "two.csv"]
    write(site, "draft", path="/messages/1/edit", version="2", remove_recording="1", drop=["0"])
    version = the_message(site).current
    assert version.recording is None
    assert [one.name for one in version.attachments] == ["two.csv"]


def test_a_version_saved_meanwhile_is_not_overwritten_unseen(site: Site) -> None:
    write(site, "draft")
    write(site, "draft", path="/messages/1/edit", text="Hers.", version="1")
    answer = write(site, "draft", path="/messages/1/edit", text="His.", version="1")
    assert answer.status_code == 409
    assert "saved version 2 while you were writing" in answer.text
    assert "His." in answer.text
    assert the_message(site).current.text == "Hers."
    assert write(site, "draft", path="/messages/1/edit", text="His.", version="2").status_code == 302


def test_a_draft_is_submitted_from_its_form(site: Site) -> None:
    write(site, "draft")
    assert write(site, path="/messages/1/edit", version="1", subject="Now").status_code == 302
    assert (the_message(site).state, the_message(site).current.subject) == ("pending", "Now")


def test_what_is_out_cannot_be_edited(site: Site) -> None:
    with site.session() as session:
        site.bank.released(session)
    assert site("analyst").get("/messages/1/edit").status_code == 409
    assert write(site, path="/messages/1/edit", version="1", text="Too late.").status_code == 409


def test_forty_megabytes_come_through(site: Site) -> None:
    answer = write(site, "draft", attachments=[(io.BytesIO(b"x" * 19_500_000), "model.csv")])
    assert answer.status_code == 302
    answer = write(site, "draft", attachments=[(io.BytesIO(b"x" * 43_000_000), "model.csv")])
    assert answer.status_code == 413


def test_lists_show_how_many_they_name(site: Site) -> None:
    page = site("analyst").get("/messages/new").text
    assert re.search(r'value="semis" data-members="2"', page)
    assert re.search(r'value="top" data-members="2"', page)
