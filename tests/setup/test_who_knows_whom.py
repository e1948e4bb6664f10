"""What import-linter cannot say: lists of what is allowed, in place of what is not."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

from tests.syntax import nodes_of

ROOT = Path(__file__).resolve().parents[2]


def imported(folder: str, *, skip: str = "") -> dict[str, set[str]]:
    """Names of modules imported anywhere below the folder, by file."""
    found: dict[str, set[str]] = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        if skip and name.startswith(skip):
            continue
        names = set()
        for node in nodes_of(path):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
        found[name] = names
    return found


def test_the_model_knows_sqlalchemy_and_the_standard_library_only() -> None:
    allowed = {*sys.stdlib_module_names, "sqlalchemy"}
    for path, names in imported("dispatcher/model").items():
        others = {n for n in names if n.split(".")[0] not in allowed and not f"{n}.".startswith("dispatcher.model.")}
        assert not others, f"{path} imports {others}"


def test_only_the_bootstrap_knows_the_adapters() -> None:
    for folder in ("dispatcher", "approvals", "webhooks"):
        for path, names in imported(folder, skip="dispatcher/bootstrap.py").items():
            assert not {name for name in names if name.split(".")[0] == "channels"}, path


def test_the_simulated_carrier_knows_nothing_of_ours() -> None:
    ours = {"dispatcher", "approvals", "webhooks"}
    for path, names in imported("channels/carrier").items():
        assert not {name for name in names if name.split(".")[0] in ours}, path
        assert not {
            name for name in names if name.startswith("channels.") and not name.startswith("channels.carrier")
        }, path
    for path, names in imported("channels", skip="channels/carrier").items():
        assert not {name for name in names if name.startswith("channels.carrier")}, path
