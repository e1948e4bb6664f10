"""Mail by SendGrid: what leaves, who is at fault when a request is refused, what a look-up finds."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import unquote_plus

import pytest
from sendgrid.helpers import mail as sdk

from channels.sendgrid import PER_REQUEST, SendGrid
from dispatcher.model.base import now
from dispatcher.model.ports import PREFS_TAG, REPLY_TAG, File, Outbound, Outcome, Probe, Rendition
from tests.channels.stub import Answer, Came, Stub, as_json, running
from tests.channels.vendors import collect, content, outbounds, settings

ACCEPTED = Answer(202, headers={"X-Message-Id": "Wn3kPq0RTx2y8bV1sL4dQg"})


@pytest.fixture
def stub() -> Iterator[tuple[Stub, str]]:
    with running() as (found, url, _):
        found.answer = lambda came: ACCEPTED
        yield found, url


def run(url: str, batch: list[Outbound], **more: Any) -> list[Outcome]:
    async def send() -> list[Outcome]:
        provider = SendGrid(settings(url))
        try:
            found = {outcome.attempt: outcome for outcome in await collect(provider, content(**more), batch)}
            return [found[outbound.attempt] for outbound in batch]
        finally:
            await provider.aclose()

    return asyncio.run(send())


def mails(count: int) -> list[str]:
    return [f"ana.{n}@firm.example" for n in range(count)]


def people(came: Came) -> list[str]:
    return [person["to"][0]["email"] for person in came.json["personalizations"]]


def test_a_request_is_what_the_official_helper_builds(stub: tuple[Stub, str]) -> None:
    server, url = stub
    batch = outbounds(mails(2))
    sheet = File("plan; März.pdf", "application/pdf", b"%PDF-1.7 \x00\xff")
    run(url, batch, attachments=(sheet,))

    theirs = sdk.Mail()
    theirs.from_email = sdk.From("alerts@bank.example", "Example Bank")
    theirs.reply_to = sdk.ReplyTo(f"reply+{REPLY_TAG}@in.bank.example")
    rendition = content().rendition
    theirs.subject = sdk.Subject(rendition.subject)
    theirs.add_content(sdk.Content("text/plain", rendition.text))
    theirs.add_content(sdk.Content("text/html", rendition.html))
    theirs.add_category(sdk.Category("message-7"))
    theirs.add_header(sdk.Header("X-Auto-Response-Suppress", "OOF, AutoReply"))
    theirs.add_header(sdk.Header("X-Dispatcher", "1"))
    theirs.add_attachment(
        sdk.Attachment(
            sdk.FileContent(base64.b64encode(sheet.content).decode()),
            sdk.FileName("plan, März.pdf"),
            sdk.FileType("application/pdf"),
            sdk.Disposition("attachment"),
        )
    )
    theirs.tracking_settings = sdk.TrackingSettings(
        click_tracking=sdk.ClickTracking(enable=False, enable_text=False), open_tracking=sdk.OpenTracking(enable=False)
    )
    for outbound in batch:
        person = sdk.Personalization()
        person.add_to(sdk.To(outbound.address))
        person.add_substitution(sdk.Substitution(REPLY_TAG, outbound.reply_token))
        link = f"<https://alerts.bank.example/p/{outbound.prefs_token}/one-click>"
        person.add_header(sdk.Header("List-Unsubscribe", link))
        person.add_header(sdk.Header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"))
        person.add_custom_arg(sdk.CustomArg("attempt_id", outbound.attempt))
        theirs.add_personalization(person)

    (came,) = server.came
    built = theirs.get()
    built["personalizations"].reverse()  # the helper puts the newest in front
    assert came.json == built
    assert (came.path, came.headers["authorization"]) == ("/v3/mail/send", "Bearer SG.key")


def test_only_tags_that_are_there_are_replaced(stub: tuple[Stub, str]) -> None:
    server, url = stub
    letter = Rendition(subject="Hello", text=f"Preferences: /p/{PREFS_TAG}")
    run(url, outbounds(["ana@firm.example"]), rendition=letter, reply_to="", unsubscribe_url="", category="")
    (person,) = server.came[0].json["personalizations"]
    assert person["substitutions"] == {PREFS_TAG: "pref0"}
    assert "headers" not in person
    assert not {"reply_to", "categories", "attachments"} & set(server.came[0].json)
    assert server.came[0].json["content"] == [{"type": "text/plain", "value": f"Preferences: /p/{PREFS_TAG}"}]


def test_one_request_carries_many_and_nobody_sees_another(stub: tuple[Stub, str]) -> None:
    server, url = stub
    outcomes = run(url, outbounds(mails(PER_REQUEST + 10)))
    assert {(o.state, o.provider_ref) for o in outcomes} == {("accepted", "Wn3kPq0RTx2y8bV1sL4dQg")}
    assert sorted(len(people(came)) for came in server.came) == [10, PER_REQUEST]
    assert all(len(person["to"]) == 1 for came in server.came for person in came.json["personalizations"])


def test_an_address_twice_goes_in_two_requests(stub: tuple[Stub, str]) -> None:
    server, url = stub
    run(url, outbounds(["ana@firm.example", "bo@firm.example", "Ana@firm.example"]))
    assert sorted(people(came) for came in server.came) == [
        ["Ana@firm.example"],
        ["ana@firm.example", "bo@firm.example"],
    ]


@pytest.mark.parametrize(
    "more",
    [
        {"rendition": Rendition(subject="Hi\r\nBcc: x@evil.example", text="t")},
        {"sender_name": "Bank\nX: y"},
        {"reply_to": "a@b.example\r\n"},
        {"unsubscribe_url": "https://a.example/\r\nX: y"},
        {"category": "a\x00b"},
        {"attachments": (File("a\r\nX: y.pdf", "application/pdf", b"x"),)},
        {"attachments": (File("a.pdf", "application/pdf\r\nX: y", b"x"),)},
    ],
)
def test_a_line_smuggled_into_the_headers_is_refused(stub: tuple[Stub, str], more: dict[str, Any]) -> None:
    server, url = stub
    outcomes = run(url, outbounds(mails(2)), **more)
    assert {(o.state, o.decision) for o in outcomes} == {("rejected", "person")}
    assert all("must not hold line breaks" in o.error for o in outcomes)
    assert server.came == []


@pytest.mark.parametrize(
    "address", ["a@b.example\r\nBcc: x@evil.example", "a@b.example,c@d.example", "<a@b.example>", "a b@c.example", ""]
)
def test_what_is_not_one_address_is_refused_alone(stub: tuple[Stub, str], address: str) -> None:
    server, url = stub
    outcomes = run(url, outbounds([address, "ana@firm.example"]))
    assert [o.state for o in outcomes] == ["rejected", "accepted"]
    assert [people(came) for came in server.came] == [["ana@firm.example"]]


def test_attachments_beyond_the_limit_cost_no_request(stub: tuple[Stub, str]) -> None:
    server, url = stub
    big = File("a.pdf", "application/pdf", b"x" * (23 * 1024 * 1024))
    (outcome,) = run(url, outbounds(mails(1)), attachments=(big,))
    assert (outcome.state, outcome.decision) == ("rejected", "person")
    assert "too big" in outcome.error
    assert server.came == []


def refusal(*wrongs: tuple[str | None, str]) -> Answer:
    return as_json({"errors": [{"field": field, "message": text, "help": None} for field, text in wrongs]}, 400)


def picky(bad: dict[str, str | None], *, one_at_a_time: bool = False) -> Any:
    """Refuses requests with bad addresses; names their place where the value is a field's end."""

    def answer(came: Came) -> Answer:
        wrongs = [
            (f"personalizations.{n}.{bad[address]}" if bad[address] else None, f"not good: {n}")
            for n, address in enumerate(people(came))
            if address in bad
        ]
        return refusal(*(wrongs[:1] if one_at_a_time else wrongs)) if wrongs else ACCEPTED

    return answer


@pytest.mark.parametrize("one_at_a_time", [False, True])
def test_the_ones_at_fault_are_left_out_and_the_others_sent(stub: tuple[Stub, str], one_at_a_time: bool) -> None:
    server, url = stub
    bad = {"ana.3@firm.example": "to.0.email", "ana.8@firm.example": "headers.List-Unsubscribe"}
    server.answer = picky(dict(bad), one_at_a_time=one_at_a_time)
    batch = outbounds(mails(10))
    outcomes = run(url, batch)
    assert [o.state for o in outcomes] == ["rejected" if b.address in bad else "accepted" for b in batch]
    assert (outcomes[3].mark, outcomes[8].mark) == ("invalid", "")
    assert "not good" in outcomes[3].error
    assert len(server.came) == (3 if one_at_a_time else 2)


def test_a_refusal_that_names_nobody_is_narrowed_down(stub: tuple[Stub, str]) -> None:
    server, url = stub
    server.answer = picky({"ana.5@firm.example": None})
    outcomes = run(url, outbounds(mails(16)))
    assert [o.state for o in outcomes] == ["accepted"] * 5 + ["rejected"] + ["accepted"] * 10
    assert len(server.came) == 9
    accepted = [address for came in server.came if server.answer(came) is ACCEPTED for address in people(came)]
    assert len(accepted) == len(set(accepted)) == 15


def test_narrowing_down_ends_when_nobody_is_good(stub: tuple[Stub, str]) -> None:
    server, url = stub
    server.answer = lambda came: refusal((None, "Bad Request"))
    outcomes = run(url, outbounds(mails(400)))
    assert {o.state for o in outcomes} == {"rejected"}
    assert len(server.came) < 60


@pytest.mark.parametrize(
    ("answer", "state", "decision"),
    [
        (refusal(("subject", "The subject is required")), "rejected", "person"),
        (refusal(("content.0.value", "too long")), "rejected", "person"),
        (
            refusal(("from.email", "not a verified Sender Identity")),
            "failed",
            "stop-channel",
        ),
        (as_json({"errors": [{"message": "Forbidden"}]}, 403), "failed", "stop-channel"),
        (as_json({"errors": [{"message": "Maximum credits exceeded"}]}, 401), "failed", "stop-channel"),
        (Answer(200, "<html>"), "unknown", ""),
        (Answer(200), "unknown", ""),
        (Answer(202), "unknown", ""),
        (Answer(503, "<html>"), "unknown", ""),
        (Answer(302, headers={"Location": "https://evil.example/"}), "unknown", ""),
        (Answer(415), "rejected", "person"),
    ],
)
def test_what_concerns_all_is_asked_once(stub: tuple[Stub, str], answer: Answer, state: str, decision: str) -> None:
    server, url = stub
    server.answer = lambda came: answer
    outcomes = run(url, outbounds(mails(8)))
    assert {(o.state, o.decision) for o in outcomes} == {(state, decision)}
    assert len(server.came) == 1


def test_a_request_too_big_is_halved(stub: tuple[Stub, str]) -> None:
    server, url = stub
    server.answer = lambda came: ACCEPTED if len(people(came)) <= 3 else Answer(413, "<html>too large</html>")
    outcomes = run(url, outbounds(mails(10)))
    assert {o.state for o in outcomes} == {"accepted"}
    assert all(len(people(came)) <= 3 for came in server.came if server.answer(came) is ACCEPTED)


def test_a_doubt_in_the_middle_leaves_the_others_certain(stub: tuple[Stub, str]) -> None:
    """After a refusal the rest goes again in halves: one is accepted, the other cut off."""
    server, url = stub

    def answer(came: Came) -> Answer:
        if len(people(came)) > 4:
            return Answer(413)
        return Answer(how="reset") if "ana.0@firm.example" in people(came) else ACCEPTED

    server.answer = answer
    outcomes = run(url, outbounds(mails(8)))
    assert [o.state for o in outcomes] == ["unknown"] * 4 + ["accepted"] * 4


ATTEMPT = "ab" * 16


def logged(**more: Any) -> dict[str, Any]:
    base = {
        "from_email": "alerts@bank.example",
        "sg_message_id": "Wn3kPq0RTx2y8bV1sL4dQg.recvd-1.0",
        "msg_id": "Wn3kPq0RTx2y8bV1sL4dQg.recvd-1.0",
        "subject": "Flooding",
        "to_email": "ana@firm.example",
        "status": "processed",
        "sg_message_id_created_at": "2026-11-20T10:00:00Z",
        "last_event_time": (now() + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ"),
    }
    return {**base, **more}


def look(
    url: str, address: str = "ana@firm.example", category: str = "message-7", any_attempt: bool = False, **more: Any
) -> tuple[str, str]:
    return searched(url, address, category, any_attempt=any_attempt, **more)[:2]


def searched(url: str, address: str, category: str, **more: Any) -> tuple[str, str, bool]:
    async def find() -> tuple[str, str, bool]:
        provider = SendGrid(settings(url))
        try:
            found = await provider.find(Probe(ATTEMPT, address, "Flooding", category, now(), **more))
            return found.verdict, found.provider_ref, found.own
        finally:
            await provider.aclose()

    return asyncio.run(find())


FOUND = ("accepted", "Wn3kPq0RTx2y8bV1sL4dQg")
LOGS: list[tuple[list[Any], dict[str, Any] | None, tuple[str, str]]] = [
    # mails of the search, details of a mail → verdict
    ([], None, ("absent", "")),
    ([logged()], {"custom_args": {"attempt_id": ATTEMPT}}, FOUND),
    ([logged(subject="Other")], {"custom_args": {"attempt_id": ATTEMPT}}, FOUND),
    ([logged()], {"custom_args": {"attempt_id": "cd" * 16}}, ("absent", "")),
    ([logged()], None, FOUND),
    ([logged()], {"custom_args": None}, FOUND),
    ([logged(subject="Other")], None, ("absent", "")),
    ([logged(to_email="bo@firm.example")], None, ("absent", "")),
    ([logged(), logged(sg_message_id="B.1")], None, ("cannot say", "")),
    (["nonsense"], None, ("absent", "")),
]


@pytest.mark.parametrize(("rows", "details", "verdict"), LOGS)
def test_a_look_up_in_the_logs(
    stub: tuple[Stub, str], rows: list[Any], details: dict[str, Any] | None, verdict: tuple[str, str]
) -> None:
    server, url = stub

    def answer(came: Came) -> Answer:
        if came.method == "POST":
            return as_json({"messages": rows})
        return as_json(details) if details else Answer(403)

    server.answer = answer
    assert look(url) == verdict
    asked = server.came[0].json
    assert asked["query"].startswith('to_email = "ana@firm.example" AND sg_message_id_created_at >= TIMESTAMP "20')
    assert asked["query"].endswith("AND categories IN ('message-7')")


def test_which_mail_it_is_our_id_says_or_it_looks_like_it(stub: tuple[Stub, str]) -> None:
    server, url = stub
    details: dict[str, Any] | None = {"custom_args": {"attempt_id": ATTEMPT}}
    server.answer = lambda came: as_json({"messages": [logged()]} if came.method == "POST" else details)
    asked = {"address": "ana@firm.example", "category": "message-7"}
    assert searched(url, **asked, rivals=("Flooding",)) == (*FOUND, True)
    details = None
    assert searched(url, **asked) == (*FOUND, False)
    assert searched(url, **asked, rivals=("Drought",)) == (*FOUND, False)
    assert searched(url, **asked, rivals=("Flooding",)) == ("cannot say", "", False)
    assert searched(url, **asked, others=frozenset({FOUND[1]})) == ("absent", "", False)
    assert searched(url, **asked, any_attempt=True) == (*FOUND, False)
    assert searched(url, **asked, any_attempt=True, others=frozenset({FOUND[1]})) == ("absent", "", False)


def test_a_mail_of_a_lost_past_is_found_by_its_category(stub: tuple[Stub, str]) -> None:
    server, url = stub
    another = {"custom_args": {"attempt_id": "cd" * 16}}
    server.answer = lambda came: as_json({"messages": [logged()]} if came.method == "POST" else another)
    assert look(url) == ("absent", "")
    assert look(url, any_attempt=True) == FOUND
    known = {"known": frozenset({"cd" * 16})}
    assert look(url, any_attempt=True, **known) == ("absent", ""), "an attempt that we know by its id is not a lost one"
    another["custom_args"] = {}
    assert look(url, any_attempt=True, **known) == FOUND
    assert look(url, any_attempt=True, **known, rivals=("Drought",)) == FOUND
    assert look(url, any_attempt=True, **known, rivals=("Flooding",)) == ("cannot say", "")
    server.answer = lambda came: as_json({"messages": []})
    assert look(url, any_attempt=True) == ("absent", "")


@pytest.mark.parametrize("refusal", [Answer(429), Answer(503), Answer(how="reset")])
@pytest.mark.parametrize("any_attempt", [False, True])
def test_what_cannot_be_read_now_is_neither_taken_nor_absent(
    stub: tuple[Stub, str], refusal: Answer, any_attempt: bool
) -> None:
    server, url = stub
    rows = [logged(), logged(sg_message_id="B.1", subject="Other")]
    server.answer = lambda came: as_json({"messages": rows}) if came.method == "POST" else refusal
    known = frozenset({"cd" * 16})
    assert look(url, any_attempt=any_attempt, known=known) == ("cannot say", "")
    mine = as_json({"custom_args": {"attempt_id": ATTEMPT}})
    server.answer = lambda came: (
        as_json({"messages": rows}) if came.method == "POST" else mine if "B.1" in came.path else refusal
    )
    assert look(url, any_attempt=any_attempt, known=known) == ("accepted", "B")


@pytest.mark.parametrize(
    ("categories", "verdict"),
    [(["message-7"], "accepted"), (["message-8"], "absent"), ([], "accepted"), (None, "accepted")],
)
def test_a_mail_of_a_lost_past_is_found_in_the_activity(
    stub: tuple[Stub, str], categories: list[str] | None, verdict: str
) -> None:
    server, url = stub

    def answer(came: Came) -> Answer:
        if came.path == "/v3/logs":
            return Answer(403)
        if came.path == "/v3/messages":
            return as_json({"messages": [logged()]})
        return as_json({"unique_args": {"attempt_id": "cd" * 16}, "categories": categories})

    server.answer = answer
    assert look(url, any_attempt=True)[0] == verdict


@pytest.mark.parametrize("address", ["o'brien@firm.example", 'a"b@firm.example', "a\\b@firm.example"])
def test_an_odd_address_is_not_put_into_a_query(stub: tuple[Stub, str], address: str) -> None:
    server, url = stub
    server.answer = lambda came: as_json({"messages": []})
    assert look(url, address)[0] == "absent"
    assert address not in server.came[0].json["query"]


ARGUMENTS = [
    ({"unique_args": json.dumps({"attempt_id": ATTEMPT})}, FOUND),
    ({"unique_args": {"attempt_id": "cd" * 16}}, ("absent", "")),
    ({"unique_args": "{"}, FOUND),
]


@pytest.mark.parametrize(("details", "verdict"), ARGUMENTS)
def test_without_logs_the_activity_is_asked(
    stub: tuple[Stub, str], details: dict[str, Any], verdict: tuple[str, str]
) -> None:
    server, url = stub

    def answer(came: Came) -> Answer:
        if came.path == "/v3/logs":
            return Answer(403)
        if came.path == "/v3/messages":
            old = logged(msg_id="old.1", last_event_time="2026-01-01T00:00:00Z")
            return as_json({"messages": [old, logged()]})
        return as_json(details)

    server.answer = answer
    assert look(url) == verdict
    searched = next(came for came in server.came if came.path == "/v3/messages")
    assert 'to_email="ana@firm.example"' in unquote_plus(searched.query)
    assert not any("old.1" in came.path for came in server.came)


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (as_json({"scopes": ["mail.send", "x"]}), ""),
        (as_json({"scopes": ["x"]}), "mail.send"),
        (Answer(401), "SENDGRID_API_KEY"),
        (Answer(200, "<html>"), "SENDGRID_API_URL"),
    ],
)
def test_the_check_of_the_key(stub: tuple[Stub, str], answer: Answer, says: str) -> None:
    server, url = stub
    server.answer = lambda came: answer

    async def check() -> str:
        provider = SendGrid(settings(url))
        try:
            return await provider.check()
        finally:
            await provider.aclose()

    found = asyncio.run(check())
    assert says in found
    assert bool(says) == bool(found)
