"""What a simulated process is made of: the store, the settings, and a runtime with the simulated outside."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cache

from pydantic import SecretStr

from channels.email import Email
from channels.fax import Fax
from channels.sms import Sms
from channels.voice import Voice
from dispatcher.model.gate import Limits
from dispatcher.model.ports import Adapters
from dispatcher.runtime import Runtime
from dispatcher.settings import Settings
from tests.simulator import town
from tests.simulator.carrier import Carrier
from tests.simulator.loop import VirtualLoop
from tests.simulator.process import Process
from tests.simulator.providers import Line, Provider, Source
from tests.simulator.redis import Bells, Client, Server
from tests.simulator.store import Store

# What carries a channel, the one to try first in front.
LINES = (("mail-one", "email"), ("text-one", "sms"), ("text-two", "sms"), ("call-one", "voice"))
LIMITS = {
    "mail-one": Limits("mail-one", 16, recipients_a_request=3),
    "text-one": Limits("text-one", 40),
    "text-two": Limits("text-two", 40),
    "call-one": Limits("call-one", 40, 20.0),
}


@cache
def store() -> Store:
    """The interpreter's one store, with a town and a hamlet to begin in."""
    made = Store()
    for image, settle in (("town", town.settle), ("hamlet", town.settle_hamlet)):
        made.begin()
        with made.sessions() as session:
            settle(session)
            session.commit()
        made.keep(image)
    return made


@cache
def settings() -> Settings:
    """The settings of all worlds."""
    return Settings(
        _env_file=None,  # type: ignore[call-arg]  # pydantic-settings' own, unknown to its types
        var_dir=store().var,
        secret_key=SecretStr("k" * 40),
        public_url="https://alerts.bank.example",
        inbound_email_domain="in.bank.example",
        redis_url="redis://127.0.0.1:1",
    )


def runtime_of(
    process: Process, loop: VirtualLoop, carrier: Carrier, redis: Server, now: Callable[[], datetime]
) -> Runtime:
    """What bootstrap builds: the product's own, with the simulated outside."""
    by_channel: dict[str, list[Provider]] = {}
    for name, channel in LINES:
        made = Provider(name, channel, carrier, process, loop, LIMITS[name])
        by_channel.setdefault(channel, []).append(made)
    return Runtime(
        settings=settings(),
        sessions=store().sessions,
        redis=Client(redis, process),  # type: ignore[arg-type]  # the few commands that services use
        bells=Bells(redis, process),
        adapters=Adapters(
            channels={"email": Email(), "sms": Sms(), "voice": Voice(), "fax": Fax()},
            providers={channel: tuple(some) for channel, some in by_channel.items()},
            sources={name: Source() for name, _ in LINES},
            lines={"call-one": Line(process)},
        ),
        now=now,
        monotonic=loop.time,
        chance=process.chance,
        aside=process.aside,
    )
