"""What `dispatcher doctor` says of the limits of calls."""

from __future__ import annotations

from pathlib import Path

import pytest

from dispatcher import doctor
from dispatcher.settings import Settings

LINE = "+12125550100"


@pytest.mark.parametrize(
    ("given", "found"),
    [
        ({"customer_line": LINE}, []),
        ({"customer_line": LINE, "call_countries": "us, ca"}, []),
        ({}, ["CUSTOMER_LINE"]),
        ({"customer_line": LINE, "call_countries": "*"}, ["CALL_COUNTRIES"]),
        ({"customer_line": LINE, "cap_calls_per_hour": 0}, ["caps of calls"]),
        ({"cap_wrong_codes_per_hour": 0, "call_countries": "*"}, ["CALL_COUNTRIES", "caps of calls", "CUSTOMER_LINE"]),
        ({"sms_provider": "", "voice_provider": "", "call_countries": "*"}, []),  # mail alone
    ],
)
def test_what_is_odd_about_calls(tmp_path: Path, given: dict[str, object], found: list[str]) -> None:
    settings = Settings(_env_file=None, var_dir=tmp_path, **given)  # type: ignore[arg-type]  # a table of settings
    odd = [one for one in doctor.telephone(settings) if one.grade != "ok"]
    assert [one.what for one in odd] == found
    assert all(one.grade == "warning" and one.todo for one in odd)


def test_a_cap_that_is_off_is_named(tmp_path: Path) -> None:
    settings = Settings(_env_file=None, var_dir=tmp_path, cap_joins_per_caller_day=0)
    [caps] = [one for one in doctor.telephone(settings) if one.what == "caps of calls"]
    assert caps.found == "none by CAP_JOINS_PER_CALLER_DAY"
