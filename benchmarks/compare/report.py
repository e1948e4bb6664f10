"""The table for people, the figures for programs."""

from __future__ import annotations

import json
import os
import platform
import re
from pathlib import Path
from typing import Any

from benchmarks.compare.contenders import CONTENDERS
from benchmarks.compare.environments import ROOT
from benchmarks.compare.stage import Result

NAMES = {"ours": "**Dispatcher**"} | {one.key: one.name for one in CONTENDERS}
HOW = {"ours": "web, 2 workers, clock, SQLite: approved, audited, every outcome committed"} | {
    one.key: one.how for one in CONTENDERS
}


def table(results: list[Result]) -> str:
    """A Markdown table for each latency."""
    parts = []
    for latency in dict.fromkeys(one.latency_ms for one in results):
        some = sorted((one for one in results if one.latency_ms == latency), key=lambda one: one.seconds)
        mine = next((one.seconds for one in some if one.key == "ours"), None)
        answer = f"answers after {latency:g} ms" if latency else "answers at once"
        rows = [f"{some[0].recipients:,} texts, the provider {answer}, {some[0].in_flight} requests in flight:", ""]
        rows += ["| | seconds | a second | CPU s per 1,000 | times as long as ours |", "|---|--:|--:|--:|--:|"]
        for one in some:
            scaled = f" ({one.measured:,} measured)" if one.measured < one.recipients else ""
            ratio = f"{one.seconds / mine:.1f}" if mine else ""
            rows.append(
                f"| {NAMES[one.key]}: {HOW[one.key]}{scaled} | {one.seconds:.2f} | "
                f"{one.recipients / one.seconds:,.0f} | {one.cpu_per_1000:.2f} | {ratio} |"
            )
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


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


def replace_part(page: Path, name: str, text: str) -> None:
    """Put `text` between the markers of that name."""
    begin, end = f"<!-- {name}: begin -->", f"<!-- {name}: end -->"
    before, _, rest = page.read_text().partition(begin)
    _, _, after = rest.partition(end)
    page.write_text(f"{before}{begin}\n\n{text}\n\n{end}{after}")
