"""What the carriers act on, and that a dealing desk says stop, cancel and end all day long."""

from __future__ import annotations

import pytest

from dispatcher.services.keywords import wish_of
from dispatcher.services.understanding import of_words

STOP = """
STOP | stop | Stop. | "Stop" | STOP! | StopAll | STOP ALL | unsubscribe | UNSUBSCRIBE please
cancel | CANCEL | End | quit | Quit. | revoke | optout | opt out | Opt-out | please stop | Stop please | Please stop.
stop texting me | STOP CALLING ME
Please remove me from your list | remove me from this list, thanks | take me off your list | Don't text me again
dont call me anymore | Do not contact me | No more texts | no more messages please | I want to unsubscribe
I revoke my consent | Unsubscribe me | leave me alone | Abmelden | bitte abmelden | Bitte melden Sie mich ab | Stopp
Keine Nachrichten mehr, bitte | désabonner | Désabonnez-moi s'il vous plaît | Arrêtez | ARRET | plus d'appels
baja | Darme de baja por favor | no más mensajes | S T O P | s.t.o.p! | Cancellami | Afmelden | СТОП | إلغاء الاشتراك
إيقاف | 退订 | 取消訂閱 | 停止 | 수신거부
"""
ORDINARY = """
stop loss at 42 | Stop loss 41.50 GTC | cancel my order | Cancel the 500 | cancel please | please cancel | Cancel LTMY
end of quarter | by end of day | quit the position | stop buying | stop at 40 | Stop limit 39 | do not stop | don't stop
non-stop | stop by our office | when does it end? | unsubscribed funds? | revoke the order | remove the limit
remove me from the TSMC position | no more than 500 | no more | take profit | opt for 500 | ok | call me
Is this the end? | stop and reverse | Stoppt LTMY bei 40 | Kein Limit mehr | arrêtez la position | put a stop in
I want to stop out at 40 | call, don't text | please call me, do not text me the price | start buying | start at 40
2 5 0 0 | s e l l | إلغاء الأمر | 停止买入 | стоп лосс 42
"""
START = "START | start | Unstop | UNSTOP please | opt in | subscribe"


def cases(table: str) -> list[str]:
    return [part.strip() for line in table.splitlines() for part in line.split("|") if part.strip()]


def kind(channel: str, text: str, **more: str) -> str:
    return of_words(channel, text, **more).kind


@pytest.mark.parametrize("text", cases(STOP))
def test_stop(text: str) -> None:
    assert kind("sms", text) == "opt-out"


@pytest.mark.parametrize("text", cases(ORDINARY))
@pytest.mark.parametrize("channel", ["sms", "email", "fax"])
def test_ordinary(channel: str, text: str) -> None:
    assert kind(channel, text) != "opt-out"
    assert wish_of(channel, text) == ""


@pytest.mark.parametrize("text", ["cancel", "End", "quit", "YES", "Cancel."])
def test_what_only_carriers_take_for_a_wish(text: str) -> None:
    assert wish_of("email", text) == ""
    assert wish_of("sms", text) in ("stop", "start")
    assert kind("email", text) == "other"
    assert kind("sms", text) in ("opt-out", "opt-in")


@pytest.mark.parametrize("text", cases(START))
def test_start(text: str) -> None:
    assert kind("sms", text) == "opt-in"


@pytest.mark.parametrize(
    ("subject", "text", "expected"),
    [
        ("Unsubscribe", "", "opt-out"),
        ("unsubscribe", "Unsubscribe", "opt-out"),
        ("Unsubscribe me please", "Thanks, Ana", "opt-out"),
        ("Re: Downgrade", "unsubscribe", "opt-out"),
        ("Re: Downgrade", "Please remove me from your mailing list.", "opt-out"),
        ("Unsubscribe", "I have a question about LTMY", "question"),
        ("Sell 500 LTMY", "", "order"),
        ("Re: Stop", "", "other"),
        ("Stop loss", "", "other"),
        ("Re: Downgrade", "stop loss at 42", "order"),
        ("Re: Downgrade", "", "other"),
    ],
)
def test_mail(subject: str, text: str, expected: str) -> None:
    assert kind("email", text, subject=subject) == expected


def test_the_carriers_word_counts_for_texts() -> None:
    assert kind("sms", "Stop ok?", keyword="stop") == "opt-out"
    assert of_words("sms", "STOP", keyword="stop").by == "provider"
    assert kind("email", "Cancel", keyword="stop") == "other"
    assert kind("sms", "HELP", keyword="help") == "other"


WRONG = """
Wrong number | wrong number! | Sorry, wrong number | You have the wrong number. | wrong person | Falsche Nummer
Mauvais numéro | Número equivocado | This is not Bob | I'm not Bob Stone | not Bob's phone | i am not Stone
no longer Bob's number | Ich bin nicht Bob | this is not Bob anymore
"""
RIGHT = """
the wrong number of shares | wrong price | I am not sure | not interested | no longer long LTMY | I am not Ana
this is not what I asked for | you have the wrong number in row 3 of the table | not Bob but 500
"""


@pytest.mark.parametrize("text", cases(WRONG))
def test_wrong_person(text: str) -> None:
    assert kind("sms", text, name="Bob Stone") == "wrong-person"


@pytest.mark.parametrize("text", [*cases(RIGHT), "", "Bob", "x" * 10_000])
def test_right_person(text: str) -> None:
    assert kind("sms", text, name="Bob Stone") != "wrong-person"
    assert kind("sms", text) != "wrong-person"
