"""Who may ask what: tokens, roles, other people's things; and what strangers learn, which is nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from approvals import decisions, duty, review
from dispatcher.api.calls import CALLS, EVERYBODY, PREFIX, Call
from dispatcher.model import ApiToken, Conversation, Customer, Grant, Letter, Message, Reply, Staff, StaffCall, Task
from dispatcher.model.errors import NotAllowed
from dispatcher.services import accounts, pins, staff_calls
from tests.api.conftest import Api, problem


def address(call: Call) -> str:
    """An address of the call, of things that are there or not."""
    path = call.rule
    for name in call.path_names:
        path = path.replace(f"<row:{name}>", "1").replace(f"<{name}>", "ana")
    return path


def test_strangers_get_401_before_anything_is_looked_at(bank_api: Api) -> None:
    for call in CALLS:
        answer = bank_api.ask(None, call.method, address(call), data=b"{", content_type="application/json")
        problem(answer, 401, "unauthenticated")
        assert answer.headers["WWW-Authenticate"].startswith("Bearer"), call.name
    for path in ("", "/", "/nothing", "/messages/x", "/messages/1/nothing"):
        for method in ("GET", "POST", "PUT", "DELETE", "OPTIONS"):
            problem(bank_api.ask(None, method, path), 401, "unauthenticated")


@pytest.mark.parametrize("role", sorted(EVERYBODY))
def test_each_role_gets_where_the_table_says_and_nowhere_else(bank_api: Api, role: str) -> None:
    with bank_api.session() as session:
        email = f"only-{role}@bank.example"
        session.add(Staff(email=email, name=role, channels=[], grants=[Grant(role=role)]))
        session.flush()
        bank_api.tokens[role] = accounts.make_token(session, bank_api.bank.runtime, email)
        session.commit()
    for call in CALLS:
        answer = bank_api.ask(role, call.method, address(call))
        refused = answer.status_code == 403 and "This takes the role" in answer.text
        assert refused == (role not in call.roles), (call.name, answer.text)
        assert answer.status_code < 500, (call.name, answer.text)


def test_every_route_below_the_prefix_is_in_the_table_or_known_to_be_open(bank_api: Api) -> None:
    named = {f"api.{call.name}" for call in CALLS}
    known = named | {"api.openapi", "api.docs", "api.docs_file", "api.docs_slash", "api.problem_page", "api.elsewhere"}
    rules = [rule for rule in bank_api.app.url_map.iter_rules() if rule.rule.startswith(PREFIX)]
    assert {rule.endpoint for rule in rules} == known


# What each role may do; a change here is a change of the product's policy.
POLICY = {
    "analyst": {
        "create_message", "edit_message", "submit_message", "withdraw_message", "cancel_message", "get_audience",
        "put_list", "put_members", "list_members", "correct_reply",
    },
    "compliance": {"correct_reply"},
    "officer": {"decide_message", "cancel_message", "get_audience", "get_history", "list_members", "list_duty"},
    "rep": {
        "put_customer", "get_history", "answer_task", "resend_delivery", "correct_reply", "claim_order",
        "give_back_order", "read_back_order", "confirm_order", "decline_order",
    },
    "admin": {
        "withdraw_message", "cancel_message", "get_audience", "put_customer", "delete_customer", "get_history",
        "put_list", "put_members", "list_members", "import_customers", "import_staff", "assign_reply", "settle_reply",
        "answer_task", "resend_delivery", "get_sending", "pause_sending", "resume_sending",
        "list_duty", "add_duty", "remove_duty", "correct_reply", "claim_order", "give_back_order", "read_back_order",
        "confirm_order", "decline_order", "get_routing", "put_routing", "hand_over",
        "make_hook", "list_hooks", "get_hook",
        "change_hook", "end_hook", "rotate_hook", "ping_hook", "list_posts", "replay_hook",
    },
}  # fmt: skip


def test_the_policy_is_what_was_decided() -> None:
    table = {role: {c.name for c in CALLS if role in c.roles and c.roles != EVERYBODY} for role in EVERYBODY}
    assert table == POLICY


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer ", "Bearer dsp_nobody", "Basic YTpi", "Token x", "Bearer \xff", "Bearer a b", "bearer x"],
)
def test_what_is_no_token_is_refused(bank_api: Api, header: str) -> None:
    answer = bank_api.client.get("/api/v1/me", headers={"Authorization": header})
    problem(answer, 401, "unauthenticated")


def test_a_token_ends_when_revoked_or_when_its_owner_leaves(bank_api: Api) -> None:
    assert bank_api.ask("rep", "GET", "/me").get_json() == {
        "email": "rep@bank.example", "name": "Rep", "roles": ["rep"]
    }  # fmt: skip
    with bank_api.session() as session:
        session.query(Staff).filter_by(email="rep@bank.example").one().active = False
        analyst = session.query(Staff).filter_by(email="analyst@bank.example").one()
        token = session.query(ApiToken).filter_by(staff_id=analyst.id).one()
        accounts.revoke_token(session, bank_api.bank.runtime, analyst, token.id)
        session.commit()
    problem(bank_api.ask("rep", "GET", "/me"), 401)
    problem(bank_api.ask("analyst", "GET", "/me"), 401)


def test_a_tokens_use_is_noted(bank_api: Api) -> None:
    bank_api.ask("rep", "GET", "/me")
    with bank_api.session() as session:
        assert session.query(ApiToken).filter(ApiToken.last_used_at.is_not(None)).count() == 1


def test_a_browsers_session_is_no_way_in(bank_api: Api) -> None:
    runtime = bank_api.bank.runtime
    with bank_api.session() as session:
        accounts.set_password(session, runtime, "admin@bank.example", "four words not together")
        _, cookie = accounts.sign_in(session, runtime, "admin@bank.example", "four words not together", "test")
        session.commit()
    for name in ("session", "dispatcher", "__Host-dispatcher"):
        bank_api.client.set_cookie(name, cookie)
    problem(bank_api.ask(None, "GET", "/me"), 401)


# --- other people's things --------------------------------------------------------------------------------


def conversation_of(api: Api, rep: str, key: str) -> tuple[int, int]:
    """Ids of a conversation and its reply, of a customer who is `rep`'s."""
    with api.session() as session:
        owner = session.query(Staff).filter_by(email=f"{rep}@bank.example").one()
        customer = Customer(key=key, name=key, rep_id=owner.id)
        session.add(customer)
        session.flush()
        talk = Conversation(customer_id=customer.id, rep_id=owner.id, channel="sms", address="+12025550155")
        session.add(talk)
        session.flush()
        reply = Reply(
            dedupe=key,
            conversation_id=talk.id,
            customer_id=customer.id,
            channel="sms",
            sender="+12025550155",
            text="hi",
        )
        session.add(reply)
        session.add(Task(kind="failed", dedupe=key, rep_id=owner.id, customer_id=customer.id, text="ring them"))
        session.commit()
        return talk.id, reply.id


@pytest.fixture
def strangers(bank_api: Api) -> dict[str, Any]:
    with bank_api.session() as session:
        session.add(
            Staff(email="stranger@bank.example", name="Stranger", channels=["email"], grants=[Grant(role="rep")])
        )
        session.commit()
    talk, reply = conversation_of(bank_api, "stranger", "zoe")
    return {"talk": talk, "reply": reply, "customer": "zoe"}


@pytest.mark.parametrize("who", ["rep", "analyst", "officer"])
@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("GET", "/conversations/{talk}", None),
        ("POST", "/conversations/{talk}/responses", {"text": "hello"}),
        ("POST", "/conversations/{talk}/claim", None),
        ("POST", "/conversations/{talk}/close", None),
        ("GET", "/replies/{reply}", None),
        ("GET", "/replies/{reply}/recording", None),
        ("POST", "/tasks/1/close", None),
    ],
)
def test_what_is_somebody_elses_is_not_there(
    bank_api: Api, strangers: dict[str, Any], who: str, method: str, path: str, body: object
) -> None:
    more = {"json": body} if body else {}
    problem(bank_api.ask(who, method, path.format(**strangers), **more), 404, "not-found")


def test_lists_hold_only_what_is_ones_own(bank_api: Api, strangers: dict[str, Any]) -> None:
    for path in (
        "/replies",
        "/conversations",
        "/tasks",
        "/replies?customer=zoe",
        "/conversations?rep=stranger@bank.example",
    ):
        assert bank_api.ask("rep", "GET", path).get_json()["items"] == [], path
        assert len(bank_api.ask("admin", "GET", path).get_json()["items"]) == 1, path


def test_a_rep_sees_and_keeps_own_customers_only(bank_api: Api, strangers: dict[str, Any]) -> None:
    for path in ("/customers/zoe", "/customers/zoe/history"):
        problem(bank_api.ask("rep", "GET", path), 404)
        assert bank_api.ask("admin", "GET", path).status_code == 200
    assert [one["customer_id"] for one in bank_api.ask("rep", "GET", "/customers").get_json()["items"]] == [
        "ana", "bob", "cleo"
    ]  # fmt: skip
    problem(bank_api.ask("rep", "PUT", "/customers/zoe", json={"name": "Mine"}), 404)
    given_away = {"name": "Ana", "rep_email": "stranger@bank.example"}
    problem(bank_api.ask("rep", "PUT", "/customers/ana", json=given_away), 403)


def test_a_customer_whose_rep_left_is_the_firms_reps(bank_api: Api, strangers: dict[str, Any]) -> None:
    with bank_api.session() as session:
        ana = session.query(Customer).filter_by(key="ana").one()
        ana.rep_id = session.query(Staff).filter_by(email="stranger@bank.example").one().id
        session.commit()
    problem(bank_api.ask("rep", "GET", "/customers/ana"), 404)
    with bank_api.session() as session:
        session.query(Staff).filter_by(email="stranger@bank.example").one().active = False
        session.commit()
    assert bank_api.ask("rep", "GET", "/customers/ana").get_json()["rep"] == "rep@bank.example"


def test_unreleased_messages_are_not_there_for_those_who_need_not_know(bank_api: Api) -> None:
    draft, pending = bank_api.made(draft=True), bank_api.made()
    seen = {
        "analyst": {draft["id"], pending["id"]},
        "officer": {pending["id"]},
        "rep": set(),
        "colleague": {pending["id"]},
    }
    for who, ids in seen.items():
        assert {one["id"] for one in bank_api.ask(who, "GET", "/messages").get_json()["items"]} == ids, who
        for one in (draft["id"], pending["id"]):
            for path in (f"/messages/{one}", f"/messages/{one}/deliveries", f"/messages/{one}/report"):
                assert bank_api.ask(who, "GET", path).status_code == (200 if one in ids else 404), (who, path)


def test_a_message_cancelled_before_its_release_stays_with_those_who_need_to_know(bank_api: Api) -> None:
    made = bank_api.released(release_at="2026-11-20T18:00:00Z")
    assert bank_api.ask("officer", "POST", f"/messages/{made['id']}/cancel").status_code == 200
    for path in (f"/messages/{made['id']}", f"/messages/{made['id']}/recording", f"/messages/{made['id']}/deliveries"):
        problem(bank_api.ask("rep", "GET", path), 404)
    assert bank_api.ask("other", "GET", f"/messages/{made['id']}").get_json()["state"] == "cancelled"


def test_the_last_use_of_a_token_is_written_down_once_a_minute(bank_api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    def used() -> Any:
        with bank_api.session() as session:
            person = session.query(Staff).filter_by(email="rep@bank.example").one()
            return accounts.tokens(session, person)[0].last_used_at

    first = bank_api.bank.time()
    assert used() is None
    bank_api.ask("rep", "GET", "/messages")
    assert used() == first
    for seconds, expected in ((30, first), (40, first + timedelta(seconds=70))):
        bank_api.bank.time.pass_by(seconds)
        monkeypatch.setattr("dispatcher.api.life._touched", {})  # as another process
        bank_api.ask("rep", "GET", "/messages")
        assert used() == expected


def test_who_hands_in_anothers_alert_does_not_approve_it(bank_api: Api) -> None:
    """Its author has taken it back: one person alone must not send it, neither as written nor as it was."""
    with bank_api.session() as session:
        colleague = session.get_one(Staff, bank_api.bank.ids["colleague"])
        colleague.grants = [Grant(role="analyst"), Grant(role="officer")]
        session.commit()
    made = bank_api.made()
    assert bank_api.ask("analyst", "POST", f"/messages/{made['id']}/withdraw").status_code == 200
    again = bank_api.ask("colleague", "POST", f"/messages/{made['id']}/submit").get_json()
    assert again["version"] == made["version"] + 1
    body = {"decision": "approve", "digest": again["digest"]}
    assert bank_api.ask("colleague", "POST", f"/messages/{made['id']}/decisions", json=body).status_code == 403
    assert bank_api.ask("officer", "POST", f"/messages/{made['id']}/decisions", json=body).status_code == 201


def test_tokens_of_who_was_kept_out_stay_ended(bank_api: Api) -> None:
    for active in (False, True):
        with bank_api.session() as session:
            admin = session.get_one(Staff, bank_api.bank.ids["admin"])
            accounts.set_active(session, bank_api.bank.runtime, admin, bank_api.bank.ids["other"], active)
            session.commit()
        assert bank_api.ask("other", "GET", "/me").status_code == 401


def test_tokens_end_with_the_password_that_an_administrator_replaces(bank_api: Api) -> None:
    assert bank_api.ask("other", "GET", "/me").status_code == 200
    with bank_api.session() as session:
        accounts.set_password(session, bank_api.bank.runtime, "other@bank.example", "four words that do not belong")
        session.commit()
    assert bank_api.ask("other", "GET", "/me").status_code == 401


def test_a_call_begun_with_a_former_pin_decides_nothing(bank_api: Api) -> None:
    made, runtime = bank_api.made(), bank_api.bank.runtime
    with bank_api.session() as session:
        officer = session.get_one(Staff, bank_api.bank.ids["officer"])
        pins.give(officer, "740218", None)
        call = StaffCall(
            provider="twilio", call_ref="CAx", outbound=False, number="+12025550177", staff_id=officer.id, lists=[],
            created_at=runtime.now(),
        )  # fmt: skip
        session.add(call)
        session.flush()
        assert pins.check(session, runtime, call, "740218").right
        assert staff_calls.is_proven(call, runtime)
        bank_api.bank.time.pass_by(60)
        pins.choose(session, runtime, officer, "981364")
        review.take_up(session, runtime, call, session.get_one(Message, made["id"]))
        review.heard_out(session, runtime, call, "")
        with pytest.raises(NotAllowed, match="nobody has proven"):
            review.approve(session, runtime, call, review.code_of(made["digest"]))


ROWS = {
    "a person of their own": "ghost@bank.example,Ghost,officer,+12025550188,740218,",
    "a colleague's telephone": "officer@bank.example,Officer,officer,+12025550188,740218,email",
}


def proven(api: Api, session: Session, message_id: int) -> StaffCall:
    """A call from the telephone of that file, with its PIN, in which the alert has been heard."""
    runtime = api.bank.runtime
    person = session.scalars(select(Staff).where(Staff.phone == "+12025550188")).one()
    call = StaffCall(
        provider="twilio", call_ref=f"CA{person.id}-{message_id}", outbound=False, number="+12025550188",
        staff_id=person.id, lists=[], created_at=runtime.now(),
    )  # fmt: skip
    session.add(call)
    session.flush()
    assert pins.check(session, runtime, call, "740218").right
    review.take_up(session, runtime, call, session.get_one(Message, message_id))
    review.heard_out(session, runtime, call, "")
    return call


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_who_gave_a_pin_is_not_approved_by_it(bank_api: Api, row: str) -> None:
    """An administrator who writes alerts would approve their own; a colleague's alert may be decided by it."""
    with bank_api.session() as session:
        author = session.get_one(Staff, bank_api.bank.ids["analyst"])
        author.grants.append(Grant(role="admin"))
        session.commit()
    own = bank_api.made()
    body = {"subject": "Other", "text": "Other words.", "lists": ["semis"]}
    made = bank_api.ask("colleague", "POST", "/messages", json=body).get_json()
    csv = f"email,name,roles,phone,pin,channels\n{row}\n"
    answer = bank_api.ask("analyst", "POST", "/imports/staff", data=csv, headers={"Content-Type": "text/csv"})
    assert answer.status_code == 200, answer.text
    runtime = bank_api.bank.runtime
    with bank_api.session() as session:
        call = proven(bank_api, session, own["id"])
        assert call.staff is not None
        assert [one.id for one in review.waiting(session, call.staff)] == [made["id"]]
        assert review.standing(session, call) == "barred"
        assert review.waits_for_own_pin(session, call.staff)
        with pytest.raises(NotAllowed, match="choose one of your own"):
            review.approve(session, runtime, call, review.code_of(own["digest"]))
        assert review.approve(session, runtime, proven(bank_api, session, made["id"]), review.code_of(made["digest"]))
        pins.choose(session, runtime, call.staff, "981364")
        assert [one.id for one in review.waiting(session, call.staff)] == [own["id"]]


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_a_file_that_lets_somebody_decide_is_told(bank_api: Api, row: str) -> None:
    csv = f"email,name,roles,phone,pin,channels\n{row}\n"
    for dry_run in ("true", "false"):
        path = f"/imports/staff?dry_run={dry_run}"
        answer = bank_api.ask("admin", "POST", path, data=csv, headers={"Content-Type": "text/csv"})
        assert answer.status_code == 200, answer.text
        with bank_api.session() as session:
            told = {(one.address, one.subject) for one in session.scalars(select(Letter)) if one.kind == "staff"}
        if dry_run == "true":
            assert told == set()
    mine = ("officer@bank.example", "Your registered telephone and your PIN of the telephone line were changed")
    others = ("officer@bank.example", "Somebody else may approve alerts from now on")
    assert (others if row.startswith("ghost") else mine) in told
    assert not [one for one in told if one[0] == "admin@bank.example"]


def test_a_role_that_lets_somebody_decide_is_told(bank_api: Api) -> None:
    with bank_api.session() as session:
        admin, person = (session.get_one(Staff, bank_api.bank.ids[name]) for name in ("admin", "rep"))
        accounts.set_roles(session, bank_api.bank.runtime, admin, person.id, ["rep", "officer"])
        accounts.set_roles(session, bank_api.bank.runtime, admin, person.id, ["rep", "officer", "analyst"])
        session.commit()
        told = [one.address for one in session.scalars(select(Letter)) if one.kind == "staff"]
    assert "officer@bank.example" in told
    assert len(told) == len(set(told))
    assert not {"rep@bank.example", "admin@bank.example"} & set(told)


def by_phone(session: Session, message_id: int) -> Message:
    """As if its author had dictated it."""
    message = session.get_one(Message, message_id)
    for version in message.versions:
        version.via = "phone"
    session.commit()
    return message


def test_who_gave_an_author_their_pin_decides_on_nothing_dictated_by_it(bank_api: Api) -> None:
    """They may have dictated it: neither by page nor by telephone, nor by an officer to whom they gave a PIN, too."""
    made = bank_api.made()
    with bank_api.session() as session:
        author, officer = (session.get_one(Staff, bank_api.bank.ids[name]) for name in ("analyst", "officer"))
        ghost = session.get_one(Staff, bank_api.bank.ids["colleague"])
        giver = officer.id
        pins.give(author, "740218", giver)
        pins.give(ghost, "740219", giver)
        session.commit()
        assert decisions.why_barred(session, officer, session.get_one(Message, made["id"])) == ""
        message = by_phone(session, made["id"])
        assert "PIN is one that you gave" in decisions.why_barred(session, officer, message)
        assert officer not in duty.may_decide(session, message)
        assert pins.is_from_writer(session, ghost, message)
    answer = bank_api.decided(made)
    assert answer.status_code == 403


def test_a_pin_of_a_file_decides_on_no_administrators_alert(bank_api: Api) -> None:
    """They may have another copy of it."""
    made = bank_api.made()
    with bank_api.session() as session:
        author, officer = (session.get_one(Staff, bank_api.bank.ids[name]) for name in ("analyst", "officer"))
        pins.give(officer, "740218", None)
        message = session.get_one(Message, made["id"])
        assert not pins.is_from_writer(session, officer, message)
        author.grants.append(Grant(role="admin"))
        session.flush()
        assert pins.is_from_writer(session, officer, message)
        pins.choose(session, bank_api.bank.runtime, officer, "981364")
        assert not pins.is_from_writer(session, officer, message)


def test_who_has_no_pin_has_it_from_nobody(bank_api: Api) -> None:
    with bank_api.session() as session:
        person = session.get_one(Staff, bank_api.bank.ids["rep"])
        pins.give(person, "", 1)
        assert (person.pin_hash, person.pin_given_by) == (None, None)
