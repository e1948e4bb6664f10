"""`python -m channels.carrier init | serve`."""

import asyncio
import errno
import json
import os
import sys
from pathlib import Path

import click

from channels.carrier.console import load, load_or_make

_state = click.option(
    "--state",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Where everything is kept.",
)


@click.group()
def main() -> None:
    """The simulated carrier: nothing it carries reaches a real person."""


@main.command()
@_state
@click.option("--port", type=int, required=True)
@click.option("--product-url", required=True, help="Where the product's webhooks are, as the outside sees it.")
@click.option("--directory", multiple=True, type=click.Path(dir_okay=False), help="customers.csv, staff.csv: names.")
def init(state: Path, port: int, product_url: str, directory: tuple[str, ...]) -> None:
    """Make credentials once; print the product's settings as one JSON object."""
    state.mkdir(parents=True, exist_ok=True)
    console = load_or_make(state)
    console.port = port
    console.point_at(product_url)
    if directory:
        console.directory = [str(Path(file).resolve()) for file in directory]
    console.save(state)
    click.echo(json.dumps(console.product_settings()))


@main.command()
@_state
@click.option("--bind", help="Address to listen on; default 127.0.0.1.")
@click.option("--port", type=int)
@click.option("--speed", type=click.FloatRange(min=0.01), default=1.0, show_default=True, help="Times real time.")
def serve(state: Path, bind: str | None, port: int | None, speed: float) -> None:
    """Serve the vendors' APIs and the page."""
    from channels.carrier.server import die_with_parent, run

    if os.environ.get("CARRIER_DIE_WITH_PARENT") == "1":
        die_with_parent()
    try:
        console = load(state)
    except FileNotFoundError:
        raise SystemExit(f"No carrier.json in {state}: run `python -m channels.carrier init` first.") from None
    console.bind, console.port = bind or console.bind, port or console.port
    try:
        import uvloop

        starter = uvloop.run
    except ImportError:
        starter = asyncio.run
    try:
        starter(run(console, state, speed))
    except OSError as trouble:
        if trouble.errno != errno.EADDRINUSE:
            raise
        print(f"Port {console.port} is in use: stop what listens there or give --port another.", file=sys.stderr)
        sys.exit(1)


if __name__ == "__main__":
    main()
