"""What `dispatcher doctor` says of the limits of calls, of the public address and of providers' own lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import pytest

from dispatcher import doctor
from dispatcher.model.errors import ProviderError
from dispatcher.model.ports import Listed
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


@pytest.mark.parametrize(
    ("url", "key", "grade", "found"),
    [
        ("http://192.0.2.7", "SG.key", "warning", "not https: mail programs offer no unsubscribing by one click"),
        ("http://192.0.2.7", "", "warning", "not https"),
        ("https://192.0.2.7", "SG.key", "ok", "https://192.0.2.7"),
    ],
)
def test_one_click_needs_https(tmp_path: Path, url: str, key: str, grade: str, found: str) -> None:
    settings = Settings(_env_file=None, var_dir=tmp_path, public_url=url, sendgrid_api_key=key)
    [one] = doctor.public_address(settings)
    assert (one.grade, one.found) == (grade, found)


class Kept:
    """A provider's list that may be read, or not."""

    name, channel, reasons = "some", "email", ("opt-out",)

    def __init__(self, wrong: str) -> None:
        self.wrong, self.closed = wrong, False

    async def put(self, address: str) -> None: ...

    async def take_off(self, address: str, reason: str) -> None: ...

    async def read(self, reason: str, since: datetime | None, skip: int) -> Sequence[Listed]:
        if self.wrong:
            raise ProviderError(self.wrong)
        return []

    async def aclose(self) -> None:
        self.closed = True


def test_an_account_that_may_not_see_its_list_is_told() -> None:
    kept = {"good": Kept(""), "bad": Kept("the key may not"), "simulated": Kept("nobody asks")}
    found = list(doctor.lists(kept, ["simulated"]))
    assert [(one.what, one.grade) for one in found] == [("opt-outs at good", "ok"), ("opt-outs at bad", "warning")]
    assert found[1].found == "the key may not"
    assert found[1].todo
    assert [one.closed for one in kept.values()] == [True, True, False]
