"""Pages for analysts, officers, reps, administrators and customers."""

from __future__ import annotations

from importlib import import_module

from flask import Flask

from dispatcher.runtime import Runtime

PAGES = (
    "sign_in", "account", "messages", "compose", "search", "inbox", "unmatched", "reply_files", "orders", "tasks",
    "directory", "imports", "staff", "roster", "routing", "hooks", "reports", "desk", "audit", "sending", "customers",
    "confirm", "preferences", "health",
)  # fmt: skip


def register(app: Flask, runtime: Runtime) -> None:
    """Register the pages."""
    for name in PAGES:
        app.register_blueprint(import_module(f"{__name__}.{name}").bp)
