"""`dispatcher doctor`: what works, what does not, and what to do about it. Changes nothing, sends nothing."""

from __future__ import annotations

import asyncio
import shutil
import socket
import subprocess
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

import redis
from rich.console import Console
from rich.table import Table
from sqlalchemy.exc import SQLAlchemyError

from dispatcher.model.errors import NotConfigured, ProviderError
from dispatcher.model.ports import Provider, SuppressionList
from dispatcher.settings import Settings, beside_carrier

Grade = Literal["ok", "warning", "wrong"]
COLOURS = {"ok": "green", "warning": "yellow", "wrong": "red"}
FREE_BYTES = 1_000_000_000
CAPS_OF_CALLS = (
    "cap_calls_per_number_day", "cap_calls_per_staff_day", "cap_calls_per_hour", "cap_calls_per_caller_hour",
    "cap_joins_per_caller_day", "cap_wrong_codes_per_caller_day", "cap_wrong_codes_per_hour",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table. `todo` says what to do; empty when all is well."""

    what: str
    grade: Grade
    found: str
    todo: str = ""


def examine(settings: Settings) -> int:
    """Prints the findings; 1 when something is wrong, else 0."""
    findings = [finding for check in CHECKS for finding in _guarded(check, settings)]
    table = Table(title=None, show_edge=False, pad_edge=False)
    for heading in ("", "checked", "found", "what to do"):
        table.add_column(heading, overflow="fold")
    for one in findings:
        table.add_row(f"[{COLOURS[one.grade]}]{one.grade}[/]", one.what, *map(_plain, (one.found, one.todo)))
    console = Console()
    # Piped into a file or a ticket, lines are not cut to the width of a terminal that is not there.
    console.width = console.width if console.is_terminal else 160
    console.print(table)
    return 1 if any(one.grade == "wrong" for one in findings) else 0


def _plain(text: str) -> str:
    return text.replace("[", r"\[")


def _guarded(check: Callable[[Settings], Iterator[Finding]], settings: Settings) -> list[Finding]:
    """A check that fails itself is a finding, never the end of the others."""
    try:
        return list(check(settings))
    except Exception as error:
        return [Finding(check.__name__.replace("_", " "), "wrong", f"{type(error).__name__}: {error}", "tell support")]


def folder(settings: Settings) -> Iterator[Finding]:
    """load_settings has written to it already; what is left is space."""
    free = shutil.disk_usage(settings.var_dir).free
    words = f"{settings.var_dir}, {free / 1e9:.1f} GB free"
    if free < FREE_BYTES:
        yield Finding("VAR_DIR", "warning", words, "make room: recordings and the journal of Valkey grow")
    else:
        yield Finding("VAR_DIR", "ok", words)


def database(settings: Settings) -> Iterator[Finding]:
    from dispatcher.storage import make_engine, schema_is_newest

    try:
        engine = make_engine(settings.database_url)
        words = f"{engine.dialect.name}, {engine.url.render_as_string(hide_password=True)}"
        newest = schema_is_newest(engine)
        engine.dispose()
    except (SQLAlchemyError, OSError) as error:
        reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
        yield Finding("database", "wrong", reason, "start the database, or correct DATABASE_URL")
        return
    if newest:
        yield Finding("database", "ok", words)
    else:
        yield Finding("database", "wrong", "its schema is not the newest", "dispatcher migrate")


def doorbell(settings: Settings) -> Iterator[Finding]:
    address = "embedded" if settings.embedded_redis else urlsplit(settings.redis_url).hostname or settings.redis_url
    try:
        with redis.Redis.from_url(settings.redis_url, socket_timeout=3, decode_responses=True) as client:
            version = client.info("server")["redis_version"]
            kept = client.info("persistence")["aof_enabled"]
            policy = client.info("memory").get("maxmemory_policy", "")
    except (redis.RedisError, OSError) as error:
        todo = "dispatcher up starts it" if settings.embedded_redis else "start Redis, or correct REDIS_URL"
        yield Finding("Redis", "wrong", f"{address}: {type(error).__name__}", todo)
        return
    yield Finding("Redis", "ok", f"{address}, version {version}")
    if not kept:
        yield Finding("Redis", "warning", "keeps nothing over a restart", "set appendonly yes: else retries start late")
    if policy and policy != "noeviction":
        yield Finding("Redis", "warning", f"may throw jobs away ({policy})", "set maxmemory-policy noeviction")


def processes(settings: Settings) -> Iterator[Finding]:
    """A queue without a worker takes jobs and never does them."""
    from rq import Queue, Worker

    from dispatcher.bells import QUEUES

    try:
        with redis.Redis.from_url(settings.redis_url, socket_timeout=3) as client:
            idle = [name for name in QUEUES if Worker.count(queue=Queue(name, connection=client)) == 0]
    except (redis.RedisError, OSError):
        return  # told above
    if idle:
        yield Finding("workers", "warning", f"none on {', '.join(idle)}", "dispatcher up, or one worker for each queue")
    else:
        yield Finding("workers", "ok", f"one or more on each of {len(QUEUES)} queues")


def providers(settings: Settings) -> Iterator[Finding]:
    from dispatcher.bootstrap import build

    simulated = settings.without_account()
    for vendor in simulated:
        todo = "for real customers set its account (README)"
        yield Finding(f"account {vendor}", "warning", "none: the simulated carrier stands in", todo)
    try:
        runtime = build(beside_carrier(settings))
    except NotConfigured as error:
        yield Finding("providers", "wrong", str(error), "set it, or start with dispatcher up for a simulation")
        return
    for channel, chosen in runtime.adapters.providers.items():
        if not chosen:
            yield Finding(channel, "warning", "no provider", f"set {channel.upper()}_PROVIDER if it is wanted")
    for name, wrong in asyncio.run(_ask({p.name: p for c in runtime.adapters.providers.values() for p in c})).items():
        where = "simulated" if name in simulated else "real account"
        yield Finding(f"provider {name}", "wrong" if wrong else "ok", wrong or where)
    yield from lists(runtime.adapters.lists, simulated)


def lists(kept: Mapping[str, SuppressionList], simulated: Collection[str]) -> Iterator[Finding]:
    """Whether the lists can be read by which a provider itself keeps mail from people: an account may lack the right.

    Of the simulated ones nothing is said. Closes those that it asks.
    """
    todo = "else an opt-out is known only here, and one that the provider got is not"
    for name, why in asyncio.run(_read({one: kept[one] for one in kept if one not in simulated})).items():
        yield Finding(f"opt-outs at {name}", "warning" if why else "ok", why or "its list can be read", why and todo)


async def _read(kept: Mapping[str, SuppressionList]) -> dict[str, str]:
    """What is wrong with reading each list, "" where nothing is. Reading asks for what was put on it just now."""

    async def read(one: SuppressionList) -> str:
        try:
            await asyncio.wait_for(one.read(one.reasons[0], datetime.now(UTC), 0), 15)
        except (ProviderError, OSError, TimeoutError) as error:
            return str(error) or type(error).__name__
        finally:
            await one.aclose()
        return ""

    answers = await asyncio.gather(*(read(one) for one in kept.values()))
    return dict(zip(kept, answers, strict=True))


async def _ask(chosen: dict[str, Provider]) -> dict[str, str]:
    """What each provider says about its credentials, all asked at once."""

    async def ask(provider: Provider) -> str:
        try:
            return str(await asyncio.wait_for(provider.check(), 15))
        except (OSError, TimeoutError) as error:
            return f"cannot be reached: {type(error).__name__}"
        finally:
            await provider.aclose()

    answers = await asyncio.gather(*(ask(provider) for provider in chosen.values()))
    return dict(zip(chosen, answers, strict=True))


def _used(settings: Settings) -> set[str]:
    return {name for channel in ("email", "sms", "voice", "fax") for name in settings.providers_for(channel)}


def public_address(settings: Settings) -> Iterator[Finding]:
    parts = urlsplit(settings.public_url)
    host = parts.hostname or ""
    if host in ("localhost", "127.0.0.1", "::1"):
        if _used(settings) - set(settings.without_account()):
            todo = "set PUBLIC_URL to the address at which the providers reach this machine"
            yield Finding("PUBLIC_URL", "wrong", f"{settings.public_url} is this machine only", todo)
        else:
            yield Finding("PUBLIC_URL", "ok", f"{settings.public_url}: enough for the simulated carrier")
        return
    try:
        socket.getaddrinfo(host, parts.port or 443)
    except OSError:
        yield Finding("PUBLIC_URL", "wrong", f"{host} has no address", "make a DNS entry for it")
        return
    if parts.scheme != "https":
        real = bool(_used(settings) - set(settings.without_account()))
        found = "not https: mail programs offer no unsubscribing by one click" if real else "not https"
        yield Finding("PUBLIC_URL", "warning", found, "put a proxy with a certificate in front")
    else:
        yield Finding("PUBLIC_URL", "ok", settings.public_url, "open it once from outside, as the providers must")


def mail_names(settings: Settings) -> Iterator[Finding]:
    """Where replies go (MX) and who may send (SPF); asked of `host`, `dig` or `nslookup` when one is there."""
    if set(settings.providers_for("email")) <= set(settings.without_account()):
        return
    sender = settings.email_from.rpartition("@")[2].strip(">")
    for domain, kind, wanted, todo in (
        (settings.inbound_email_domain, "MX", "mail", "point its MX at the mail provider's inbound server"),
        (sender, "TXT", "v=spf1", "publish an SPF entry that includes the mail provider"),
    ):
        if not domain:
            name = "INBOUND_EMAIL_DOMAIN" if kind == "MX" else "EMAIL_FROM"
            yield Finding(name, "wrong", "not set", f"set {name}")
            continue
        answer = _look_up(domain, kind)
        if answer is None:
            yield Finding(f"DNS {kind} {domain}", "warning", "could not be asked here", f"check by hand: {todo}")
        elif wanted not in answer.lower():
            yield Finding(f"DNS {kind} {domain}", "warning", "no such entry", todo)
        else:
            yield Finding(f"DNS {kind} {domain}", "ok", "found")


def _look_up(domain: str, kind: str) -> str | None:
    for command in (["host", "-t", kind, domain], ["dig", "+noall", "+answer", kind, domain]):
        if shutil.which(command[0]):
            try:
                done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
            except subprocess.TimeoutExpired:
                return None
            # `dig` prints "IN MX" where `host` says "mail is handled by".
            return done.stdout.replace("\tMX\t", " mail ") if done.returncode == 0 else None
    return None


def telephone(settings: Settings) -> Iterator[Finding]:
    """What keeps others from ringing up costs on the firm's account, and lets customers answer from any telephone."""
    if not any(settings.providers_for(channel) for channel in ("sms", "voice", "fax")):
        return
    if "*" in settings.call_countries:
        todo = "name the countries in which you have customers"
        yield Finding("CALL_COUNTRIES", "warning", "*: every country is called, those of fraud too", todo)
    else:
        yield Finding("CALL_COUNTRIES", "ok", f"{len(settings.countries)} countries")
    off = [name.upper() for name in CAPS_OF_CALLS if not getattr(settings, name)]
    if off:
        todo = "set them, at least to ten times of what you expect: 0 is no cap"
        yield Finding("caps of calls", "warning", f"none by {', '.join(off)}", todo)
    else:
        yield Finding("caps of calls", "ok", "all set")
    if not beside_carrier(settings).customer_line:
        todo = "set it to the number that customers call"
        yield Finding("CUSTOMER_LINE", "warning", "not set: alerts carry neither a number to call nor a code", todo)


CHECKS = (folder, database, doorbell, processes, providers, public_address, mail_names, telephone)
