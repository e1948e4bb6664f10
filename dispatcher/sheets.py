"""The release report as text for a terminal; it reads well in a mail too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dispatcher.services.response_report import ORDER_STATES

Report = Mapping[str, Any]

MOST_FIRMS = 10
_COLUMNS = {
    "first": "first",
    "p50": "p50",
    "median": "median",
    "p95": "p95",
    "last": "last",
    "spread_seconds": "spread",
}
_TOLD_BELOW = ("by_channel", "by_list", "by_firm", "evenness", "first_deliveries", "record", "responses")


def as_text(report: Report) -> str:
    """Aligned lines: the facts, the times by channel, the test of evenness, the times by list and by firm."""
    facts = [(_label(key), _value(value)) for key, value in report.items() if key not in _TOLD_BELOW]
    width = max(len(label) for label, _ in facts)
    parts = ["\n".join(f"{label:<{width}}  {value}" for label, value in facts)]
    if report["by_channel"]:
        parts.append(_table("channel", [{"channel": name, **one} for name, one in report["by_channel"].items()]))
        parts.append(_evenness(report["evenness"]))
    if report["by_list"]:
        parts.append(_table("list", report["by_list"], leave_out=("name",)))
    if report["by_firm"]:
        shown = [{**row, "firm": row["firm"] or "(no firm)"} for row in report["by_firm"][:MOST_FIRMS]]
        more = len(report["by_firm"]) - len(shown)
        parts.append(_table("firm", shown) + (f"\nand {more} more, reached earlier" if more else ""))
    if report["released_at"]:
        parts.append(_responses(report["responses"]))
    return "\n\n".join(parts)


def _responses(found: Report) -> str:
    """Who answered and how soon, in all and by channel, list and firm; orders; what waits."""
    first, orders, waits = found["first_answer"], found["orders"], found["unanswered"]
    facts = {
        "Answered": f"{found['answered']} of {found['reached']} reached{_percent(found['share'])}",
        "Answers": _counted(found["by_kind"]),
        "By channel": _counted({name: one["answers"] for name, one in found["by_channel"].items()}),
        "First answer": f"median {_value(first['median'])} s, nine in ten within {_value(first['p90'])} s",
        "Orders": _counted({"requested": orders["requested"]} | {name: orders[name] for name in ORDER_STATES}),
        "Claimed in": f"median {_value(orders['claimed_in']['median'])} s",
        "Decided in": f"median {_value(orders['decided_in']['median'])} s",
        "Waiting": f"{waits['conversations']}, the oldest since {_value(waits['oldest_at'])}",
        "Opt-outs": str(found["opt_outs"]),
        "Heard to the end": str(found["heard"]),
    }
    width = max(map(len, facts))
    parts = ["\n".join(f"{label:<{width}}  {words}" for label, words in facts.items())]
    for name, rows in (("list", found["by_list"]), ("firm", found["by_firm"])):
        some = [{**row, name: row[name] or f"(no {name})"} for row in rows if row["answered"]][:MOST_FIRMS]
        if some:
            parts.append(_table(name, some, leave_out=("name",)))
    return "\n\n".join(parts)


def _counted(numbers: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in numbers.items() if count) or "–"


def _percent(part: float | None) -> str:
    return f" ({part:.1%})" if part is not None else ""


def _evenness(found: Mapping[str, Any]) -> str:
    """The verdict; then the tests, of lists only those that matter where there are many."""
    rows = [
        (one["channel"], f"{one['factor']} {one['name']}".rstrip(), one["words"])
        for one in found["tests"]
        if one["factor"] != "list" or one["connected"] or len(found["tests"]) <= 30
    ]
    widths = [max((len(row[at]) for row in rows), default=0) for at in range(2)]
    lines = [f"{row[0]:<{widths[0]}}  {row[1]:<{widths[1]}}  {row[2]}" for row in rows]
    return "\n".join([f"{found['verdict']}: {found['words']}", *lines])


def _table(name: str, rows: Sequence[Mapping[str, Any]], leave_out: Sequence[str] = ()) -> str:
    """Names to the left, numbers to the right; seconds since the release."""
    keys = [name, *(key for key in rows[0] if key != name and key not in leave_out)]
    lines = [[_COLUMNS.get(key, key) for key in keys], *([_value(row[key]) for key in keys] for row in rows)]
    widths = [max(len(line[at]) for line in lines) for at in range(len(keys))]
    return "\n".join(
        "  ".join([line[0].ljust(widths[0]), *(cell.rjust(widths[at]) for at, cell in enumerate(line) if at)])
        for line in lines
    )


def _label(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _value(value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ", timespec="milliseconds").replace("+00:00", " UTC")
    return str(value)
