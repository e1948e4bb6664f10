"""The table for people, the figures for programs."""

from __future__ import annotations

import json
import os
import platform
import re
from pathlib import Path
from typing import Any

from benchmarks.compare.contenders import CONTENDERS
from benchmarks.compare.drawing import bars
from benchmarks.compare.environments import ROOT
from benchmarks.compare.stage import Result

NAMES = {"ours": "**Dispatcher**", "mailman": "GNU Mailman 3"} | {one.key: one.name for one in CONTENDERS}
HOW = {
    "ours": "web, 2 workers, clock, SQLite: approved, audited, every outcome committed",
    "mailman": "a held post accepted, each member's own copy, SQLite",
} | {one.key: one.how for one in CONTENDERS}


def table(results: list[Result]) -> str:
    """Markdown: a table for each kind of work and latency."""
    groups = dict.fromkeys((one.work, one.latency_ms) for one in results)
    return "\n\n".join(_part([one for one in results if (one.work, one.latency_ms) == group]) for group in groups)


def _part(some: list[Result]) -> str:
    first = some[0]
    mine = next((one.seconds for one in some if one.key == "ours"), None)
    answer = f"answers after {first.latency_ms:g} ms" if first.latency_ms else "answers at once"
    title = f"{first.recipients:,} texts, the provider {answer}, {first.in_flight} requests in flight"
    if first.work == "mail":
        title = f"{first.recipients:,} personalised mails by SMTP, the mail server {answer}"
    rows = [f"{title}:", "", "| | seconds | a second | CPU s per 1,000 | times as long as ours |"]
    rows.append("|---|--:|--:|--:|--:|")
    for one in sorted(some, key=lambda one: one.seconds):
        scaled = f"; {one.measured:,} measured, scaled up" if one.measured < one.recipients else ""
        ratio = f"{one.seconds / mine:.1f}" if mine else ""
        rows.append(
            f"| {NAMES[one.key]} ({HOW[one.key]}{scaled}) | {one.seconds:.2f} | "
            f"{one.recipients / one.seconds:,.0f} | {one.cpu_per_1000:.2f} | {ratio} |"
        )
    return "\n".join(rows)


def machine() -> dict[str, Any]:
    """What it ran on."""
    model = platform.processor()
    info = Path("/proc/cpuinfo")
    if info.exists() and (found := re.search(r"model name\s*:\s*(.+)", info.read_text())):
        model = found[1]
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release().split('-')[0]}",
        "python": platform.python_version(),
    }


def keep(results: list[Result], repeat: int) -> None:
    """Write benchmarks/results/compare.json and the table in docs/benchmarks.md."""
    folder = ROOT / "benchmarks" / "results"
    folder.mkdir(exist_ok=True)
    found = {"machine": machine(), "repeat": repeat, "results": [one.as_json() for one in results]}
    (folder / "compare.json").write_text(json.dumps(found, indent=1) + "\n")
    replace_part(ROOT / "docs" / "benchmarks.md", "compare", table(results))
    for work, latency in dict.fromkeys((one.work, one.latency_ms) for one in results):
        some = [one for one in results if (one.work, one.latency_ms) == (work, latency)]
        what = "Personalised mails by SMTP" if work == "mail" else "Texts"
        how = f"the provider answers after {latency:g} ms" if latency else "answered at once"
        rows = [(NAMES[one.key].strip("*"), one.recipients / one.seconds, one.key == "ours") for one in some]
        path = ROOT / "docs" / "images" / f"bench-{work}-{latency:g}ms.svg"
        path.write_text(bars(f"{what} a second, {some[0].recipients:,} recipients, {how}", rows))


def replace_part(page: Path, name: str, text: str) -> None:
    """Put `text` between the markers of that name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = page.read_text().partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
