"""What the comparison writes: the table between its markers, the picture, the run in the middle."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks.compare.contenders import CONTENDERS
from benchmarks.compare.drawing import bars
from benchmarks.compare.report import replace_part, table
from benchmarks.compare.stage import Result, median

OURS = Result("ours", "sms", 10_000, 10_000, 0.0, 100, 1.0, 50.0, 0.2, 90.0, 0, 0)


def test_the_table_tells_ratios_and_what_was_scaled() -> None:
    rq = replace(OURS, key="rq", measured=200, seconds=250.0)
    lines = table([rq, OURS]).splitlines()
    assert "answers at once" in lines[0]
    assert "**Dispatcher**" in lines[4]
    assert lines[4].endswith("| 1.00 | 10,000 | 0.20 | 1.0 |")
    assert "200 measured, scaled up" in lines[5]
    assert lines[5].endswith("| 250.00 | 40 | 0.20 | 250.0 |")


def test_each_kind_of_work_has_its_own_table() -> None:
    mail = replace(OURS, work="mail")
    slow = replace(OURS, latency_ms=100.0)
    titles = [line for line in table([OURS, slow, mail]).splitlines() if line.endswith(":")]
    assert titles == [
        "10,000 texts, the provider answers at once, 100 requests in flight:",
        "10,000 texts, the provider answers after 100 ms, 100 requests in flight:",
        "10,000 personalised mails by SMTP, the mail server answers at once:",
    ]


def test_the_run_in_the_middle_counts_but_every_loss_is_told() -> None:
    runs = [replace(OURS, seconds=seconds, losses=lost) for seconds, lost in ((3.0, 0), (1.0, 2), (2.0, 1))]
    assert (median(runs).seconds, median(runs).losses) == (2.0, 3)


def test_the_picture_is_sound_and_longer_means_faster() -> None:
    root = ET.fromstring(bars("Texts a second", [("RQ <forking>", 41.0, False), ("ours", 9800.0, True)]))  # noqa: S314  # our own
    space = "{http://www.w3.org/2000/svg}"
    widths = [float(one.attrib["width"]) for one in root.iter(f"{space}rect")][1:]
    words = [one.text for one in root.iter(f"{space}text")]
    assert widths[0] > widths[1] > 0
    assert "RQ <forking>" in words
    assert "9,800" in words


def test_only_the_part_between_the_markers_is_rewritten(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Head\n<!-- compare: begin -->\nold\n<!-- compare: end -->\ntail\n")
    replace_part(page, "compare", "new")
    replace_part(page, "compare", "newer")
    assert page.read_text() == "# Head\n<!-- compare: begin -->\n\nnewer\n\n<!-- compare: end -->\ntail\n"


@pytest.mark.parametrize("in_flight", [2, 100, 1000])
@pytest.mark.parametrize("contender", CONTENDERS, ids=lambda one: one.key)
def test_every_plan_serves_all_recipients(contender: object, in_flight: int) -> None:
    one = next(each for each in CONTENDERS if each is contender)
    plan = one.plan(1001, in_flight)
    assert plan.starters
    if one.key.startswith("bare"):
        assert sum(int(starter[4]) for starter in plan.starters) == 1001
    else:
        assert plan.starters[0][-1] == "1001"
