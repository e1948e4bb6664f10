"""The release report as text for a terminal and as a page for an archive."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

Report = Mapping[str, Any]

STYLE = "body{font:16px sans-serif;margin:2rem}th,td{padding:.2rem .8rem;text-align:left}th{border-bottom:1px solid}"


def _label(key: str) -> str:
    return key.replace("_", " ").capitalize()


def _value(value: object) -> str:
    if value is None or value == "":
        return "–"
    if isinstance(value, float):
        return f"{value:.2f}"
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {_value(each)}" for key, each in value.items()) or "–"
    if isinstance(value, Sequence) and not isinstance(value, str):
        return ", ".join(map(_value, value)) or "–"
    return str(value)


def _split(report: Report) -> tuple[list[tuple[str, str]], list[str], list[list[str]]]:
    """Single facts; then headings and rows of the table by channel."""
    channels: Mapping[str, Mapping[str, object]] = report.get("by_channel") or {}
    facts = [(_label(key), _value(value)) for key, value in report.items() if key != "by_channel"]
    columns = list(dict.fromkeys(column for figures in channels.values() for column in figures))
    rows = [[name, *(_value(figures.get(column)) for column in columns)] for name, figures in channels.items()]
    return facts, ["channel", *columns], rows


def as_text(report: Report) -> str:
    """Aligned lines; reads well in a mail too."""
    facts, headings, rows = _split(report)
    width = max((len(label) for label, _ in facts), default=0)
    lines = [f"{label:<{width}}  {value}" for label, value in facts]
    if rows:
        widths = [max(len(row[at]) for row in [headings, *rows]) for at in range(len(headings))]
        lines.append("")
        lines += [
            "  ".join(cell.ljust(widths[at]) for at, cell in enumerate(row)).rstrip() for row in [headings, *rows]
        ]
    return "\n".join(lines)


def as_html(report: Report) -> str:
    """A page that needs nothing else."""
    facts, headings, rows = _split(report)
    first = "".join(f"<tr><th scope=row>{escape(label)}</th><td>{escape(value)}</td></tr>" for label, value in facts)
    head = "".join(f"<th scope=col>{escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    table = f"<h2>By channel</h2><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>" if rows else ""
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Release report</title>'
        f"<style>{STYLE}</style><h1>Release report</h1><table><tbody>{first}</tbody></table>{table}</html>"
    )
