"""The way back in: what providers tell us, verified, kept raw, answered as each vendor likes, and rung for."""

from flask import Flask

from dispatcher.runtime import Runtime


def register(app: Flask, runtime: Runtime) -> None:
    """Put the webhooks at `/webhooks/<provider>/<what>`."""
    from webhooks.door import blueprint

    app.register_blueprint(blueprint(runtime))
