"""The release report as files: JSON, and the certificate of even release, one page that needs nothing else."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from dispatcher.services.evenness import METHOD
from dispatcher.services.report import Measured
from dispatcher.web import filters, report_plot

MOST_FIRMS = 20  # shown; the rest is in the JSON


def as_json(figures: dict[str, Any]) -> str:
    """The figures; times as in the API: RFC 3339, UTC."""
    return json.dumps(figures, indent=2, default=_moment, ensure_ascii=False)


def _moment(value: object) -> str:
    return value.isoformat().replace("+00:00", "Z") if isinstance(value, datetime) else str(value)


def certificate(found: Measured, firm_name: str, made_at: datetime) -> str:
    """The certificate of even release as one HTML page, without any customer's name or address."""
    return (
        _pages()
        .get_template("reports/certificate.html")
        .render(
            report=found.figures,
            plot=report_plot.plot(found.deliveries),
            tests=by_channel(found.figures["evenness"]["tests"]),
            method=METHOD,
            most_firms=MOST_FIRMS,
            firm_name=firm_name,
            made_at=made_at,
        )
    )


@cache
def _pages() -> Environment:
    """The templates outside of the application: the command line has none."""
    pages = Environment(
        loader=FileSystemLoader(Path(__file__).with_name("templates")),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    pages.filters.update(
        duration=filters.duration,
        channel=filters.channel,
        count=filters.count,
        percent=filters.percent,
        kind=filters.kind,
        utc=_utc,
    )
    return pages


def _utc(moment: datetime | None) -> str:
    return moment.astimezone(UTC).strftime("%-d %B %Y, %H:%M:%S.%f")[:-3] + " UTC" if moment else "–"


def by_channel(tests: list[dict[str, Any]]) -> dict[str, dict[str, str]]:
    """What was found, by channel and factor, in words. Of many lists only those that matter are named."""
    rows: dict[str, dict[str, list[dict[str, Any]]]] = {}
    for test in tests:
        rows.setdefault(test["channel"], {}).setdefault(test["factor"], []).append(test)
    return {
        name: {factor: _told(some) for factor, some in factors.items()} for name, factors in rows.items()
    }  # fmt: skip


def _told(some: list[dict[str, Any]]) -> str:
    if len(some) == 1 and not some[0]["name"]:
        return str(some[0]["words"])
    connected = [one for one in some if one["connected"]]
    if connected:
        return "; ".join(f"{one['name']}: {one['words']}" for one in connected)
    measured = [one for one in some if one["rho"] is not None]
    if not measured:
        return str(some[0]["words"])
    strongest = min(measured, key=lambda one: float(one["p"]))
    return f"{strongest['words']}" + (
        f", the strongest of {len(measured)}: {strongest['name']}" if len(measured) > 1 else ""
    )
