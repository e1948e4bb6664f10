"""The syntax of the product's files, for tests that watch how it is built."""

from __future__ import annotations

import ast
import gc
from collections.abc import Iterator
from pathlib import Path


def nodes_of(path: Path) -> Iterator[ast.AST]:
    """Every node of a file's tree."""
    # Of CPython 3.11: where the collector runs meanwhile, and a finalizer in Python with it, the parser takes its own
    # depth for wrong (SystemError: AST constructor recursion depth mismatch).
    gc.disable()
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    finally:
        gc.enable()
    return ast.walk(tree)
