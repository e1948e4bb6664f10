"""The sender's own words, whatever their mail program puts around them; where in doubt, words stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dispatcher.model import now
from dispatcher.model.ports import InboundReply
from dispatcher.services import arrival
from dispatcher.services.mail_text import own_words, shown_text
from tests.quick import quickly

TABLE = Path(__file__).parents[1] / "tables" / "own_words.jsonl"
GMAIL = "On Fri, Nov 20, 2026 at 10:00 AM Example Bank <alerts@bank.example> wrote:"
OUTLOOK = """________________________________
From: Example Bank <alerts@bank.example>
Sent: Friday, November 20, 2026 10:00 AM
To: Ana Ruiz <ana@simon.example>
Subject: Downgrade

We cut LTMY to hold.
Call us at any time."""

CASES = {
    "only a weekday in the heading": (
        "Please call me.\n\nOn Sun the bank wrote:\n> We cut LTMY.\n> More.\n",
        "Please call me.",
    ),
    "a sentence of the customer's own": (
        "On balance I hold, as you wrote:\n> hold is fine\nAgreed.",
        "On balance I hold, as you wrote:\n> hold is fine\nAgreed.",
    ),
    "nothing quoted": ("Please call me.", "Please call me."),
    "gmail": (f"Buy 500.\n\n{GMAIL}\n\n> We cut LTMY\n> to hold.\n", "Buy 500."),
    "gmail, broken header": (
        "Buy 500.\n\nOn Fri, Nov 20, 2026 at 10:00 AM Example Bank\n<alerts@bank.example>\nwrote:\n\n> We cut\n",
        "Buy 500.",
    ),
    "gmail german": ("Kaufen.\n\nAm Fr., 20. Nov. 2026 um 10:00 Uhr schrieb Bank <a@b.de>:\n\n> Text\n", "Kaufen."),
    "gmail french": ("Achetez.\n\nLe ven. 20 nov. 2026 à 10:00, Bank <a@b.example> a écrit :\n\n> Texte\n", "Achetez."),
    "gmail spanish": ("Compre.\n\nEl vie, 20 nov 2026 a las 10:00, Bank <a@b.es> escribió:\n\n> Texto\n", "Compre."),
    "apple": ("Buy\n\n> On 20 Nov 2026, at 10:00, Bank <a@b.example> wrote:\n>\n> Text\n", "Buy"),
    "apple german": ("Ja\n\n> Am 20.11.2026 um 10:00 schrieb Bank <a@b.example>:\n>\n> Text\n", "Ja"),
    "outlook": (f"Please call me.\n\n{OUTLOOK}", "Please call me."),
    "outlook without a rule": ("Call.\n\n" + OUTLOOK.split("\n", 1)[1], "Call."),
    "outlook german": (
        "Bitte kaufen.\n\nVon: Bank <a@b.example>\nGesendet: Freitag, 20. November 2026 10:00\nAn: Ana\n"
        "Betreff: Abstufung\n\nWir stufen ab.",
        "Bitte kaufen.",
    ),
    "outlook french": (
        "Achetez.\n\nDe : Bank <a@b.example>\nEnvoyé : vendredi 20 novembre\nÀ : Ana\nObjet : Alerte\n\nTexte",
        "Achetez.",
    ),
    "outlook bold": (
        "Call.\n\n*From:* Bank <a@b.example>\n*Sent:* Friday\n*To:* Ana\n*Subject:* Downgrade\n\nWe cut.",
        "Call.",
    ),
    "original message": ("Call.\n\n-----Original Message-----\nFrom: Bank\nWe cut.", "Call."),
    "ursprüngliche nachricht": ("Ruf an.\n\n-----Ursprüngliche Nachricht-----\nVon: Bank\nText", "Ruf an."),
    "message d'origine": ("Appelez.\n\n-------- Message d'origine --------\nDe : Bank\nTexte", "Appelez."),
    "bottom-posted": (f"{GMAIL}\n> We cut LTMY\n> to hold.\n\nYes please, 500.\n", "Yes please, 500."),
    "bottom-posted, two paragraphs": (f"{GMAIL}\n> We cut\n\nYes.\n\nAnd 200 more.", "Yes.\n\nAnd 200 more."),
    "bottom-posted with signature": (f"{GMAIL}\n> We cut\n\nBuy 500\n\n-- \nAna Ruiz\nSimon LLC", "Buy 500"),
    "inline": (
        f"Hi,\n\n{GMAIL}\n> Do you want 500?\nYes.\n> And 200?\nNo.\n",
        "Hi,\n\n> Do you want 500?\nYes.\n> And 200?\nNo.",
    ),
    "inline without a greeting": (
        f"{GMAIL}\n> Do you want 500?\nYes.\n> And 200?\nNo.\n",
        "> Do you want 500?\nYes.\n> And 200?\nNo.",
    ),
    "above and below": (f"See below.\n\n{GMAIL}\n> LTMY?\n\nSell all.", "See below.\n\n> LTMY?\n\nSell all."),
    "iphone": ("Call me\n\nSent from my iPhone", "Call me"),
    "iphone over a quotation": (f"Call me\n\nSent from my iPhone\n\n{GMAIL}\n> We cut", "Call me"),
    "iphone german": ("Ruf an\n\nVon meinem iPhone gesendet", "Ruf an"),
    "iphone french": ("Appelez\n\nEnvoyé de mon iPhone", "Appelez"),
    "iphone spanish": ("Llame\n\nEnviado desde mi iPhone", "Llame"),
    "outlook for ios": ("Call me\n\nGet Outlook for iOS<https://aka.ms/o0ukef>", "Call me"),
    "signature": ("Buy 500.\n\n-- \nAna Ruiz\nSimon LLC\n+1 202 555 0100", "Buy 500."),
    "signature that lost its space": ("Buy 500.\n--\nAna", "Buy 500."),
    "regards stay": ("Buy 500.\n\nBest regards,\nAna", "Buy 500.\n\nBest regards,\nAna"),
    "thanks in front": ("Thanks,\nplease buy 500 at market.\n\nAna", "Thanks,\nplease buy 500 at market.\n\nAna"),
    "a list with hyphens": ("Two orders:\n- buy 500\n- sell 200\nok?", "Two orders:\n- buy 500\n- sell 200\nok?"),
    "a limit below zero": ("Sell\n-5% limit", "Sell\n-5% limit"),
    "own sentence like a header": ("On balance hold.\nAs you wrote:\nfine", "On balance hold.\nAs you wrote:\nfine"),
    "from and to in prose": ("From: my view\nTo: me it is fine", "From: my view\nTo: me it is fine"),
    "windows line ends": ("Buy 500.\r\n\r\n> x\r\n", "Buy 500."),
}  # fmt: skip


def test_every_row_of_the_table() -> None:
    wrong = []
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        if (shown := shown_text(row["text"], row["html"])) != row["own"]:
            wrong.append(f"{row['why']}: {shown!r} instead of {row['own']!r}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("name", CASES)
def test_own_words(name: str) -> None:
    text, expected = CASES[name]
    assert shown_text(text) == expected


@pytest.mark.parametrize(
    "text",
    [f"{GMAIL}\n\n> We cut LTMY\n", OUTLOOK, "-- \nAna Ruiz", "Sent from my iPhone", "> quoted alone"],
)
def test_where_cutting_leaves_nothing_all_of_it_is_shown(text: str) -> None:
    assert own_words(text) == ""
    assert shown_text(text) == text.strip()


HTML = {
    "gmail": (
        '<div dir="ltr">Buy 500<br></div><br><div class="gmail_quote"><div class="gmail_attr">'
        f"{GMAIL.replace('<', '&lt;')}<br></div>"
        '<blockquote class="gmail_quote"><div>We cut LTMY<br>to hold</div></blockquote></div>',
        "Buy 500",
    ),
    "apple, below": (
        "<html><body><blockquote type=cite><div>We cut LTMY</div></blockquote><div>Sell all of it</div></body></html>",
        "Sell all of it",
    ),
    "outlook": (
        "<p>Please call.</p><div style='border-top:solid'><p><b>From:</b> Bank &lt;a@b.example&gt;<br>"
        "<b>Sent:</b> Friday<br><b>To:</b> Ana<br><b>Subject:</b> Downgrade</p></div><p>We cut LTMY</p>",
        "Please call.",
    ),
    "script": ("<p>Yes<script>alert(1)</script><style>p{}</style></p>", "Yes"),
    "entities": ("<p>5 &lt; 6 &amp; 7 &euro;</p>", "5 < 6 & 7 €"),
    "nested quotations": ("<p>No</p><blockquote>a<blockquote>b</blockquote>c</blockquote>", "No"),
    "unclosed": ("<p>No<blockquote>a", "No"),
}


@pytest.mark.parametrize("name", HTML)
def test_html(name: str) -> None:
    source, expected = HTML[name]
    assert shown_text("", source) == expected


LONG = "> We cut LTMY to hold.\n" * 60_000


@pytest.mark.parametrize(
    ("text", "own"),
    [
        (f"{GMAIL}\n{LONG}\nSell all 500.", "Sell all 500."),
        (f"{GMAIL}\n{LONG}\nSell all 500.\n{LONG}", "|Sell all 500."),
        (f"Hi,\n{GMAIL}\n{LONG}Sell all 500.\n{LONG}\nAna", "Hi,|Sell all 500.|Ana"),
        ("I hold for now. " * 60_000 + "Sell all 500.", "I hold|Sell all 500."),
        ("I hold for now.\n" * 60_000 + "Sell all 500.", "I hold|Sell all 500."),
        ("<p>Hi</p><blockquote>" + "<p>We cut</p>" * 90_000 + "</blockquote><p>Sell all 500.</p>", "Hi|Sell all 500."),
        (
            "<blockquote><blockquote>" + "<p>We cut</p>" * 9_000 + "</blockquote></blockquote><p>Sell 500.</p>",
            "Sell 500.",
        ),
        (("<blockquote>" + "<p>We cut</p>" * 90_000 + "</blockquote><p>Sell 500.</p>") * 2, "|Sell 500."),
    ],
    ids=[
        "below",
        "between two",
        "between three",
        "one line",
        "many lines",
        "as a page",
        "deep",
        "between two, as a page",
    ],
)
def test_what_stands_anywhere_in_a_mail_of_any_length_is_read(text: str, own: str) -> None:
    page = text if text.startswith("<") else ""
    reply = InboundReply("d", "email", "ana@x.example", (), "" if page else text, now(), html=page)
    said = quickly(lambda: arrival.read(reply), 2)
    assert all(words in said.shown for words in own.split("|"))
    assert len(said.shown) <= arrival.MOST_SHOWN
    assert "|" in own or said.shown == own


def test_quotations_that_only_the_html_marks() -> None:
    html = "<div>Sell 200</div><blockquote>We cut LTMY</blockquote>"
    assert shown_text("Sell 200\n\nWe cut LTMY", html) == "Sell 200"
    assert shown_text("Sell 200\n\n> We cut LTMY", html) == "Sell 200"


@given(st.text(max_size=300))
def test_anything_gives_something_that_a_database_stores(text: str) -> None:
    shown = shown_text(text)
    assert "\x00" not in shown
    shown.encode()
    assert bool(shown) == bool(text.replace("\x00", "").strip()) or not text.strip("\x00").strip()


@given(st.lists(st.sampled_from(["Buy 500", "> quoted", GMAIL, "", "-- ", "Sent from my iPad", "- one"]), max_size=12))
def test_an_order_is_never_cut_away(lines: list[str]) -> None:
    """Unless it stands in a signature, or in a quotation without marks."""
    text = "\n".join(lines)
    if "Buy 500" in lines and "-- " not in lines and GMAIL not in lines:
        assert own_words(text).count("Buy 500") == lines.count("Buy 500")


@pytest.mark.parametrize(
    "text",
    [
        "On " + "a " * 100_000, "> " * 100_000, "On x\n" * 50_000, "From: a\n" * 50_000, "-" * 200_000,
        ("_" * 30 + "\n") * 6000, "sent from my " + "x" * 200_000, "a:" * 100_000, " " * 200_000, "\n" * 200_000,
        "On 1 wrote\n" * 20_000, "x" * 5_000_000,
        "> a\n" * 100_000, "a " * 500_000 + "\n", "Best regards\nAna\n+1 202 555 0100\n" * 10_000,
        "\n\nThis e-mail is " * 20_000,
        "From: a\n\n" * 50_000, "a wrote on 1" * 50_000, "A | " * 50_000, "t: +" + "1 " * 100_000, "****\n" * 40_000,
        "This e-mail is confidential intended " * 10_000, "A b wrote\n" * 30_000,
    ],
    ids=range(23),
)  # fmt: skip
def test_hostile_text_takes_no_time(text: str) -> None:
    quickly(lambda: shown_text(text), 2)


@pytest.mark.parametrize("html", ["<a" * 200_000, "<blockquote>" * 20_000, "<b>" * 200_000, "<table><tr><td>" * 3000])
def test_hostile_html_takes_no_time(html: str) -> None:
    quickly(lambda: shown_text("", html), 2)
