"""What each channel carries of a message: the same words, in the channel's own form."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels import standing
from channels.email import Email
from channels.fax import Fax
from channels.sms import LIMIT, Sms, count_segments
from channels.voice import RECORDING, Voice
from dispatcher.model.ports import CODE_TAG, PREFS_TAG, REPLY_TAG, Draft

REPLY = f"https://alerts.bank.example/r/{REPLY_TAG}"
PREFS = f"https://alerts.bank.example/p/{PREFS_TAG}"
DRAFT = Draft(
    firm="Example Bank",
    subject="Downgrading Lattice Memory",
    text="We are downgrading LTMY from Strong Buy.\n\nOur price target is withdrawn.",
    author="Andrea Horton",
    reply_url=REPLY,
    prefs_url=PREFS,
    phone="+12125550100",
)
RECORDED = replace(DRAFT, recording_seconds=33.3)
CODED = replace(DRAFT, code=CODE_TAG)


# --- text messages


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", "GSM-7", 0, 0),
        ("a" * 160, "GSM-7", 160, 1),
        ("a" * 161, "GSM-7", 161, 2),
        ("a" * 306, "GSM-7", 306, 2),
        ("a" * 307, "GSM-7", 307, 3),
        ("€" * 80, "GSM-7", 160, 1),
        ("€" * 81, "GSM-7", 162, 2),
        # 152 letters leave one place in the first segment: the escaped character goes to the second whole.
        ("a" * 152 + "€" + "a" * 152, "GSM-7", 306, 3),
        ("äöüÄÖÜßñÑ@£¥éèùìòÇØøÅåÆæÉΔΦΓΛΩΠΨΣΘΞ", "GSM-7", 35, 1),
        ("^{}[]~|\\", "GSM-7", 16, 1),
        ("ç", "UCS-2", 1, 1),
        ("’" * 70, "UCS-2", 70, 1),
        ("’" * 71, "UCS-2", 71, 2),
        ("’" * 134, "UCS-2", 134, 2),
        ("’" * 135, "UCS-2", 135, 3),
        ("📈" * 35, "UCS-2", 70, 1),
        ("📈" * 36, "UCS-2", 72, 2),
        # 67 is odd: a pair is never torn, so a segment holds 33 of them.
        ("📈" * 67, "UCS-2", 134, 3),
        ("a\tb", "UCS-2", 3, 1),
    ],
)
def test_segments_are_counted_as_the_network_packs_them(text: str, encoding: str, units: int, segments: int) -> None:
    count = count_segments(text)
    assert (count.encoding, count.units, count.segments) == (encoding, units, segments)


@settings(max_examples=200)
@given(st.text(alphabet=st.sampled_from("aé€[ 9\n’📈"), max_size=700))
def test_a_count_is_what_cutting_by_hand_makes(text: str) -> None:
    count = count_segments(text)
    alone, linked = (160, 153) if count.encoding == "GSM-7" else (70, 67)
    widths = [
        (2 if letter in "€[📈" else 1) if alone == 160 else len(letter.encode("utf-16-le")) // 2 for letter in text
    ]
    assert count.units == sum(widths)
    if sum(widths) <= alone:
        assert count.segments == (1 if text else 0)
        return
    pieces = [0]
    for width in widths:
        if pieces[-1] + width > linked:
            pieces.append(0)
        pieces[-1] += width
    assert count.segments == len(pieces) >= -(-sum(widths) // linked)


def test_a_text_message_says_who_what_and_how_to_answer() -> None:
    made = Sms().compose(DRAFT)
    assert made.text == (
        "Example Bank: Downgrading Lattice Memory\n"
        "We are downgrading LTMY from Strong Buy.\n\nOur price target is withdrawn.\n"
        f"Answer here or: {REPLY}\nSTOP ends these texts"
    )
    assert (made.encoding, made.segments) == ("GSM-7", 2)
    assert f"listen (0:33): {REPLY}" in Sms().compose(RECORDED).text
    assert "\n\n\n" not in Sms().compose(replace(DRAFT, text="")).text


def test_the_count_is_that_of_what_is_sent() -> None:
    token = "a" * 32
    for length in range(0, 400, 7):
        made = Sms().compose(replace(DRAFT, text="x" * length))
        assert made.segments == count_segments(made.text.replace(REPLY_TAG, token)).segments


@settings(max_examples=60)
@given(st.text(alphabet=st.sampled_from("abc €’📈\n"), max_size=2500), st.booleans())
def test_a_text_message_is_never_too_long(text: str, linked: bool) -> None:
    made = Sms().compose(replace(DRAFT, text=text, reply_url=REPLY if linked else ""))
    assert len(made.text.replace(REPLY_TAG, "a" * 32).encode("utf-16-le")) <= 2 * LIMIT
    assert made.text.startswith("Example Bank: Downgrading Lattice Memory")
    assert made.text.endswith("STOP ends these texts")
    assert (REPLY in made.text) == linked


def filled(text: str) -> str:
    return text.replace(REPLY_TAG, "a" * 32).replace(CODE_TAG, "1" * 15)


def test_a_text_message_carries_the_line_and_the_code() -> None:
    made = Sms().compose(CODED)
    assert made.text.endswith(f"Answer here or: {REPLY}\nOr call +12125550100, code {CODE_TAG}\nSTOP ends these texts")
    assert made.segments == count_segments(filled(made.text)).segments == 2


@pytest.mark.parametrize("alphabet", ["x", "é", "€", "ж"])
@pytest.mark.parametrize("linked", [True, False])
def test_the_code_never_costs_a_segment_and_the_line_at_most_one_of_several(alphabet: str, linked: bool) -> None:
    kinds = set()
    for length in range(0, 420, 3):
        draft = replace(CODED, firm="Bank", subject="LTMY", text=alphabet * length, reply_url=REPLY if linked else "")
        bare = Sms().compose(replace(draft, code=""))
        numbered = bare.text.replace("\nSTOP", "\nOr call +12125550100\nSTOP")
        made = Sms().compose(draft)
        assert made.segments == count_segments(filled(made.text)).segments
        if CODE_TAG in made.text:
            kinds.add("code")
            assert made.segments == count_segments(filled(numbered)).segments
        elif draft.phone in made.text:
            kinds.add("line")
            assert made.text == numbered
        else:
            kinds.add("neither")
            assert made.text == bare.text
            assert bare.segments == 1
        assert made.segments == 1 or draft.phone in made.text
        assert made.segments <= bare.segments + (bare.segments > 1)
    assert kinds >= {"code", "line"}


def test_a_text_that_just_fits_keeps_its_words_and_its_link_before_the_code() -> None:
    for length in range(LIMIT - 200, LIMIT + 20):
        bare = Sms().compose(replace(DRAFT, text="x" * length))
        made = Sms().compose(replace(CODED, text="x" * length))
        assert len(filled(made.text)) <= LIMIT
        assert ("..." in made.text) == ("..." in bare.text)
        assert REPLY in made.text
    assert "..." in made.text
    assert f"code {CODE_TAG}" in made.text


@pytest.mark.parametrize("draft", [CODED, replace(CODED, recording_seconds=33.3), replace(CODED, reply_url="")])
def test_mail_and_fax_carry_the_line_and_the_code(draft: Draft) -> None:
    mail, fax = Email().compose(draft), Fax().compose(draft)
    assert f"Or call +12125550100: from any telephone, we know you by the code {CODE_TAG}" in mail.text
    assert f"we know you by the code <b>{CODE_TAG}</b>" in mail.html
    assert (mail.text + mail.html).count("+12125550100") == 3, "text, link and its words"
    assert f"To answer, call +12125550100 and key the code {CODE_TAG}" in fax.text
    plain = Email().compose(DRAFT)
    assert "code" not in plain.text + plain.html + Sms().compose(DRAFT).text + Fax().compose(DRAFT).text


def test_the_standing_words_are_in_the_language_of_the_alert() -> None:
    german = replace(
        CODED, language="de", subject="Herabstufung", text="Wir stufen LTMY herab. " * 4, fax="+12125550199"
    )
    made, mail, fax = Sms().compose(german), Email().compose(german), Fax().compose(german)
    call = f"Oder Anruf: +12125550100, Code {CODE_TAG}"
    assert made.text.endswith(f"Antwort hier oder: {REPLY}\n{call}\nSTOP beendet diese SMS")
    assert (made.encoding, made.segments) == ("GSM-7", 2)
    for words in ("Auf diese Meldung antworten", f"am Code <b>{CODE_TAG}</b>", "diese E-Mails beenden", 'lang="de"'):
        assert words in mail.html
    assert "faxen Sie sie an +12125550199, oder rufen Sie +12125550100 an und tippen Sie den Code" in fax.text
    english = re.compile(r"\b(or|to|the|you|answer|call|stop)\b")
    assert not english.search(f"{made.text} {mail.text} {fax.text}".replace(REPLY, "").replace(PREFS, ""))
    assert Sms().compose(replace(german, language="fr")).text.endswith("STOP ends these texts")


@pytest.mark.parametrize("language", list(standing.WORDS))
def test_each_language_has_the_same_standing_words_with_the_same_blanks(language: str) -> None:
    blanks = {name: set(re.findall(r"{\w+}", words)) for name, words in standing.WORDS["en"].items()}
    assert {name: set(re.findall(r"{\w+}", words)) for name, words in standing.WORDS[language].items()} == blanks


@pytest.mark.parametrize(("word", "dots"), [("word", "..."), ("wört’s", "…")])
def test_a_long_text_is_cut_at_a_word_and_says_where_the_rest_is(word: str, dots: str) -> None:
    made = Sms().compose(replace(DRAFT, text=f"{word} " * 600))
    body, _, rest = made.text.partition(f"{dots} full text: {REPLY}")
    assert rest == "\nSTOP ends these texts"
    assert body.endswith(f" {word}")
    assert LIMIT - 40 < len(made.text.replace(REPLY_TAG, "a" * 32)) <= LIMIT


# --- mail


class Outline(HTMLParser):
    """Tags in order, visible text, links; fails on tags that are not closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.words: list[str] = []
        self.links: list[str] = []
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))
        if tag not in ("meta", "br"):
            self.open.append(tag)
        if tag == "a":
            self.links.append(dict(attrs)["href"] or "")

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


def test_a_mail_says_the_same_in_both_parts() -> None:
    made = Email().compose(replace(RECORDED, attachment_names=("model.pdf", "notes & more.txt")))
    assert made.subject == "Downgrading Lattice Memory"
    seen = Outline(made.html)
    shown = " ".join("".join(seen.words).split())
    for part in (
        "Example Bank", "We are downgrading LTMY from Strong Buy.", "Our price target is withdrawn.",
        "Answer or listen", "Listen to the recording (0:33)", "model.pdf, notes & more.txt",
        "Andrea Horton, Example Bank", "because you are on its list", "Change how we reach you", "+12125550100",
    ):  # fmt: skip
        assert part in shown
        assert part in made.text
    assert seen.links == [REPLY, REPLY, PREFS, "tel:+12125550100"]
    assert made.text.count(REPLY) == 2
    assert made.text.count(PREFS) == 1


def test_a_mail_is_accessible_and_loads_nothing() -> None:
    made = Email().compose(RECORDED)
    seen = Outline(made.html)
    tags = [tag for tag, _ in seen.seen]
    assert dict(seen.seen)["html"] == {"lang": "en"}
    assert tags.count("h1") == tags.count("title") == 1
    assert not {"img", "script", "link", "style", "iframe", "object"} & set(tags)
    assert not re.search(r"url\(|@import|<[^>]+\son\w+=", made.html)


@settings(max_examples=100)
@given(st.text(max_size=200), st.text(max_size=60))
def test_nothing_an_author_writes_becomes_markup(text: str, subject: str) -> None:
    hostile = "<script>alert(1)</script><b onclick=x>" + text
    made = Email().compose(replace(DRAFT, text=hostile, subject=subject + "<i>"))
    seen = Outline(made.html)
    assert {tag for tag, _ in seen.seen} <= {"html", "head", "meta", "title", "body", "div", "p", "h1", "br", "a"}
    assert len(seen.links) == 3
    assert html.escape("<script>alert(1)</script>") in made.html
    assert "\n" not in made.subject
    assert "\r" not in made.subject


def test_without_links_telephone_or_text_nothing_is_left_hanging() -> None:
    bare = Draft(firm="Example Bank", subject="Hello", text="")
    for made in (Email().compose(bare), Sms().compose(bare), Fax().compose(bare)):
        for word in ("None", "Listen", "Answer", "Telephone", "http", "call"):
            assert word not in made.text + made.html
    assert Email().compose(bare).text.startswith("-- \nExample Bank")


@pytest.mark.parametrize("name", ["subject", "firm", "author"])
def test_a_line_break_never_reaches_a_header(name: str) -> None:
    draft = replace(DRAFT, **{name: "one\r\nBcc: two@firm.example\x00\x1b"})
    for made in (Email().compose(draft), Sms().compose(draft), Voice().compose(draft), Fax().compose(draft)):
        assert not re.search(r"[\r\n\x00\x1b]", made.subject)
        assert "\nBcc" not in made.text + made.html + made.spoken


@pytest.mark.parametrize(
    ("language", "subject", "mail", "text", "spoken"),
    [
        ("en", "Cut", "URGENT: Cut", "URGENT: Example Bank: Cut",
         "This is Example Bank, with an urgent alert from A. Cut."),
        ("de", "Herab", "DRINGEND: Herab", "DRINGEND: Example Bank: Herab",
         "Hier ist Example Bank, mit einer dringenden Meldung von A. Herab."),
        ("fr", "Cut", "URGENT: Cut", "URGENT: Example Bank: Cut",
         "This is Example Bank, with an urgent alert from A. Cut."),
        ("en", "Dringend, cut", "Dringend, cut", "Example Bank: Dringend, cut",
         "This is Example Bank, with an urgent alert from A. Dringend, cut."),
        ("en", "[Urgent] cut", "[Urgent] cut", "Example Bank: [Urgent] cut",
         "This is Example Bank, with an urgent alert from A. [Urgent] cut."),
        ("en", "Urgently needed", "URGENT: Urgently needed", "URGENT: Example Bank: Urgently needed",
         "This is Example Bank, with an urgent alert from A. Urgently needed."),
        ("en", "Urgent-Care: cut", "URGENT: Urgent-Care: cut", "URGENT: Example Bank: Urgent-Care: cut",
         "This is Example Bank, with an urgent alert from A. Urgent-Care: cut."),
        ("de", "Dringende Bitte", "DRINGEND: Dringende Bitte", "DRINGEND: Example Bank: Dringende Bitte",
         "Hier ist Example Bank, mit einer dringenden Meldung von A. Dringende Bitte."),
    ],
)  # fmt: skip
def test_what_is_urgent_says_so_first_by_every_channel(
    language: str, subject: str, mail: str, text: str, spoken: str
) -> None:
    draft = replace(DRAFT, urgent=True, language=language, subject=subject, author="A", text="x" * 1600)
    made = Sms().compose(draft)
    assert made.text.startswith(f"{text}\n")
    assert made.segments == count_segments(filled(made.text)).segments
    assert len(filled(made.text)) <= LIMIT
    assert Voice().compose(draft).spoken.split("\n")[0] == spoken
    page, letter = Fax().compose(draft), Email().compose(draft)
    assert page.subject == letter.subject == mail
    assert f"\n\n{mail}\n\n" in page.text  # on a line of its own, which is drawn in bold
    assert f">{mail}</h1>" in letter.html
    assert "URGENT" not in Email().compose(replace(draft, urgent=False)).subject


# --- calls and fax


def test_a_call_says_who_is_calling_first() -> None:
    assert Voice().compose(DRAFT).spoken == (
        "This is Example Bank, with an alert from Andrea Horton. Downgrading Lattice Memory.\n"
        "We are downgrading LTMY from Strong Buy.\nOur price target is withdrawn."
    )
    recorded = Voice().compose(RECORDED).spoken
    assert recorded.split("\n")[1:] == [RECORDING]
    assert recorded.startswith("This is Example Bank, with an alert")


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("See https://x.example/a?b=c&d (now).", "See (now)."),
        ("Read www.firm.example, please", "Read, please"),
        ("A *strong* _buy_ of `LTMY`", "A strong buy of LTMY"),
        ("- one\n- two\n\n# three", "one two\nthree"),
        ("Up 11 % 📈 & more", "Up 11 % & more"),
        ("bell\x07 and\x00 null", "bell and null"),
        ("♪ recording", "recording"),
        ("-5% to 2.35-2.40, < 2, ~3 (#1)", "-5% to 2.35-2.40, < 2, ~3 (#1)"),
    ],
)
def test_a_text_is_made_speakable(text: str, spoken: str) -> None:
    assert Voice().compose(replace(DRAFT, text=text)).spoken.split("\n", 1)[1] == spoken


def test_a_fax_prints_everything_a_reader_needs() -> None:
    made = Fax().compose(RECORDED)
    for part in (
        "Example Bank",
        DRAFT.subject,
        "withdrawn.",
        "call +12125550100",
        REPLY,
        PREFS,
        "0:33",
        "Andrea Horton",
    ):
        assert part in made.text
