"""An alert's reference as its author hears and quotes it: its number and four digits that cannot be guessed."""

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
