"""One writing for each address, however people write it; and the numbers that must never be called."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.email import Email
from channels.fax import Fax
from channels.sms import Sms
from channels.voice import Voice
from dispatcher.model.ports import Channel

TELEPHONES: tuple[Channel, ...] = (Sms(), Voice(), Fax())
US = "+12125550100"
LONDON = "+442079460661"


@pytest.mark.parametrize("channel", TELEPHONES, ids=lambda channel: channel.name)
@pytest.mark.parametrize(
    ("raw", "region", "right"),
    [
        ("+12125550100", "", US),
        ("+1 212 555 0100", "", US),
        ("+1 212-555-0100", "", US),
        ("+1 212.555.0100", "", US),
        ("+1 (212) 555-0100", "", US),
        ("(+1) 212 555 0100", "", US),
        ("0012125550100", "", US),
        ("001 212 555 0100", "", US),
        ("0012125550100", "US", US),
        ("tel:+12125550100", "", US),
        ("tel:+1-212-555-0100", "", US),
        ("TEL: +1 212 555 0100", "", US),
        ("sms:+12125550100", "", US),
        ("  +1 212 555 0100\u00a0", "", US),
        ("\u202a+1 212 555 0100\u202c", "", US),
        ("+1 212\u2011555\u20110100", "", US),
        ("\uff0b\uff11 212 555 0100", "", US),
        ("212 555 0100", "US", US),
        ("(212) 555-0100", "us", US),
        ("1 212 555 0100", "US", US),
        ("011 44 20 7946 0661", "US", LONDON),
        ("+44 20 7946 0661", "", LONDON),
        ("+44 (0)20 7946 0661", "", LONDON),
        ("0044 (0) 20 7946 0661".replace("(0) ", "(0)"), "", LONDON),
        ("020 7946 0661", "GB", LONDON),
        ("00442079460042", "", "+442079460042"),
        ("+44 1632 960123", "", "+441632960123"),
        ("+44 7700 900123", "", "+447700900123"),
        ("+49 30 23125-118", "", "+493023125118"),
        ("030/23125118", "DE", "+493023125118"),
        ("+34 (0)91 234 56 78", "", "+34912345678"),
        ("+39 06 698 12345", "", "+390669812345"),
        ("+1 340 555 0100", "", "+13405550100"),
        ("+1 441 555 0100", "", "+14415550100"),
    ],
)
def test_every_common_writing_of_a_number(channel: Channel, raw: str, region: str, right: str) -> None:
    assert channel.normalise(raw, region) == right
    assert channel.normalise(right) == right


@pytest.mark.parametrize(
    ("raw", "region", "says"),
    [
        ("", "", "is empty"),
        ("555-01", "", "no country code"),
        ("555-01", "US", "too short"),
        ("212 555 0100", "", "no country code"),
        ("555 0100", "US", "no area code"),
        ("+1 212 555", "", "too short"),
        ("+1 212 555 0100 0100 0100", "", "too long"),
        ("+999 1234567", "", "does not exist"),
        ("n/a", "", "is not a telephone number"),
        ("see mail", "", "is not a telephone number"),
        ("ann@firm.example", "", "is not a telephone number"),
        ("+1 212 555 0100 / +1 212 555 0101", "", "is not a telephone number"),
        ("+1 212 555 0100\n+1 212 555 0101", "", "is not a telephone number"),
        ("+1 212 555 0100 ext. 12", "", "extension (12)"),
        ("+1 212 555 0100 x12", "", "extension (12)"),
        ("+1 212 555 0100, 12", "", "extension (12)"),
        ("tel:+12125550100;ext=12", "", "extension (12)"),
        ("++12125550100", "", "is not a telephone number"),
    ],
)
def test_what_is_no_number_says_why(raw: str, region: str, says: str) -> None:
    for channel in TELEPHONES:
        with pytest.raises(ValueError) as error:
            channel.normalise(raw, region)
        assert says in str(error.value)


@pytest.mark.parametrize(
    "raw",
    [
        "+1 900 555 0100", "+1 212 976 1234", "+44 909 879 0123", "+44 70 1234 5678", "+49 900 1 234567",
        "+979 123 456 789", "+870 773 111 632", "+878 10 1234567890", "+881 6 1234 5678", "+882 13 123456",
        "+883 5100 012345", "+808 1234 5678", "+1 876 555 0100", "+1 809 555 0100", "+1 473 555 0100",
        "+1 284 555 0100".replace("284", "664"), "001 268 555 0100",
    ],
)  # fmt: skip
def test_numbers_that_must_never_be_called(raw: str) -> None:
    for channel in TELEPHONES:
        with pytest.raises(ValueError, match="never called"):
            channel.normalise(raw)


def test_a_bank_in_the_caribbean_calls_its_own_country() -> None:
    assert Voice().normalise("876 555 0100", "JM") == "+18765550100"


@pytest.mark.parametrize(
    ("raw", "right"),
    [
        ("carla.crane@firm.example", "carla.crane@firm.example"),
        ("CARLA.CRANE@FIRM.EXAMPLE", "carla.crane@firm.example"),
        ("  carla.crane@firm.example ", "carla.crane@firm.example"),
        ("mailto:Carla.Crane@Firm.Example", "carla.crane@firm.example"),
        ("Carla Crane <carla.crane@firm.example>", "carla.crane@firm.example"),
        ("carla@Bücher.example", "carla@xn--bcher-kva.example"),
        ("carla@xn--bcher-kva.example", "carla@xn--bcher-kva.example"),
        ("carla@bu\u0308cher.example", "carla@xn--bcher-kva.example"),
        ("carla+alerts@firm.example", "carla+alerts@firm.example"),
        ("o'neil@firm.example", "o'neil@firm.example"),
    ],
)
def test_every_common_writing_of_a_mail_address(raw: str, right: str) -> None:
    assert Email().normalise(raw) == Email().normalise(right) == right


@pytest.mark.parametrize(
    "raw",
    [
        "", "n/a", "  n/a ", "x at y.example", "x@", "@y.example", "x@y", "x y@z.example", "a@b@c.example",
        "a..b@c.example", "a@b..example", "a@-b.example", "käthe@firm.example", "a@b.example, c@d.example",
        "a@b.example\r\nBcc: c@d.example", "a@localhost", "a@firm.invalid", "a@[127.0.0.1]", '"a b"@c.example',
        "x" * 65 + "@firm.example", "a@" + "b" * 64 + ".example",
    ],
)  # fmt: skip
def test_what_is_no_mail_address_is_refused(raw: str) -> None:
    with pytest.raises(ValueError, match=r"^is "):
        Email().normalise(raw)


def settled(channel: Channel, raw: str, region: str = "") -> str | None:
    try:
        return channel.normalise(raw, region)
    except ValueError:
        return None


@settings(max_examples=300)
@given(st.text(alphabet="+0123456789 ()-./x", max_size=24), st.sampled_from(["", "US", "GB", "DE", "IT", "MX"]))
def test_the_one_writing_of_a_number_is_its_own(raw: str, region: str) -> None:
    once = settled(Voice(), raw, region)
    if once is not None:
        assert once.startswith("+")
        assert once[1:].isdigit()
        assert len(once) <= 16
        assert settled(Voice(), once) == settled(Voice(), once, region) == once


@settings(max_examples=200)
@given(st.text(max_size=30))
def test_any_text_is_an_address_or_refused(raw: str) -> None:
    for channel in (*TELEPHONES, Email()):
        once = settled(channel, raw)
        assert once is None or settled(channel, once) == once


@settings(max_examples=200)
@given(st.emails())
def test_the_one_writing_of_a_mail_address_is_its_own(raw: str) -> None:
    once = settled(Email(), raw)
    if once is not None:
        assert once == once.lower()
        assert once.isascii()
        assert settled(Email(), once) == settled(Email(), once.upper()) == once
