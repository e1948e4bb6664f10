"""References that people quote to us: a number, and four digits that cannot be guessed.

An alert's is heard and quoted by its author; a conversation's stands in the notice to a representative, and in front
of what they answer to it by text message.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterator
from dataclasses import dataclass

from dispatcher.model.tokens import spoken_digits
from dispatcher.runtime import Runtime

DIGITS = 4
# "471 8302", "#471-8302", "(ref. 471 8302)": with the words and marks around it, so that it can be cut out whole.
_WRITTEN = re.compile(
    r"(?:[(\[] ?)?(?:\b(?:alert|ref|reference|referenz|r[ée]f[ée]rence|meldung|alerte)\b[.:]? ?)?"
    r"(?<![\w.,+-])(?P<mark>#?) ?(?P<number>\d{1,12})(?P<gap>[ \u00a0-]?)(?P<code>\d{4})(?![\w%]|[.,]\d)"
    r"(?: ?[)\]])?[ \t:;,.-]{0,3}",
    re.IGNORECASE,
)
# "#4-8302 Will do", "# 4 - 8302: Will do"; "#4 Will do" and "#4 2024 was better" lack the digits.
_ANSWERS = re.compile(r"\s*#\s*(?P<number>\d{1,12})(?!\w)(?:\s?[\u2010-\u2014-]\s?(?P<code>\d{4})(?!\w))?[\s:,.;-]*")


@dataclass(frozen=True, slots=True)
class Quoted:
    """A number and four digits in a text that may be a reference; `rest` is the text without them."""

    message_id: int
    code: str
    rest: str
    in_front: bool  # the text begins with it


def of(runtime: Runtime, message_id: int) -> str:
    """As it is said and written, e.g. "471 8302"."""
    return f"{message_id} {code_of(runtime, message_id)}"


def code_of(runtime: Runtime, message_id: int) -> str:
    """The four digits."""
    return spoken_digits(runtime.key("reference"), message_id, DIGITS)


def is_right(runtime: Runtime, quoted: Quoted) -> bool:
    """Whether these are the digits of that alert. Whoever asks bounds the tries: there are ten thousand."""
    return hmac.compare_digest(quoted.code, code_of(runtime, quoted.message_id))


def quoted_in(text: str) -> Iterator[Quoted]:
    """Whatever may be a reference in a text, from its beginning on: prices and years among it."""
    for found in _WRITTEN.finditer(text[:20_000]):
        if not found["gap"] and not found["mark"] and text.strip() != found[0].strip():
            continue  # 4718302 amid words is a quantity
        front, back = text[: found.start()], text[found.end() :]
        rest = f"{front.rstrip()} {back.lstrip()}" if front.strip() and back.strip() else front + back
        yield Quoted(int(found["number"]), found["code"], rest.strip(), not front.strip())


# --- of a conversation ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Answer:
    """A text that begins with a conversation's number; its `code` is "" where there is none, `rest` what follows."""

    conversation_id: int
    code: str
    rest: str


def of_conversation(runtime: Runtime, conversation_id: int, staff_id: int) -> str:
    """As it is written in a notice to this member of staff, e.g. "#4-8302"; to everybody else's the digits differ."""
    return f"#{conversation_id}-{_code_of_conversation(runtime, conversation_id, staff_id)}"


def _code_of_conversation(runtime: Runtime, conversation_id: int, staff_id: int) -> str:
    return spoken_digits(runtime.key(f"answers of {staff_id}"), conversation_id, DIGITS)


def answer_in(text: str) -> Answer | None:
    """The conversation that a text names in front; None where it names none."""
    found = _ANSWERS.match(text)
    return Answer(int(found["number"]), found["code"] or "", text[found.end() :]) if found else None


def proves(runtime: Runtime, answer: Answer, staff_id: int) -> bool:
    """Whether its digits are those of the notice to this member of staff. Whoever asks bounds the tries."""
    return hmac.compare_digest(answer.code, _code_of_conversation(runtime, answer.conversation_id, staff_id))
