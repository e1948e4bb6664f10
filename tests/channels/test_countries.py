"""Where a number is, and why one is never called: as it enters the directory and again, whoever put it there."""

from __future__ import annotations

import pytest

from channels import numbers
from channels.email import Email
from channels.fax import Fax
from channels.sms import Sms
from channels.voice import Voice
from dispatcher.settings import Settings

LISTED = frozenset({"US", "CA", "GB", "GG", "JE", "IM", "DE", "IT", "VA"})


@pytest.mark.parametrize(
    ("number", "country"),
    [
        ("+12025550143", "US"),
        ("+14165550107", "CA"),
        ("+13405550100", "VI"),
        ("+18765550100", "JM"),
        ("+14415550100", "BM"),
        ("+18002345678", "US"),
        ("+442079460123", "GB"),
        ("+441632960123", "GB"),  # kept for fiction, and in nobody's list
        ("+447781123456", "GG"),
        ("+390669812345", "VA"),
        ("+393312345678", "IT"),
        ("+79161234567", "RU"),
        ("+77012345678", "KZ"),
        ("+4915112345678", "DE"),
        ("+5371234567", "CU"),
        ("+37128123456", "LV"),
        ("+881612345678", ""),  # satellites are in no country
        ("+8823456789", ""),
        ("+979123456789", ""),
        ("+99912345678", ""),  # a country code that nobody has
        ("+1", ""),
        ("", ""),
    ],
)
def test_the_country_of_a_number(number: str, country: str) -> None:
    assert numbers.country(number) == country
    assert bool(numbers.abroad(number, LISTED)) == (country not in LISTED)
    assert numbers.abroad(number, {"*"}) == ""


@pytest.mark.parametrize(
    ("number", "why"),
    [
        ("+12025550143", ""),
        ("+442079460123", ""),
        ("+447700900123", ""),
        ("+12123456789", ""),
        ("+5371234567", "is in CU, a country that CALL_COUNTRIES does not hold"),
        ("+2526123456", "is in SO, a country that CALL_COUNTRIES does not hold"),
        ("+13405550100", "is in VI, a country that CALL_COUNTRIES does not hold"),
        ("+18765550100", "is a Caribbean number that is billed as a call abroad, which is never called"),
        ("+19002345678", "is a premium-rate number, which is never called"),
        ("+12029765555", "is a premium-rate number, which is never called"),
        ("+449098790123", "is a premium-rate number, which is never called"),
        ("+447012345678", "is a personal number that forwards at the caller's expense, which is never called"),
        ("+881612345678", "is a satellite telephone, which is never called"),
        ("+882161234567", "is a number of an international network, which is never called"),
        ("+979123456789", "is a premium-rate number, which is never called"),
        ("+445912345678", "is in a range that its country has given to nobody, as far as is known here"),
        ("+12345", "is too short for a telephone number"),
        ("1202555014", "has no country code: write it with +, e.g. +1 212 555 0100"),
        ("+1 202 555 0143", "is no telephone number in E.164"),
        ("garbage", "is not a telephone number"),
    ],
)
def test_what_is_never_dialled_although_it_stands_in_the_directory(number: str, why: str) -> None:
    assert numbers.not_dialled(number, "", LISTED) == why
    for channel in (Voice(), Fax()):
        assert channel.barred(number, "", LISTED) == why


def test_a_reason_names_no_number_so_that_alarms_can_be_told_once_a_country() -> None:
    reasons = {Voice().barred(f"+5371234{last:03d}", "", LISTED) for last in range(50)}
    assert len(reasons) == 1
    assert not any(letter.isdigit() for letter in reasons.pop())


@pytest.mark.parametrize(
    ("number", "is_dear"),
    [
        ("+12025550143", False),
        ("+19002345678", True),
        ("+12029765555", True),
        ("+15002345678", True),
        ("+442079460123", False),
        ("+447911123456", False),
        ("+449098790123", True),
        ("+447012345678", True),
        ("+4915112345678", False),
        ("+49301234567", False),
        ("+499001123456", True),
        ("+33612345678", False),
        ("+33891123456", True),
        ("", False),
        ("garbage", False),
    ],
)
def test_texts_to_dear_numbers(number: str, is_dear: bool) -> None:
    assert bool(Sms().barred(number, "", {"*"})) == is_dear


def test_texts_are_judged_by_country_and_mail_not_at_all() -> None:
    assert Sms().barred("+5371234567", "", LISTED) == "is in CU, a country that CALL_COUNTRIES does not hold"
    assert Sms().barred("+12025550143", "", LISTED) == ""
    assert Email().barred("ana@simon.example", "", LISTED) == ""


def test_the_default_list_is_broad_and_leaves_out_where_fraud_ends() -> None:
    countries = Settings(_env_file=None, secret_key="k" * 40).countries
    wanted = ("+12025550143", "+14165550107", "+442079460123", "+4915112345678", "+33612345678", "+41791234567",
              "+6591234567", "+85291234567", "+81901234567", "+97145678901", "+14415550100")  # fmt: skip
    assert [one for one in wanted if numbers.abroad(one, countries)] == []
    unwanted = ("+5371234567", "+2526123456", "+37128123456", "+38763123456", "+22031234567", "+9607712345",
                "+23276123456", "+21320123456", "+26377123456", "+67570123456", "+881612345678")  # fmt: skip
    assert [one for one in unwanted if not numbers.abroad(one, countries)] == []


def test_the_firms_own_country_always_counts() -> None:
    settings = Settings(_env_file=None, secret_key="k" * 40, call_countries="us,ca", default_region="JM")
    assert settings.countries == {"US", "CA", "JM"}
    assert Voice().barred("+18765550100", "JM", settings.countries) == ""


@pytest.mark.parametrize("wrong", ["", ",", "USA", "US;CA", "XX", "US,**"])
def test_a_wrong_list_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="give countries in two letters"):
        Settings(_env_file=None, secret_key="k" * 40, call_countries=wrong)
