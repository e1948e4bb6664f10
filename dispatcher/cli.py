"""The `dispatcher` command. Each command opens a session, calls one service and commits.

Imports are inside the commands: `dispatcher --help` must not load the product.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from dispatcher.runtime import Runtime
    from dispatcher.settings import Settings

WRONG_SETTING = 2


def fail(line: str, status: int = 1) -> NoReturn:
    """One line on standard error and the end."""
    click.echo(" ".join(line.split()), err=True)
    raise SystemExit(status)


def settings() -> Settings:
    """The settings, or the line that names the wrong one."""
    from dispatcher.settings import SettingsError, load_settings

    try:
        return load_settings()
    except SettingsError as error:
        fail(str(error), WRONG_SETTING)


@contextmanager
def opened() -> Iterator[tuple[Session, Runtime]]:
    """A session on the newest schema and the runtime. What a person can put right becomes one line."""
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError, OperationalError, ProgrammingError

    from dispatcher.bootstrap import build
    from dispatcher.model.errors import DispatcherError, NotConfigured
    from dispatcher.settings import SettingsError, beside_carrier
    from dispatcher.storage import schema_is_newest

    logging.basicConfig(format="%(message)s", level=logging.ERROR, stream=sys.stderr)
    try:
        runtime = build(beside_carrier(settings()))
        with runtime.sessions() as session:
            if not schema_is_newest(session.get_bind().engine):
                fail("the database has not the newest schema: run `dispatcher migrate`")
            yield session, runtime
    except (NotConfigured, SettingsError) as error:
        fail(str(error), WRONG_SETTING)
    except DispatcherError as error:
        fail(str(error))
    except (ArgumentError, NoSuchModuleError) as error:
        fail(f"DATABASE_URL is wrong: {error}", WRONG_SETTING)
    except (OperationalError, ProgrammingError) as error:
        fail(f"DATABASE_URL cannot be used: {str(error.orig).splitlines()[0]}")


def log_to_stderr() -> None:
    """Plain lines with a time; the vendors' libraries would log numbers, texts and keys."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(name)s %(message)s", level=logging.INFO, stream=sys.stderr)
    for name in ("twilio", "python_http_client", "alembic", "aiohttp.access"):
        logging.getLogger(name).setLevel(logging.WARNING)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="dispatcher")
def main() -> None:
    """Alerts to every customer at once, and their answers to the right person."""
    # What it writes, the database and its copies among them, is for nobody else on this machine.
    os.umask(0o077)


# --- processes


@main.command()
@click.option("--demo", is_flag=True, help="Import the sample directory and make sign-ins when there are none.")
@click.option(
    "--speed", type=click.FloatRange(min=0.01), default=1.0, help="Of the simulated carrier: times real time."
)
def up(demo: bool, speed: float) -> None:
    """Everything: web, workers, clock and, where not configured, Valkey, SQLite and the simulated carrier."""
    # Ctrl-C while the imports below run: nothing is there yet that would have to be stopped.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: os._exit(0))
    read = settings()  # before what takes long to load
    from dispatcher.start import up as run

    def command(words: tuple[str, ...]) -> object:
        return main(list(words), prog_name="dispatcher")

    sys.exit(run(read, command, demo=demo, speed=speed))


def _process(main: Callable[[Settings], int | None]) -> None:
    """What the processes of the Procfile have in common."""
    from dispatcher.embedded import watch_parent
    from dispatcher.model.errors import NotConfigured
    from dispatcher.settings import SettingsError

    read = settings()
    log_to_stderr()
    watch_parent()
    try:
        sys.exit(main(read) or 0)
    except (NotConfigured, SettingsError) as error:
        fail(str(error), WRONG_SETTING)


@main.command()
def web() -> None:
    """The web server: pages, API and webhooks."""

    def run(read: Settings) -> int:
        from dispatcher.serve import serve

        return serve(read)

    _process(run)


@main.command()
@click.argument("queue")
def worker(queue: str) -> None:
    """One worker on one QUEUE."""
    from dispatcher.bells import QUEUES

    if queue not in QUEUES:
        fail(f"no queue {queue!r}: choose from {', '.join(QUEUES)}", 2)

    def run(read: Settings) -> int:
        from dispatcher import worker
        from dispatcher.bootstrap import build

        return worker.main(build(read), queue)

    _process(run)


@main.command()
def clock() -> None:
    """The clock: what is due, what was left lying. Run exactly one."""

    def run(read: Settings) -> None:
        from dispatcher import clock
        from dispatcher.bootstrap import build

        clock.run(build(read))

    _process(run)


# --- the database


@main.command()
def migrate() -> None:
    """Bring the database to the newest schema."""
    from sqlalchemy.exc import ArgumentError, OperationalError

    from dispatcher.storage import migrate

    try:
        migrate(settings().database_url)
    except ArgumentError as error:
        fail(f"DATABASE_URL is wrong: {error}", WRONG_SETTING)
    except OperationalError as error:
        fail(f"DATABASE_URL cannot be used: {str(error.orig).splitlines()[0]}")


@main.command("import")
@click.argument("what", type=click.Choice(["staff", "customers"]))
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--dry-run", is_flag=True, help="Say what would happen; change nothing. Exit 1 where a row is refused.")
def import_(what: str, file: Path, dry_run: bool) -> None:
    """Staff or customers from a CSV file. A bad row never stops the good ones; a second run changes nothing.

    Exit 0 where the file was read and its good rows are in, 1 where it could not be.
    """
    try:
        content = file.read_bytes()
    except OSError as error:
        fail(f"{file}: {error.strerror}")
    with opened() as (session, runtime):
        from dispatcher.bells import commit
        from dispatcher.services import imports

        take = imports.import_staff if what == "staff" else imports.import_customers
        result = take(session, runtime, content, dry_run=dry_run, actor="system")
        if dry_run:
            session.rollback()
        else:
            commit(session, runtime.bells)
    for remark in sorted([*result.refused, *result.warnings], key=lambda remark: remark.row):
        click.echo(f"refused {remark}" if remark in result.refused else str(remark))
    click.echo(result.summary())
    sys.exit(1 if dry_run and result.refused else 0)


@main.command()
@click.argument("email")
def token(email: str) -> None:
    """A new API token for a member of staff, shown once."""
    with opened() as (session, runtime):
        from dispatcher.bells import commit
        from dispatcher.services import accounts

        made = accounts.make_token(session, runtime, email)
        commit(session, runtime.bells)
    click.echo(made)


@main.command()
@click.argument("email")
def password(email: str) -> None:
    """Set a password: read from standard input, or asked for twice."""
    if sys.stdin.isatty():
        given = click.prompt("New password", hide_input=True, confirmation_prompt="Once more")
    else:
        given = sys.stdin.readline().rstrip("\r\n")
    if not given:
        fail("no password given")
    with opened() as (session, runtime):
        from dispatcher.bells import commit
        from dispatcher.services import accounts

        accounts.set_password(session, runtime, email, given)
        commit(session, runtime.bells)
    click.echo(f"password of {email} set", err=True)


# --- sending


@main.command()
@click.argument("reason")
def pause(reason: str) -> None:
    """Stop sending to customers, and say why. What is on its way stays so; letters to staff still go out."""
    with opened() as (session, runtime):
        from dispatcher.bells import commit
        from dispatcher.services import pause

        pause.begin(session, runtime, "system", reason)
        commit(session, runtime.bells)
    click.echo("sending is paused; `dispatcher resume` says what waits")


@main.command()
@click.option("--yes", is_flag=True, help="Do it; without it, only say what would go out.")
@click.option("--without-look-up", is_flag=True, help="After a restore: send what waits without asking the providers.")
def resume(yes: bool, without_look_up: bool) -> None:
    """Send on: says what waits, and with --yes lets it go out."""
    with opened() as (session, runtime):
        from dispatcher.bells import commit
        from dispatcher.services import pause

        standing = pause.in_force(session)
        if standing is None:
            fail("sending is not paused")
        click.echo(f"paused since {standing.began_at:%Y-%m-%d %H:%M} UTC by {standing.began_by}: {standing.reason}")
        for one in pause.waiting(session, runtime):
            what = f"{one.count} by {one.channel}" if one.channel else "all of it, which is released then"
            click.echo(f"message {one.message_id} ({one.state}): {what}: {one.subject}")
        if letters := pause.letters_waiting(session):
            click.echo(f"letters to customers: {letters}")
        first = standing.cause == "restore" and not without_look_up
        if not yes:
            before = "look all this up at its providers and then " if first else ""
            fail(f"nothing was changed: add --yes to {before}send it")
        pause.resume(session, runtime, "system", look_up=first)
        commit(session, runtime.bells)
    click.echo("sending goes on")


# --- looking


@main.command()
def doctor() -> None:
    """Check settings, database, Redis, providers and DNS; say what to do."""
    from dispatcher.doctor import examine

    sys.exit(examine(settings()))


@main.command()
@click.argument("message_id", type=int)
@click.option("--format", "form", type=click.Choice(["text", "json", "html"]), default="text", show_default=True)
def report(message_id: int, form: str) -> None:
    """The release report: when everybody was reached, and whether evenly; html is the certificate of even release."""
    with opened() as (session, runtime):
        from dispatcher.services import report

        found = report.measured(session, message_id)
    if form == "text":
        from dispatcher.sheets import as_text

        click.echo(as_text(found.figures))
        return
    from dispatcher.web import report_files

    if form == "json":
        click.echo(report_files.as_json(found.figures))
    else:
        click.echo(report_files.certificate(found, runtime.settings.firm_name, runtime.now()))


@main.command()
def verify() -> None:
    """Recompute the audit chain and the product's guarantees; exit 1 with a line for each breach."""
    with opened() as (session, runtime):
        from dispatcher.services import verify

        breaches = verify.check(session, runtime)
    for breach in breaches:
        click.echo(str(breach))
    if breaches:
        fail(f"{len(breaches)} breaches")
    click.echo("no breach found")


@main.command()
@click.option("--recipients", type=click.IntRange(1, 5_000_000), default=10_000, show_default=True)
@click.option("--mix", type=click.Choice(["sms", "email", "voice", "mixed"]), default="sms", show_default=True)
@click.option(
    "--latency-ms", type=click.FloatRange(0, 60_000), default=100.0, show_default=True, help="Of each of its answers."
)
@click.option("--in-flight", type=click.IntRange(1, 10_000), default=1000, show_default=True, help="Requests at once.")
@click.option("--workers", type=click.IntRange(1, 32), default=2, show_default=True, help="For each queue of the mix.")
@click.option("--smtp", is_flag=True, help="Mail by SMTP, one each, in place of the HTTP API.")
@click.option("--database-url", default="", help="An empty PostgreSQL database; SQLite of its own where not given.")
@click.option("--json", "as_json", is_flag=True, help="The figures alone, as JSON, on standard output.")
@click.option(
    "--profile", type=click.Path(file_okay=False, path_type=Path), help="A folder for a profile of each sender."
)
@click.option("--keep", is_flag=True, help="Leave the run's folder behind: database and logs.")
def bench(as_json: bool, **asked: Any) -> None:
    """Measure: the real product against a carrier fast enough not to be the limit. Exit 1 on a loss or a duplicate."""
    from rich.console import Console

    from dispatcher.bench.figures import show
    from dispatcher.bench.options import BenchError, Options
    from dispatcher.bench.run import run

    told = Console(stderr=True)
    try:
        figures = run(Options(**asked), dict(os.environ), lambda line: told.print(line, highlight=False))
    except BenchError as error:
        fail(str(error))
    except KeyboardInterrupt:
        fail("stopped", 130)
    if as_json:
        click.echo(json.dumps(figures.as_json(), indent=2))
    else:
        show(figures, Console())
    if not figures.sound:
        fail(f"{figures.losses} lost, {figures.duplicates} doubled, {figures.not_accepted} not accepted")


if __name__ == "__main__":
    main()
