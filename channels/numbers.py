"""Telephone numbers: any common writing to E.164, and the ones that must never be called."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from functools import lru_cache

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneMetadata,
    PhoneNumber,
    PhoneNumberFormat,
    PhoneNumberType,
    ValidationResult,
)

_SCHEME = re.compile(r"^(?:tel|sms|fax|phone)\s*[:.]\s*", re.IGNORECASE)
_EXTENSION = re.compile(r"(?:;\s*ext\s*=|,|#|(?:ext|extn|extension|x)\b[.:]?|x)\s*#?\s*(\d{1,8})\s*$", re.IGNORECASE)
_WRITING = re.compile(r"^\(?\+?[\d\s().\-/]+$")
_TRUNK = re.compile(r"\(0\)")

# Calls and texts to these are a known way to make a firm pay: the price is the callee's to set.
_DEAR_TYPES = {
    PhoneNumberType.PREMIUM_RATE: "a premium-rate number",
    PhoneNumberType.SHARED_COST: "a shared-cost number",
    PhoneNumberType.PERSONAL_NUMBER: "a personal number that forwards at the caller's expense",
}
# Country codes that no country has; in most of them the library knows no valid numbers.
_DEAR_CODES = {
    808: "a shared-cost number",
    870: "a satellite telephone",
    878: "a personal number that forwards at the caller's expense",
    881: "a satellite telephone",
    882: "a number of an international network",
    883: "a number of an international network",
    979: "a premium-rate number",
}
# Looks like a call within North America, is billed as one abroad. Not in the list: the US territories, and
# the seats of funds, where institutions do have telephones (Bahamas, Barbados, Bermuda, British Virgin and Cayman
# Islands).
_CARIBBEAN = frozenset(
    {"264", "268", "473", "649", "658", "664", "721", "758", "767", "784", "809", "829", "849", "868", "869", "876"}
)
# Kept for fiction by their regulators: they ring nowhere, trials use them, and no country has given them out.
_FICTION = re.compile(
    r"\+1\d{3}55501\d\d$|\+44(?:1632960|7700900)\d{3}$|\+33(?:19900|26191|35301|46571|53649|63998)\d{4}$"
)


def normalise(raw: str, region: str = "") -> str:
    """The number in E.164. `region` is where numbers without a country code are, e.g. "US".

    Numbers kept for fiction are taken, so a number only has to be possible, not in use. Raises ValueError with a
    text that says what is wrong and what to do.
    """
    return _normalised(raw, region.strip().upper())


@lru_cache(maxsize=20_000)
def _normalised(raw: str, region: str) -> str:
    text = _plain(raw)
    number = _parsed(text, region)
    if phonenumbers.is_possible_number_with_reason(number) != ValidationResult.IS_POSSIBLE and _TRUNK.search(text):
        # "+34 (0)91 …": a trunk prefix where the country has none.
        number = _parsed(_TRUNK.sub("", text), region)
    _check_length(number)
    _check_price(number, region)
    e164 = phonenumbers.format_number(number, PhoneNumberFormat.E164)
    again = phonenumbers.format_number(_parsed(e164, ""), PhoneNumberFormat.E164)
    if len(e164) > 16:  # 15 digits is all that E.164 has
        raise ValueError("is too long for a telephone number")
    if again != e164:
        raise ValueError("has a prefix too many: write it with + and country code")
    return e164


def _plain(raw: str) -> str:
    """Without scheme, invisible characters and typographic dashes. Refuses what is no telephone number at all."""
    text = "".join(
        "-" if unicodedata.category(letter) == "Pd" else letter
        for letter in unicodedata.normalize("NFKC", raw)
        if unicodedata.category(letter) != "Cf"
    ).strip()
    if not text:
        raise ValueError("is empty")
    text = _SCHEME.sub("", text)
    if extension := _EXTENSION.search(text):
        # Dialling the main line would read the alert to a switchboard.
        raise ValueError(f"has an extension ({extension[1]}), which cannot be dialled: give a direct number")
    if not _WRITING.match(text):
        raise ValueError("is not a telephone number")
    if text.startswith("00"):
        text = "+" + text[2:]
    return text


def _parsed(text: str, region: str) -> PhoneNumber:
    try:
        return phonenumbers.parse(text, region or None)
    except NumberParseException as error:
        if error.error_type == NumberParseException.INVALID_COUNTRY_CODE:
            if "+" in text:
                raise ValueError("has a country code that does not exist") from None
            raise ValueError("has no country code: write it with +, e.g. +1 212 555 0100") from None
        if error.error_type == NumberParseException.TOO_LONG:
            raise ValueError("is too long for a telephone number") from None
        raise ValueError("is too short for a telephone number") from None


def _check_length(number: PhoneNumber) -> None:
    reason = phonenumbers.is_possible_number_with_reason(number)
    if reason == ValidationResult.IS_POSSIBLE:
        return
    if reason == ValidationResult.TOO_LONG:
        raise ValueError("is too long for a telephone number")
    if reason == ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
        raise ValueError("has no area code")
    if reason == ValidationResult.INVALID_COUNTRY_CODE:
        raise ValueError("has a country code that does not exist")
    if reason == ValidationResult.TOO_SHORT:
        raise ValueError("is too short for a telephone number")
    raise ValueError("has a length that no number of its country has")


def _check_price(number: PhoneNumber, region: str) -> None:
    what = _DEAR_CODES.get(number.country_code or 0) or _DEAR_TYPES.get(phonenumbers.number_type(number), "")
    national = phonenumbers.national_significant_number(number)
    if number.country_code == 1 and (national[:3] == "900" or national[3:6] == "976"):
        what = "a premium-rate number"
    if (
        number.country_code == 1
        and national[:3] in _CARIBBEAN
        and region != phonenumbers.region_code_for_number(number)
    ):
        what = "a Caribbean number that is billed as a call abroad"
    if what:
        raise ValueError(f"is {what}, which is never called")


# --- where a number is ------------------------------------------------------------------------------------


def country(e164: str) -> str:
    """The region, in two letters, in which a number is reached; "" where it is in none."""
    regions = _regions(e164[:5])
    if len(regions) > 1:
        return regions[0] if _is_fiction(e164) else _region(e164)
    return regions[0] if regions else ""


def abroad(e164: str, countries: Collection[str]) -> str:
    """Why a number is not reached, by its country alone: "" where `countries` holds it or holds "*".

    Quick, for it is asked of every text of a release.
    """
    regions = _regions(e164[:5])
    if "*" in countries or (regions and all(one in countries for one in regions)):
        return ""
    where = country(e164)
    if where in countries:
        return ""
    if not where:
        return "is in no country's range of numbers"
    return f"is in {where}, a country that CALL_COUNTRIES does not hold"


def dear(e164: str) -> str:
    """Why a number is never texted, by its price; "" where it may be. As quick as `abroad`."""
    pattern = _dear_pattern(e164[:5])
    if pattern is not None and pattern.fullmatch(e164):
        return "is a number whose price is the callee's to set, which is never called"
    return ""


@lru_cache(maxsize=4096)
def _dear_pattern(front: str) -> re.Pattern[str] | None:
    """What is dear in the countries that share a code, as one pattern over the whole number."""
    patterns = [r"\d{3}976\d{4}"] if front.startswith("+1") else []
    for region in _regions(front):
        known = PhoneMetadata.metadata_for_region(region)
        for kind in (known.premium_rate, known.shared_cost, known.personal_number) if known else ():
            if kind is not None and kind.national_number_pattern:
                patterns.append(kind.national_number_pattern)
    code = phonenumbers.country_code_for_region(_regions(front)[0]) if patterns and _regions(front) else 0
    return re.compile(rf"\+{code}(?:{'|'.join(patterns)})") if code else None


def not_dialled(e164: str, region: str, countries: Collection[str]) -> str:
    """Why a number is never dialled, whoever has written it into the directory, and when; "" where it may be."""
    try:
        if normalise(e164, region) != e164:
            return "is no telephone number in E.164"
    except ValueError as error:
        return str(error)
    return abroad(e164, countries) or _unlisted(e164)


@lru_cache(maxsize=4096)
def _regions(front: str) -> tuple[str, ...]:
    """The regions that share a country code, by a plus sign and four digits, the largest first."""
    if front.startswith("+1"):
        # Here the area code tells. A subscriber's part that is in use in all of them stands for all.
        found = _region(f"{front}2345678")
        return (found,) if found else ()
    for end in (2, 3, 4):
        text = front[1:end]
        if text.isascii() and text.isdigit():
            shared = phonenumbers.COUNTRY_CODE_TO_REGION_CODE.get(int(text))
            if shared is not None:
                return () if shared == ("001",) else shared
    return ()


@lru_cache(maxsize=20_000)
def _region(e164: str) -> str:
    try:
        return phonenumbers.region_code_for_number(phonenumbers.parse(e164)) or ""
    except NumberParseException:
        return ""


@lru_cache(maxsize=20_000)
def _unlisted(e164: str) -> str:
    """Ranges that nobody has been given are where hijacked calls end."""
    if _is_fiction(e164) or phonenumbers.is_valid_number(phonenumbers.parse(e164)):
        return ""
    return "is in a range that its country has given to nobody, as far as is known here"


def _is_fiction(e164: str) -> bool:
    return _FICTION.match(e164) is not None
