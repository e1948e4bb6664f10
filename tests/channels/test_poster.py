"""Where posts to chosen addresses may go: nowhere inside, whatever a name says and whatever it says a moment later."""

from __future__ import annotations

import asyncio

import pytest

from channels.poster import Poster, is_public
from dispatcher.model.ports import Posted
from tests.hooks.receiver import receiving


class Names:
    """Look-ups whose answers are these, one after the other; the last one stays."""

    def __init__(self, *answers: str) -> None:
        self.answers, self.asked = list(answers), 0

    async def __call__(self, name: str) -> list[str]:
        self.asked += 1
        return (self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]).split()


def post(poster: Poster, url: str, times: int = 1) -> list[Posted]:
    async def job() -> list[Posted]:
        found = [await poster.post(url, {"content-type": "application/json"}, b"{}") for _ in range(times)]
        await poster.aclose()
        return found

    return asyncio.run(job())


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.215.14", True), ("2606:2800:21f:cb07:6820:80da:af6b:8b2c", True),
        ("10.1.2.3", False), ("172.16.0.1", False), ("192.168.1.1", False), ("127.0.0.1", False), ("0.1.2.3", False),
        ("169.254.169.254", False), ("100.64.0.1", False), ("224.0.0.1", False), ("255.255.255.255", False),
        ("::1", False), ("::", False), ("fe80::1%eth0", False), ("fd00:ec2::254", False), ("ff02::1", False),
        ("::ffff:10.0.0.1", False), ("::ffff:169.254.169.254", False), ("64:ff9b::a9fe:a9fe", False),
        ("::127.0.0.1", False), ("fec0::1", False), ("192.0.0.8", False), ("192.88.99.1", False),
        ("2002:7f00:1::", False), ("2001:0:4136:e378:8000:63bf:3fff:fdd2", False), ("no address", False),
    ],
)  # fmt: skip
def test_which_addresses_are_public(address: str, public: bool) -> None:
    assert is_public(address) == public


@pytest.mark.parametrize("leads_to", ["127.0.0.1", "10.0.0.1", "93.184.215.14 127.0.0.1", "::ffff:127.0.0.1"])
def test_a_name_that_leads_inside_is_not_posted_to(leads_to: str) -> None:
    with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        [posted] = post(Poster((), local=False, look_up=Names(leads_to)), f"http://crm.example:{port}")
        assert posted == Posted(None, error="the name leads to an address that is not public")
        assert receiver.posts == []


def test_a_name_that_changes_is_looked_at_for_each_post() -> None:
    """A rebind: allowed once, inside a moment later. Nothing that was looked up is kept."""
    names = Names("127.0.0.1")
    with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", "crm.example")
        allowed = post(Poster(("crm.example",), local=False, look_up=names), url, times=2)
        assert [one.status for one in allowed] == [200, 200]
        assert names.asked == 2
        [barred] = post(Poster((), local=False, look_up=names), url)
        assert barred.status is None
        assert len(receiver.posts) == 2


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "2130706433", "0x7f.1", "0x7f000001", "0177.0.0.1"],
)
def test_an_address_in_digits_is_looked_at_too(host: str) -> None:
    with receiving() as receiver:
        port = receiver.url.rpartition(":")[2]
        [posted] = post(Poster((), local=False), f"http://{host}:{port}")
        assert posted.status is None
        assert receiver.posts == []


def test_redirects_are_not_followed_and_answers_not_read_for_ever() -> None:
    with receiving() as receiver, receiving() as other:
        receiver.answers, receiver.headers = [307], {"location": other.url}
        [posted] = post(Poster((), local=True), receiver.url)
        assert (posted.status, other.posts) == (307, [])


def test_what_went_wrong_is_told_without_addresses() -> None:
    [posted] = post(Poster((), local=True), "http://127.0.0.1:1/")
    assert posted.status is None
    assert posted.error
    assert "127.0.0.1" not in posted.error


def test_the_next_address_is_tried_where_one_does_not_listen() -> None:
    with receiving() as receiver:
        url = receiver.url.replace("127.0.0.1", "crm.example")
        [posted] = post(Poster(("crm.example",), local=False, look_up=Names("127.0.0.0 127.0.0.1")), url)
        assert posted.status == 200
        assert len(receiver.posts) == 1


@pytest.mark.parametrize("host", ["a..b.example", f"{'a' * 64}.example", "nowhere.invalid"])
def test_a_name_that_is_none_is_told_and_not_raised(host: str) -> None:
    [posted] = post(Poster((), local=False), f"https://{host}/hook")
    assert posted == Posted(None, error="the name is not known")


@pytest.mark.parametrize("value", ["9" * 5000, "\xff"])
def test_a_time_to_wait_that_is_none_is_left_aside(value: str) -> None:
    with receiving() as receiver:
        receiver.answers, receiver.headers = [503], {"Retry-After": value}
        [posted] = post(Poster((), local=True), receiver.url)
        assert (posted.status, posted.retry_after) == (503, None)
