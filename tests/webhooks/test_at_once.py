"""Several workers at once on the same news: one reply, one conversation, nobody waits in a circle."""

from __future__ import annotations

import threading
from collections.abc import Callable

from sqlalchemy import select

from dispatcher.bells import commit
from dispatcher.model import Callback, Conversation, Letter, Reply
from dispatcher.services import news, replies, responses
from tests.webhooks.world import World

BOB = "+12025550101"


def together(*work: Callable[[], None]) -> list[BaseException]:
    """Do all at once; what went wrong."""
    barrier, wrong = threading.Barrier(len(work)), list[BaseException]()

    def run(one: Callable[[], None]) -> None:
        barrier.wait()
        try:
            one()
        except Exception as error:  # told to the test
            wrong.append(error)

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for one in threads:
        one.start()
    for one in threads:
        one.join(60)
    return wrong


def apply(world: World, number: int) -> Callable[[], None]:
    def work() -> None:
        with world.runtime.sessions() as session:
            news.apply_all(session, world.runtime, [number])
            commit(session, world.runtime.bells)

    return work


def numbers(world: World) -> list[int]:
    with world.runtime.sessions() as session:
        return list(session.scalars(select(Callback.id).order_by(Callback.id)))


def test_the_same_post_arrives_four_times_at_once(world: World) -> None:
    world.alert()
    client = world.client.application.test_client

    def post() -> None:
        other = World(world.bank, world.runtime, client(), world.validator)
        assert other.sms(BOB, "Sell", "SM" + "1" * 32).status_code == 200

    assert together(*[post] * 4) == []
    assert world.count(Callback) == 1


def test_one_callback_rung_for_four_times_and_many_of_one_customer(world: World) -> None:
    world.alert()
    for number in range(4):
        world.sms(BOB, f"Noted, thanks {number}")
    assert together(*[apply(world, number) for number in numbers(world) * 2]) == []
    assert (world.count(Reply), world.count(Conversation)) == (4, 1)
    assert world.count(Letter) == 8


def test_stops_answers_and_responses_at_once(world: World) -> None:
    """Each takes a conversation and the record's chain: in one order, so that no two wait for each other."""
    world.alert()
    world.sms(BOB, "Sell")
    world.work()
    conversation = world.replies()[0].conversation_id or 0
    for number in range(3):
        world.sms(BOB, f"Noted, thanks {number}")
        world.sms(BOB, "START")
    due = numbers(world)[1:]

    def answer() -> None:
        with world.runtime.sessions() as session:
            rep = world.bank.staff(session, "rep")
            responses.respond(session, world.runtime, rep, conversation, "Sold.", via="page")
            commit(session, world.runtime.bells)

    def stop() -> None:
        with world.runtime.sessions() as session:
            replies.from_page(session, world.runtime, world.replies()[0].delivery_id or 0, "Sell", True)
            commit(session, world.runtime.bells)

    assert together(*[apply(world, one) for one in due], answer, answer) == []
    assert together(stop, answer) == []
    assert world.count(Conversation) == 1
