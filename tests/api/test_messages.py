"""Messages over the API: written, edited, decided, released, heard; every wrong field in one answer."""

from __future__ import annotations

import io
import wave
from typing import Any

import pytest

from dispatcher.model import AuditEntry, Delivery, Letter, Message, Version
from tests.api.conftest import Api, problem, wrong


def sound(seconds: float = 1.0) -> bytes:
    """A WAV as a telephone records it."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(b"\x00\x10" * int(8000 * seconds))
    return out.getvalue()


def form(**fields: Any) -> dict[str, Any]:
    return {"subject": "Downgrade", "text": "We cut.", "lists": "semis,top", **fields}


# --- writing


def test_a_message_goes_to_the_officers(both_api: Api) -> None:
    answer = both_api.ask(
        "analyst", "POST", "/messages", json={"subject": "Cut", "text": "We cut.", "lists": ["semis"]}
    )
    made = answer.get_json()
    assert (answer.status_code, made["state"], made["version"]) == (201, "pending", 1)
    assert set(made) == {"id", "state", "version", "digest", "like"}
    assert answer.headers["Location"] == f"/api/v1/messages/{made['id']}"
    with both_api.session() as session:
        assert session.get_one(Message, made["id"]).current.via == "api"
        assert session.query(Letter).filter_by(kind="approval").count() == 3  # officer, other, colleague
    assert ("notices", "send_letter", (1,)) in both_api.bank.bells.rings


def test_a_draft_stays_with_its_author_until_it_is_submitted(bank_api: Api) -> None:
    draft = bank_api.made(draft=True, subject="", text="", lists=[])
    assert draft["state"] == "draft"
    path = f"/messages/{draft['id']}"
    assert set(wrong(bank_api.ask("analyst", "POST", f"{path}/submit"))) == {"subject", "text", "lists"}
    whole = {"subject": "S", "text": "T", "lists": ["top"]}
    assert bank_api.ask("analyst", "PATCH", path, json=whole).get_json()["version"] == 2
    assert bank_api.ask("analyst", "POST", f"{path}/submit").get_json()["state"] == "pending"
    conflict = problem(bank_api.ask("analyst", "POST", f"{path}/submit"), 409, "state-conflict")
    assert conflict["state"] == "pending"


def test_multipart_carries_a_recording_and_attachments(both_api: Api) -> None:
    files = {
        "recording": (io.BytesIO(sound()), "alert.wav"),
        "attachments": [(io.BytesIO(b"%PDF-1.7 a"), "a.pdf"), (io.BytesIO(b"%PDF-1.7 b"), "b.pdf")],
    }
    answer = both_api.ask("analyst", "POST", "/messages", data=form(urgency="urgent", **files))
    assert answer.status_code == 201, answer.text
    told = both_api.ask("analyst", "GET", f"/messages/{answer.get_json()['id']}").get_json()
    assert told["recording"]["media_type"] == "audio/wav"
    assert told["recording"]["seconds"] == 1.0
    assert [one["name"] for one in told["attachments"]] == ["a.pdf", "b.pdf"]
    assert (told["lists"], told["urgency"]) == (["semis", "top"], "urgent")


@pytest.mark.parametrize("lists", [["semis", "top"], "semis,top", "semis, top", ["semis,top", ""]])
def test_lists_of_a_form_are_repeated_or_separated_by_commas(bank_api: Api, lists: Any) -> None:
    data = {**form(), "lists": lists, "recording": (io.BytesIO(sound()), "a.wav")}
    answer = bank_api.ask("analyst", "POST", "/messages", data=data)
    assert answer.status_code == 201, answer.text
    assert bank_api.ask("analyst", "GET", f"/messages/{answer.get_json()['id']}").get_json()["lists"] == [
        "semis",
        "top",
    ]


def test_a_recording_alone_is_enough_and_an_empty_part_is_none(bank_api: Api) -> None:
    alone = form(text="", recording=(io.BytesIO(sound()), "a.wav"), attachments=(io.BytesIO(b""), ""))
    assert bank_api.ask("analyst", "POST", "/messages", data=alone).status_code == 201
    none = form(text="", recording=(io.BytesIO(b""), ""), topic="t")
    assert set(wrong(bank_api.ask("analyst", "POST", "/messages", data=none))) == {"text"}


def test_every_wrong_field_comes_in_one_answer(bank_api: Api) -> None:
    body = {
        "subject": 5, "text": "x\u0007", "lists": ["semis", "nope"], "urgency": "now", "topic": ["a"],
        "release_at": "tomorrow", "valid_for": 5, "relese_at": "2030-01-01T00:00:00Z", "draft": "yes",
    }  # fmt: skip
    found = wrong(bank_api.ask("analyst", "POST", "/messages", json=body))
    assert set(found) == set(body)
    assert found["subject"] == "must be text"
    assert "'nope'" in found["lists"]
    assert found["urgency"] == "must be normal or urgent"
    assert "did you mean release_at" in found["relese_at"]
    assert bank_api.count() == 0
    assert bank_api.bank.bells.rings == []


def test_every_wrong_field_of_a_form_comes_in_one_answer(bank_api: Api) -> None:
    data = {
        "subject": "a\nb", "text": "x\x07", "lists": "nope", "urgency": "now", "valid_for": "soon", "draft": "maybe",
        "recording": (io.BytesIO(b"not a sound"), "a.wav"), "attachments": (io.BytesIO(b"x"), "evil.exe"),
        "voice": (io.BytesIO(b"x"), "b.wav"), "colour": "red",
    }  # fmt: skip
    found = wrong(bank_api.ask("analyst", "POST", "/messages", data=data))
    assert set(found) == set(data)
    assert "WAV, MP3 or OGG" in found["recording"]


def test_wrong_shapes_leave_nothing_behind(both_api: Api) -> None:
    body = {"subject": "Right", "text": "Right", "lists": ["semis"], "valid_for": "long"}
    assert set(wrong(both_api.ask("analyst", "POST", "/messages", json=body))) == {"valid_for"}
    assert both_api.count() == both_api.count(Version) == both_api.count(Letter) == 0
    assert both_api.bank.bells.rings == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("release_at", 1_900_000_000), ("release_at", "2030-01-01T09:00:00"), ("release_at", "1900000000"),
        ("release_at", "0001-01-01T00:00:00+14:00"), ("valid_for", 1.5), ("valid_for", True), ("draft", 1),
        ("lists", "semis"), ("lists", [1]), ("subject", "a\u0000b"), ("text", "a\u0000b"), ("lists", ["a\u0000b"]),
        ("topic", "a\u0000"), ("subject", None),
    ],
)  # fmt: skip
def test_shapes_are_strict(bank_api: Api, field: str, value: object) -> None:
    body = {"subject": "S", "text": "T", "lists": ["semis"], field: value}
    found = wrong(bank_api.ask("analyst", "POST", "/messages", json=body))
    assert {name.split("[")[0] for name in found} == {field}


def test_a_later_release_keeps_its_time_in_utc(bank_api: Api) -> None:
    made = bank_api.made(release_at="2026-11-20T12:30:00+02:00")
    told = bank_api.ask("analyst", "GET", f"/messages/{made['id']}").get_json()
    assert told["release_at"] == "2026-11-20T10:30:00Z"


# --- editing


def test_an_edit_makes_a_version_and_voids_the_approval(both_api: Api) -> None:
    made = both_api.made(release_at="2026-11-21T10:00:00Z")
    assert both_api.decided(made).get_json()["state"] == "approved"
    edited = both_api.ask("analyst", "PATCH", f"/messages/{made['id']}", json={"text": "Other words."}).get_json()
    assert (edited["state"], edited["version"]) == ("pending", 2)
    assert edited["digest"] != made["digest"]
    stale = problem(both_api.decided(made), 409, "digest-conflict")
    assert (stale["digest"], stale["state"]) == (edited["digest"], "pending")


def test_an_edit_changes_what_it_names_and_takes_away_what_is_null(bank_api: Api) -> None:
    files = {"recording": (io.BytesIO(sound()), "a.wav"), "attachments": (io.BytesIO(b"%PDF-1.7"), "a.pdf")}
    message = bank_api.ask("analyst", "POST", "/messages", data=form(topic="chips", **files)).get_json()
    path = f"/messages/{message['id']}"
    bank_api.ask("analyst", "PATCH", path, json={"subject": "Other"})
    told = bank_api.ask("analyst", "GET", path).get_json()
    assert (told["subject"], told["topic"], len(told["attachments"])) == ("Other", "chips", 1)
    assert told["recording"] is not None
    bank_api.ask("analyst", "PATCH", path, json={"recording": None, "attachments": [], "topic": ""})
    told = bank_api.ask("analyst", "GET", path).get_json()
    assert (told["recording"], told["attachments"], told["topic"], told["version"]) == (None, [], "", 3)
    more = {"recording": (io.BytesIO(sound(2)), "b.wav"), "lists": "top"}
    assert bank_api.ask("analyst", "PATCH", path, data=more).status_code == 200
    told = bank_api.ask("analyst", "GET", path).get_json()
    assert (told["recording"]["seconds"], told["lists"], told["subject"]) == (2.0, ["top"], "Other")


def test_an_edit_of_nothing_voids_nothing(bank_api: Api) -> None:
    made = bank_api.made()
    assert set(wrong(bank_api.ask("analyst", "PATCH", f"/messages/{made['id']}", json={}))) == {"body"}
    assert bank_api.ask("analyst", "GET", f"/messages/{made['id']}").get_json()["version"] == 1


def test_an_edit_reports_every_wrong_field_too(bank_api: Api) -> None:
    made = bank_api.made()
    body = {"text": 1, "lists": ["nope"], "urgency": "now", "recording": "x", "draft": False}
    answer = bank_api.ask("analyst", "PATCH", f"/messages/{made['id']}", json=body)
    assert set(wrong(answer)) == {"text", "lists", "urgency", "recording", "draft"}


# --- taking back


def test_withdraw_and_cancel(bank_api: Api) -> None:
    made = bank_api.made()
    withdrawn = bank_api.ask("analyst", "POST", f"/messages/{made['id']}/withdraw")
    assert (withdrawn.status_code, withdrawn.get_json()["state"]) == (200, "withdrawn")
    assert problem(bank_api.decided(made), 409, "digest-conflict")["state"] == "withdrawn"
    out = bank_api.released()
    problem(bank_api.ask("rep", "POST", f"/messages/{out['id']}/cancel"), 403)
    assert bank_api.ask("officer", "POST", f"/messages/{out['id']}/cancel").get_json()["state"] == "cancelled"
    with bank_api.session() as session:
        assert {one.state for one in session.query(Delivery).filter_by(message_id=out["id"])} == {"cancelled"}


# --- deciding


def test_an_approval_releases_at_once(both_api: Api) -> None:
    made = both_api.made()
    answer = both_api.decided(made)
    told = answer.get_json()
    assert (answer.status_code, told["decision"], told["officer"]) == (201, "approve", "officer@bank.example")
    assert told["state"] == "releasing"
    assert ("email", "fan_out", ("email",)) in both_api.bank.bells.rings
    again = problem(both_api.decided(made), 409, "digest-conflict")
    assert (again["digest"], again["state"]) == (made["digest"], "releasing")
    detail = both_api.ask("officer", "GET", f"/messages/{made['id']}").get_json()
    assert [one["decision"] for one in detail["decisions"]] == ["approve"]


def test_an_approval_that_names_its_audience_is_for_no_others(bank_api: Api) -> None:
    made = bank_api.made()
    at = f"/messages/{made['id']}"
    seen = bank_api.ask("officer", "GET", at).get_json()["audience"]
    assert seen.startswith("3-")
    assert bank_api.ask("analyst", "GET", at).get_json()["audience"] == ""
    assert bank_api.ask("analyst", "PUT", "/lists/semis/members", json={"members": ["ana"]}).status_code == 200
    assert bank_api.ask("analyst", "PUT", "/lists/top/members", json={"members": []}).status_code == 200
    body = {"decision": "approve", "digest": made["digest"], "audience": seen}
    told = problem(bank_api.ask("officer", "POST", f"{at}/decisions", json=body), 409, "digest-conflict")
    assert "its lists hold 1 customer now" in told["detail"]
    body["audience"] = bank_api.ask("officer", "GET", at).get_json()["audience"]
    assert bank_api.ask("officer", "POST", f"{at}/decisions", json=body).status_code == 201


def test_author_and_editors_never_decide(bank_api: Api) -> None:
    own = {"subject": "S", "text": "T", "lists": ["semis"]}
    mine = bank_api.ask("colleague", "POST", "/messages", json=own).get_json()
    body = {"decision": "approve", "digest": mine["digest"]}
    problem(bank_api.ask("colleague", "POST", f"/messages/{mine['id']}/decisions", json=body), 403, "not-allowed")
    other = bank_api.made()
    edited = bank_api.ask("colleague", "PATCH", f"/messages/{other['id']}", json={"text": "better"}).get_json()
    body = {"decision": "approve", "digest": edited["digest"]}
    problem(bank_api.ask("colleague", "POST", f"/messages/{other['id']}/decisions", json=body), 403)
    problem(bank_api.ask("analyst", "POST", f"/messages/{other['id']}/decisions", json=body), 403)
    assert bank_api.decided(edited).status_code == 201


def test_a_return_needs_words_and_comes_back(bank_api: Api) -> None:
    made = bank_api.made()
    assert set(wrong(bank_api.decided(made, "return"))) == {"comment"}
    assert bank_api.decided(made, "return", comment="Name the source.").get_json()["state"] == "returned"
    again = bank_api.ask("analyst", "POST", f"/messages/{made['id']}/submit").get_json()
    assert (again["state"], again["version"]) == ("pending", 2)


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"decision", "digest"}), ({"decision": "maybe", "digest": 5}, {"decision", "digest"}),
        ({"decision": "approve", "digest": ""}, {"digest"}),
        ({"decision": "approve", "digest": "x", "comment": None, "via": "phone"}, {"comment", "via"}),
    ],
)  # fmt: skip
def test_a_wrong_decision_names_its_fields(bank_api: Api, body: dict[str, Any], fields: set[str]) -> None:
    made = bank_api.made()
    assert set(wrong(bank_api.ask("officer", "POST", f"/messages/{made['id']}/decisions", json=body))) == fields


def test_any_other_digest_is_a_conflict(bank_api: Api) -> None:
    made = bank_api.made()
    for digest in ("0" * 64, "nonsense", made["digest"].upper()):
        body = {"decision": "approve", "digest": digest}
        answer = bank_api.ask("officer", "POST", f"/messages/{made['id']}/decisions", json=body)
        assert problem(answer, 409, "digest-conflict")["digest"] == made["digest"]


# --- the recording


def heard(api: Api) -> int:
    with api.session() as session:
        return session.query(AuditEntry).filter_by(action="play recording").count()


def test_a_recording_is_heard_by_those_who_need_to_and_every_play_is_on_record(both_api: Api) -> None:
    audio = sound()
    made = both_api.ask("analyst", "POST", "/messages", data=form(recording=(io.BytesIO(audio), "a.wav"))).get_json()
    path = f"/messages/{made['id']}/recording"
    problem(both_api.ask("rep", "GET", path), 404)
    assert heard(both_api) == 0
    for number, who in enumerate(("analyst", "officer", "admin"), 1):
        answer = both_api.ask(who, "GET", path)
        assert (answer.status_code, answer.data, answer.mimetype) == (200, audio, "audio/wav")
        assert heard(both_api) == number
    part = both_api.ask("officer", "GET", path, headers={"Range": "bytes=0-9"})
    assert (part.status_code, part.data) == (206, audio[:10])
    problem(both_api.ask("officer", "GET", path, headers={"Range": "bytes=999999-"}), 416)
    both_api.decided(made)
    assert both_api.ask("rep", "GET", path).status_code == 200
    with both_api.session() as session:
        last = session.query(AuditEntry).filter_by(action="play recording").order_by(AuditEntry.seq.desc()).first()
        assert last is not None
        assert (last.actor, last.subject) == ("rep@bank.example", f"message {made['id']}")


def test_a_message_without_recording_has_none_to_hear(bank_api: Api) -> None:
    made = bank_api.made()
    problem(bank_api.ask("analyst", "GET", f"/messages/{made['id']}/recording"), 404)


# --- looking


def test_messages_by_state(bank_api: Api) -> None:
    pending, out = bank_api.made(), bank_api.released()
    found = bank_api.ask("analyst", "GET", "/messages?state=pending").get_json()
    assert [one["id"] for one in found["items"]] == [pending["id"]]
    everything = bank_api.ask("analyst", "GET", "/messages").get_json()["items"]
    assert [one["id"] for one in everything] == [out["id"], pending["id"]]
    assert everything[0]["released_at"] == "2026-11-20T09:30:00Z"
    assert set(wrong(bank_api.ask("analyst", "GET", "/messages?state=sent&stat=x"))) == {"state", "stat"}


def test_things_that_are_not_there(bank_api: Api) -> None:
    for number in ("0", "1", "-1", "99", "1.5", "abc", "9" * 18, "9" * 30, "%00", "1/../1"):
        problem(bank_api.ask("analyst", "GET", f"/messages/{number}"), 404, "not-found")
        problem(bank_api.ask("analyst", "POST", f"/messages/{number}/submit"), 404, "not-found")
