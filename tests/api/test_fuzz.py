"""Schemathesis asks everything the document allows, and much that it does not; no answer may be a surprise."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    ignored_auth,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from dispatcher.api.calls import CALLS, Call
from tests.api.conftest import Api, make_api

CHECKS = [
    not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance,
    response_headers_conformance, negative_data_rejection, ignored_auth, unsupported_method,
]  # fmt: skip


FEW = settings(
    max_examples=6,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def fuzzed(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    import shutil

    from dispatcher.storage import make_engine, make_sessions

    folder = tmp_path_factory.mktemp("fuzz")
    shutil.copy(sqlite_template, folder / "db.sqlite")
    engine = make_engine(f"sqlite:///{folder / 'db.sqlite'}")
    api = make_api(make_sessions(engine), folder)
    api.made()
    api.released(topic="chips")
    yield api
    engine.dispose()


@pytest.fixture(scope="module")
def spec(fuzzed: Api) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", fuzzed.app)


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.name)
def test_no_answer_is_a_surprise(fuzzed: Api, spec: schemathesis.BaseSchema, call: Call) -> None:
    path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", call.rule)
    operation = spec[path][call.method]

    for mode in (schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE):

        @FEW
        @given(operation.as_strategy(generation_mode=mode))
        def ask(case: schemathesis.Case) -> None:
            # The one may write and decide, the other keeps the directory.
            for who in ("colleague", "admin"):
                case.call_and_validate(headers={"Authorization": f"Bearer {fuzzed.tokens[who]}"}, checks=CHECKS)

        ask()
