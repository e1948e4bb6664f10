"""Guards over the set-up itself: queues have workers, rings have jobs, migrations match the model, names stay home."""

from __future__ import annotations

import ast
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine

from dispatcher import bells, jobs
from dispatcher.model import Base
from dispatcher.storage import is_of_model, schema_is_newest
from tests.syntax import nodes_of

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("dispatcher", "approvals", "webhooks", "channels")


def sources() -> Iterator[Path]:
    for package in PACKAGES:
        yield from sorted((ROOT / package).rglob("*.py"))


def test_every_queue_has_a_worker_in_the_procfile() -> None:
    procfile = (ROOT / "Procfile").read_text()
    assert set(re.findall(r"worker (\w+)$", procfile, re.MULTILINE)) == set(bells.QUEUES)


def rings() -> list[tuple[str, ast.Call]]:
    """Every call of `note(session, queue, function, …)` in the product."""
    found = []
    for path in sources():
        for node in nodes_of(path):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name | ast.Attribute):
                name = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                if name == "note" and len(node.args) >= 3:
                    found.append((f"{path.relative_to(ROOT)}:{node.lineno}", node))
    return found


def test_every_ring_names_a_queue_and_a_job_that_exist() -> None:
    assert len(rings()) >= 8
    for where, call in rings():
        queue, function = call.args[1], call.args[2]
        if isinstance(queue, ast.Constant):
            assert queue.value in bells.QUEUES, where
        assert isinstance(function, ast.Constant), f"{where}: name the job literally"
        job = getattr(jobs, str(function.value), None)
        assert inspect.isfunction(job), f"{where}: there is no job {function.value}"
        takes = inspect.signature(job).parameters.values()
        needs = sum(one.default is one.empty for one in takes)
        assert needs <= len(call.args) - 3 <= len(takes), where


def test_jobs_take_ids_only() -> None:
    for name, job in inspect.getmembers(jobs, inspect.isfunction):
        if job.__module__ == jobs.__name__ and not name.startswith("_") and name not in ("configure", "close"):
            kinds = {parameter.annotation for parameter in inspect.signature(job).parameters.values()}
            assert kinds <= {"int", "str"}, name


def test_migrations_make_the_schema_of_the_model(engine: Engine) -> None:
    assert schema_is_newest(engine)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_name": is_of_model})
        assert compare_metadata(context, Base.metadata) == []


# Where a vendor may be named: its own files, its webhooks' address, settings, and set-up that hands settings on.
VENDORS = re.compile(r"twilio|sendgrid|telnyx", re.IGNORECASE)
MAY_NAME = re.compile(r"channels/|dispatcher/settings\.py|dispatcher/(up|start|demo|doctor|cli|embedded)\w*\.py")


def test_vendors_are_named_only_at_home() -> None:
    strays = []
    for path in sources():
        name = str(path.relative_to(ROOT))
        if MAY_NAME.match(name):
            continue
        for number, line in enumerate(path.read_text().splitlines(), 1):
            # A setting's name, such as settings.twilio_calls_per_second, is not the vendor's oddity.
            bare = re.sub(r"settings\.\w+|[A-Z]+_[A-Z_]+", "", line)
            if VENDORS.search(bare):
                strays.append(f"{name}:{number}: {line.strip()}")
    assert not strays, "\n".join(strays)


def test_only_the_settings_read_the_environment() -> None:
    """Elsewhere it is passed on to children or cleaned of what misleads a library."""
    may = re.compile(r"dispatcher/(settings|bootstrap|supervisor|forking|embedded|cli)\.py|channels/carrier/")
    strays = [
        str(path.relative_to(ROOT))
        for path in sources()
        if re.search(r"os\.(environ|getenv)", path.read_text()) and not may.match(str(path.relative_to(ROOT)))
    ]
    assert not strays


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "NotImplementedError"])
def test_nothing_is_left_for_later(word: str) -> None:
    assert [str(path) for path in sources() if re.search(rf"\b{word}\b", path.read_text())] == []


def test_use_cases_never_commit() -> None:
    """Doors commit. The senders do too, since no transaction may be open while a provider is called."""
    may = {"sending.py", "recorder.py", "letter_sending.py", "reconcile.py", "recording_fetch.py"}
    may |= {"recording_erasure.py", "transcripts.py", "missed_texts.py", "mirrors.py", "hook_posting.py"}
    may |= {"fax_documents.py", "missed_news.py"}
    strays = [
        str(path.relative_to(ROOT))
        for folder in ("dispatcher/services", "approvals")
        for path in sorted((ROOT / folder).rglob("*.py"))
        if path.name not in may | {"views.py"} and re.search(r"\.commit\(|\bcommit\(", path.read_text())
    ]
    assert strays == []
