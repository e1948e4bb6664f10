"""Plants a fault: a patched copy of one function, made from its own source, so that a fish never outlives its water."""

from __future__ import annotations

import inspect
import sys
import textwrap
from typing import Any

import pytest


def rewrite(patch: pytest.MonkeyPatch, owner: Any, name: str, *changes: tuple[str, str]) -> None:
    """Replace a function or method by a copy in which each text was exchanged. Fails where a text is not there."""
    made = getattr(owner, name)
    source = textwrap.dedent(inspect.getsource(made))
    for old, new in changes:
        assert old in source, f"{name} no longer says {old!r}: plant this fish anew"
        source = source.replace(old, new)
    there: dict[str, Any] = {}
    code = compile(f"from __future__ import annotations\n{source}", f"<planted {name}>", "exec")
    exec(code, vars(sys.modules[made.__module__]), there)  # noqa: S102  # our own source with one line exchanged
    patch.setattr(owner, name, there[name])
