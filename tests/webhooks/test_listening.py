"""Listening to the end, on the telephone: only where all of the alert can have been played before the menu."""

from __future__ import annotations

import re
from html import unescape

import pytest

from dispatcher.model import Delivery
from tests.webhooks.world import LINE, World

CLEO = "+12025550102"


class Heard:
    """A call in which so many seconds pass before each key; `at` is when its delivery was heard to the end."""

    def __init__(self, world: World, recording: bool, inbound: bool) -> None:
        self.world, ids = world, world.alert(recording=recording)
        self.delivery = ids["cleo"]
        self.target = "voice" if inbound else f"voice?attempt={world.attempt_of(self.delivery)}"
        self.fields = {"From": CLEO, "To": LINE, "Direction": "inbound"} if inbound else {}

    def step(self, seconds: float = 0, **fields: str) -> None:
        self.world.bank.time.pass_by(seconds)
        answer = self.world.voice(self.target, **{**self.fields, **fields})
        assert answer.status_code == 200
        found = re.findall(r'action="([^"]+)"', answer.text)
        self.target = unescape(found[-1]) if found else self.target

    @property
    def at(self) -> object:
        with self.world.runtime.sessions() as session:
            return session.get_one(Delivery, self.delivery).heard_at


@pytest.mark.parametrize(("recording", "inbound"), [(False, False), (True, True)])
@pytest.mark.parametrize(
    ("seconds", "digits", "whole"),
    [
        (300, "", True),  # all was played, nobody pressed a key
        (300, "2", True),
        (300, "7", True),
        (0.5, "2", False),  # a key in the middle of it
        (0.5, "", False),  # the vendor could not fetch it
    ],
)
def test_all_of_it_must_have_been_played(
    light: World, recording: bool, inbound: bool, seconds: float, digits: str, whole: bool
) -> None:
    call = Heard(light, recording, inbound)
    call.step()
    assert call.at is None
    call.step(seconds, Digits=digits)
    assert (call.at is not None) is whole


def test_what_was_heard_the_second_time_counts_from_then(light: World) -> None:
    call = Heard(light, False, False)
    call.step()
    call.step(1, Digits="3")
    call.step(1, Digits="3")
    assert call.at is None
    call.step(300, Digits="3")
    first = call.at
    assert first is not None
    call.step(300, Digits="")
    assert call.at == first


def test_a_hang_up_and_a_machine_prove_nothing(light: World) -> None:
    call = Heard(light, False, False)
    call.step(AnsweredBy="machine_end_beep")
    call.step(300, CallStatus="completed")
    assert call.at is None
