"""Redial storms and toll fraud at the door of live calls: what is dialled, how often, and what a caller then hears."""

from __future__ import annotations

import dataclasses
import itertools
from xml.etree import ElementTree

from flask import Flask
from sqlalchemy import select, update

import webhooks
from dispatcher.model import Delivery, Reply, Staff, Task
from dispatcher.model.telephone import CallStep, Dial, Gather, Go, Hangup, Say
from dispatcher.services import codes, guesses
from tests.webhooks.world import LINE, OURS, World
from webhooks.lines import guard

CLEO, REP = "+12025550102", "+12025550199"
_SIDS = (f"CA{number:032x}" for number in itertools.count(7_000_000))


def capped(world: World, **settings: object) -> World:
    world.runtime = dataclasses.replace(world.runtime, settings=world.runtime.settings.model_copy(update=settings))
    app = Flask("capped")
    webhooks.register(app, world.runtime)
    world.client = app.test_client()
    return world


def ask(world: World, target: str, sid: str, **fields: str) -> ElementTree.Element:
    form = {"CallSid": sid, "From": CLEO, "To": LINE, "Direction": "inbound", "CallStatus": "in-progress", **fields}
    answer = world.twilio(target, form)
    assert answer.status_code == 200
    return ElementTree.fromstring(answer.data)  # noqa: S314  # our own answer


def rings(world: World, **fields: str) -> tuple[str, ElementTree.Element]:
    sid = next(_SIDS)
    return sid, ask(world, "voice", sid, **fields)


def said(document: ElementTree.Element) -> str:
    return " ".join(one.text or "" for one in document.iter("Say"))


def presses_one(world: World, sid: str, document: ElementTree.Element) -> ElementTree.Element:
    return ask(world, document.find(".//Gather").attrib["action"], sid, Digits="1")  # type: ignore[union-attr]


def alarms(world: World) -> list[str]:
    with world.runtime.sessions() as session:
        return list(session.scalars(select(Task.text).where(Task.kind == "alarm")))


def test_who_rings_all_the_time_hears_a_kind_end(light: World) -> None:
    capped(light, cap_calls_per_caller_hour=4)
    light.alert()
    heard = [rings(light)[1] for _ in range(6)]
    assert all(one.find(".//Gather") is not None for one in heard[:4])
    assert all(one.tag == "Response" and [part.tag for part in one] == ["Say", "Say", "Hangup"] for one in heard[4:])
    assert "many times within the hour" in said(heard[5])
    assert rings(light, From="+12025550103")[1].find(".//Gather") is not None
    [alarm] = alarms(light)
    assert "CAP_CALLS_PER_CALLER_HOUR" in alarm
    assert CLEO not in alarm


def test_withheld_numbers_together_hear_it_too(light: World) -> None:
    capped(light, cap_calls_per_caller_hour=1)
    light.alert()
    heard = [rings(light, From=withheld)[1] for withheld in ("", "+266696687", "anonymous") * 4]
    assert all(one.find(".//Gather") is not None for one in heard[:10])
    assert all([part.tag for part in one] == ["Say", "Say", "Hangup"] for one in heard[10:])
    assert "withhold their numbers" in said(heard[10])
    assert rings(light)[1].find(".//Gather") is not None


def test_the_steps_of_one_call_count_once(light: World) -> None:
    capped(light, cap_calls_per_caller_hour=1)
    light.alert()
    sid, document = rings(light)
    assert presses_one(light, sid, document).find("Dial") is not None
    assert ask(light, "voice", sid).find(".//Gather") is not None, "the vendor asks once more: a copy is not counted"
    assert rings(light)[1].find("Hangup") is not None


def test_a_call_of_ours_that_comes_back_to_us_is_hung_up(light: World) -> None:
    light.alert()
    for own in (OURS, LINE):
        assert [one.tag for one in rings(light, From=own)[1]] == ["Hangup"]
    assert "forwards to us" in alarms(light)[0]


def test_one_who_presses_1_again_and_again_is_joined_so_often(light: World) -> None:
    capped(light, cap_joins_per_caller_day=3)
    light.alert()
    answers = []
    for _ in range(5):
        sid, document = rings(light)
        answers.append(presses_one(light, sid, document))
    dialled = [one.find("Dial") is not None for one in answers]
    assert dialled == [True] * 3 + [False] * 2
    # Where nobody is rung, the call goes on as if nobody had answered.
    following = answers[-1].find("Redirect")
    assert following is not None
    assert following.text is not None
    sid = next(_SIDS)
    document = ask(light, following.text, sid)
    assert "zurückzurufen" in said(document)
    assert document.find(".//Record") is not None or document.find(".//Gather") is not None
    with light.runtime.sessions() as session:
        texts = set(session.scalars(select(Reply.text).where(Reply.kind == "call")))
    assert any("did not come about" in one for one in texts), "the representative is told all the same"


def test_a_representatives_telephone_that_was_poisoned_is_never_dialled(light: World) -> None:
    light.alert()
    for number in ("+5371234567", "+881612345678", "+19002345678", LINE):
        with light.runtime.sessions() as session:
            session.execute(update(Staff).where(Staff.id == light.bank.ids["rep"]).values(phone=number))
            session.commit()
        sid, document = rings(light)
        assert presses_one(light, sid, document).find("Dial") is None
        assert "gebeten, Sie anzurufen" in said(presses_one(light, sid, document))


def test_the_guard_changes_nothing_but_what_may_not_be_dialled(light: World) -> None:
    step = CallStep("CA1", CLEO, LINE, outbound=False)
    verbs = (
        Say("One moment."),
        Dial(REP, LINE, "/next"),
        Dial("+5371234567", LINE, "/next"),
        Gather((), "/menu"),
        Hangup(),
    )
    with light.runtime.sessions() as session:
        guarded = guard.guarded(session, light.runtime, step, verbs)
    assert guarded == (verbs[0], verbs[1], Go("/next"), verbs[3], verbs[4])


def test_a_right_code_is_found_from_any_telephone_and_guesses_end(light: World) -> None:
    capped(light, cap_wrong_codes_per_caller_day=2)
    ids = light.alert()
    stranger = "+12025550188"
    with light.runtime.sessions() as session:
        found = codes.find(session, light.runtime, codes.make(light.runtime, ids["ana"]), stranger)
        assert found is not None
        assert found.id == ids["ana"]
        assert [codes.find(session, light.runtime, "1234567", stranger) for _ in range(2)] == [None, None]
        assert not guesses.may_try(session, light.runtime, stranger)
        assert session.get_one(Delivery, ids["ana"]).id == ids["ana"]
