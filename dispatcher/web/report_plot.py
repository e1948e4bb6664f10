"""A release as a picture: one dot for each delivery over the time since the release, one lane for each channel.

A dot's height in its lane is its customer's place in the directory, so a habit would show as a slope: an even
release fills its lane without one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from dispatcher.services.report_spread import Deliveries, spread
from dispatcher.web.filters import channel as in_words
from dispatcher.web.filters import count, duration

# numpy is imported where it is used: most processes never draw.
if TYPE_CHECKING:
    from dispatcher.services.report_columns import Flags

MOST_DOTS = 2000  # in a lane; more would only be ink
_WIDTH, _LEFT, _RIGHT, _TOP, _LANE, _GAP, _FOOT = 960, 150, 44, 8, 96, 14, 30
_INSET = 6  # of the dots from the edges of their lane
# fmt: off
_STEPS = (
    0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 43_200,
)
# fmt: on


@dataclass(frozen=True, slots=True)
class Plot:
    """The picture as SVG without any style or script of its own, and what is to be said beneath it."""

    svg: Markup
    note: str


def plot(found: Deliveries) -> Plot | None:
    """The plot of the deliveries that were to leave at once; None where none was accepted."""
    drawn = found.timed & found.accepted
    lanes = [name for name in sorted(found.channels) if (drawn & found.of_channel(name)).any()]
    if not lanes:
        return None
    end = float(found.after[drawn].max())
    step, steps = ticks(end)
    high = _TOP + len(lanes) * (_LANE + _GAP) + _FOOT
    parts = [_axis(tick, _x(tick, step * steps), high) for tick in (step * place for place in range(steps + 1))]
    told, sampled = [], False
    for place, name in enumerate(lanes):
        mine = drawn & found.of_channel(name)
        part, words = _lane(found, name, mine, _TOP + place * (_LANE + _GAP), step * steps)
        parts.append(part)
        told.append(words)
        sampled = sampled or int(mine.sum()) > MOST_DOTS
    svg = Markup(
        '<svg class="plot" viewBox="0 0 {} {}" role="img" aria-labelledby="plot-title plot-words" '
        'xmlns="http://www.w3.org/2000/svg"><title id="plot-title">Deliveries over the time since the release</title>'
        '<desc id="plot-words">{}</desc>{}</svg>'
    ).format(_WIDTH, high, " ".join(told), Markup("").join(parts))
    return Plot(svg, _note(sampled))


def _note(sampled: bool) -> str:
    many = (
        f"Of a channel with more than {MOST_DOTS:,} deliveries an even sample of that many is drawn, the first and the "
        "last among them. "
        if sampled
        else ""
    )
    return (
        f"One dot for each delivery, at the time its provider accepted it, counted from the release. {many}The height "
        "of a dot in its lane is its customer's place in the directory, the first on top: nobody is favoured where "
        "there is no slope. The line marks the median."
    )


def ticks(end: float) -> tuple[float, int]:
    """A round step, and how many of them reach beyond the end."""
    step = next((one for one in _STEPS if end / one <= 8), _STEPS[-1])
    if end / step > 8:
        step *= math.ceil(end / step / 8)
    return step, max(1, math.ceil(end / step))


def _x(seconds: float, whole: float) -> float:
    return _LEFT + (_WIDTH - _LEFT - _RIGHT) * seconds / whole


def _axis(seconds: float, x: float, high: int) -> Markup:
    bottom = high - _FOOT + 4
    words = f"{seconds:g} s" if seconds < 10 else duration(round(seconds))
    return Markup(
        '<line class="p-grid" x1="{0:.1f}" x2="{0:.1f}" y1="{1}" y2="{2}"/>'
        '<text class="p-tick" x="{0:.1f}" y="{3}" text-anchor="middle">{4}</text>'
    ).format(x, _TOP, bottom, bottom + 18, words)


def _lane(found: Deliveries, name: str, mine: Flags, top: int, whole: float) -> tuple[Markup, str]:
    """One channel's lane, and what it shows in words."""
    times = spread(found.after[mine])
    assert times.first is not None
    assert times.median is not None
    assert times.last is not None
    reach = f"{duration(times.first)} to {duration(times.last)}" if times.last > times.first else duration(times.last)
    line = _x(times.median, whole)
    lane = Markup(
        '<rect class="p-lane" x="{left}" y="{top}" width="{width}" height="{lane}" rx="4"/>'
        '<text class="p-name" x="0" y="{name_y}">{name}</text><text class="p-tick" x="0" y="{count_y}">{count}</text>'
        '<text class="p-tick" x="0" y="{reach_y}">{reach}</text>'
        '<path class="p-dots" d="{dots}"/><line class="p-median" x1="{x:.1f}" x2="{x:.1f}" y1="{top}" y2="{bottom}"/>'
    ).format(
        left=_LEFT, top=top, width=_WIDTH - _LEFT - _RIGHT, lane=_LANE, bottom=top + _LANE,
        name_y=top + 36, count_y=top + 54, reach_y=top + 71, name=in_words(name), count=f"{times.accepted:,}",
        reach=reach, dots=_dots(found, mine, top, whole), x=line,
    )  # fmt: skip
    number = count(times.accepted, "delivery", "deliveries")
    return lane, f"{in_words(name)}: {number}, {reach}, median {duration(times.median)}."


def _dots(found: Deliveries, mine: Flags, top: int, whole: float) -> str:
    import numpy as np

    times, customers = found.after[mine], found.customer[mine]
    places = np.empty(len(times))
    places[np.argsort(customers, kind="stable")] = np.linspace(0, 1, len(times))
    # The deliveries are in the order of their times.
    drawn = np.linspace(0, len(times) - 1, min(len(times), MOST_DOTS)).round().astype(np.int64)
    across = np.rint(_LEFT + (_WIDTH - _LEFT - _RIGHT) * times[drawn] / whole).astype(np.int64)
    down = np.rint(top + _INSET + places[drawn] * (_LANE - 2 * _INSET)).astype(np.int64)
    # One dot for those that fall on the same spot.
    dots = np.divmod(np.unique(across * (top + _LANE) + down), top + _LANE)
    return "M%d %dh0" * len(dots[0]) % tuple(np.column_stack(dots).ravel().tolist())
