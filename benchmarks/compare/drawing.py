"""A bar chart as SVG: how many a second each one managed, on a scale of powers of ten."""

from __future__ import annotations

import math
from html import escape

WIDTH, LEFT, RIGHT, BAR, GAP, TOP, FOOT = 760, 210, 90, 22, 10, 44, 30
_FONT = "font-family='Helvetica,Arial,sans-serif'"


def bars(title: str, rows: list[tuple[str, float, bool]]) -> str:
    """One bar for each (name, a second, is ours), the longest first."""
    rows = sorted(rows, key=lambda row: -row[1])
    low = math.floor(math.log10(max(0.1, min(row[1] for row in rows))))
    high = math.ceil(math.log10(max(row[1] for row in rows)))
    span = WIDTH - LEFT - RIGHT
    height = TOP + len(rows) * (BAR + GAP) + FOOT

    def place(rate: float) -> float:
        return LEFT + span * (math.log10(max(rate, 10**low)) - low) / max(1, high - low)

    parts = [
        f"<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 {WIDTH} {height}' role='img' {_FONT}>",
        f"<title>{escape(title)}</title><rect width='{WIDTH}' height='{height}' fill='#ffffff'/>",
        f"<text x='12' y='24' font-size='15' font-weight='bold' fill='#1b1b1b'>{escape(title)}</text>",
    ]
    for power in range(low, high + 1):
        x, foot = place(10**power), height - FOOT + 4
        parts.append(f"<line x1='{x:.1f}' y1='{TOP - 6}' x2='{x:.1f}' y2='{foot}' stroke='#d8d8d8'/>")
        parts.append(
            f"<text x='{x:.1f}' y='{foot + 16}' font-size='11' text-anchor='middle' fill='#595959'>"
            f"{10**power:,g}</text>"
        )
    for n, (name, rate, mine) in enumerate(rows):
        y = TOP + n * (BAR + GAP)
        end = place(rate)
        fill, weight = ("#12355b", "bold") if mine else ("#9fb3c8", "normal")
        parts.append(
            f"<text x='{LEFT - 10}' y='{y + 16}' font-size='13' text-anchor='end' font-weight='{weight}' "
            f"fill='#1b1b1b'>{escape(name)}</text>"
            f"<rect x='{LEFT}' y='{y}' width='{max(1.0, end - LEFT):.1f}' height='{BAR}' rx='2' fill='{fill}'/>"
            f"<text x='{end + 8:.1f}' y='{y + 16}' font-size='13' font-weight='{weight}' fill='#1b1b1b'>"
            f"{rate:,.0f}</text>"
        )
    return "\n".join([*parts, "</svg>"]) + "\n"
