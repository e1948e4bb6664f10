"""One customer's fields, as a file or the API gives them, read and judged. Used by the import and by the directory."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import time
from functools import cache
from typing import TypeVar

from dispatcher.model import CHANNELS
from dispatcher.runtime import Runtime
from dispatcher.services import local_time
from dispatcher.services.dialable import barred
from dispatcher.services.list_keys import ListKeys

COLUMNS = (
    "customer_id", "name", "firm", "rep_email", "email", "sms", "voice", "fax", "channels", "language", "timezone",
    "quiet_hours", "lists",
)  # fmt: skip
T = TypeVar("T")
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f]")
# Turn what stands beside them round, and are seen by nobody: address books and chats copy them along with names.
_TURNING = re.compile("[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069\ufeff]")
_QUIET = re.compile(r"^(\d{1,2}):(\d{2})\s*[-–]\s*(\d{1,2}):(\d{2})$")
_TAG = re.compile(r"^([a-z]{2})(?:[-_]([a-z]{2}|\d{3}))?$")
# ISO 639-1
_LANGUAGES = (
    "aa ab ae af ak am an ar as av ay az ba be bg bh bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en "
    "eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv "
    "ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne "
    "ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss st "
    "su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)
_KNOWN_LANGUAGES = frozenset(_LANGUAGES.split())


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one field. Unless it `refuses` the whole, the field is left out and the rest is taken."""

    column: str
    text: str
    refuses: bool = False


@dataclass(frozen=True, slots=True)
class CustomerFields:
    """A customer as the directory is to hold them. Addresses are normalised; `rep_id` is None for the firm's rep."""

    key: str
    name: str
    firm: str = ""
    rep_id: int | None = None
    points: Mapping[str, str] = field(default_factory=dict)  # address by channel
    channels: tuple[str, ...] = ()
    language: str = "en"
    timezone: str = "UTC"
    quiet_from: time | None = None
    quiet_until: time | None = None
    lists: frozenset[str] = frozenset()


class Cells:
    """The texts of one row, taken one by one; what is wrong with them is kept in `problems`."""

    def __init__(self, cells: Mapping[str, str]) -> None:
        self._cells = cells
        self.problems: list[Problem] = []

    def text(self, column: str) -> str:
        return _TURNING.sub("", self._cells.get(column, "")).strip()

    def take(self, column: str, read: Callable[[str], T], nothing: T, *, refuses: bool = False) -> T:
        """What `read` makes of the text; `nothing` when it is empty or `read` raises ValueError."""
        text = self.text(column)
        try:
            return read(text) if text else nothing
        except ValueError as error:
            self.wrong(column, f"{quoted(text)} {error}", refuses=refuses)
            return nothing

    def need(self, column: str, read: Callable[[str], str]) -> str:
        """Like `take`, but must be there."""
        if not self.text(column):
            self.wrong(column, "is missing", refuses=True)
        return self.take(column, read, "", refuses=True)

    def take_names(self, column: str, mark: str, allowed: tuple[str, ...], *, refuses: bool = False) -> tuple[str, ...]:
        """The names between the marks, each once; those not allowed are wrong."""
        names = dict.fromkeys(part.strip().lower() for part in self.text(column).split(mark) if part.strip())
        for name in names:
            if name not in allowed:
                self.wrong(column, f"{quoted(name)} is none of {', '.join(allowed)}", refuses=refuses)
        return tuple(name for name in names if name in allowed)

    def wrong(self, column: str, text: str, *, refuses: bool = False) -> None:
        self.problems.append(Problem(column, text, refuses))


def quoted(text: str) -> str:
    """The text as it is shown in a complaint, shortened."""
    return f'"{text if len(text) <= 60 else text[:57] + "..."}"'


def name_of(text: str) -> str:
    """A name on one line. Raises ValueError when it does not fit."""
    text = " ".join(_TURNING.sub("", text).split())
    if len(text) > 200:
        raise ValueError("is longer than 200 characters")
    if _CONTROL.search(text):
        raise ValueError("has a control character in it")
    return text


def key_of(text: str) -> str:
    """A key of a customer or a list. Raises ValueError when it does not fit."""
    if len(text) > 100:
        raise ValueError("is longer than 100 characters")
    if _CONTROL.search(text) or _TURNING.search(text):
        raise ValueError("has a control character in it")
    return text


def address_of(runtime: Runtime, channel: str) -> Callable[[str], str]:
    """Reads an address of a channel; what it returns raises ValueError, also for one to which nothing ever goes."""
    normalise, region = runtime.adapters.channels[channel].normalise, runtime.settings.default_region

    def read(text: str) -> str:
        address = normalise(text, region)
        if why := barred(runtime, channel, address):
            raise ValueError(why)
        return address

    return read


def read_customer(
    runtime: Runtime, reps: Mapping[str, int], keys: ListKeys, row: Mapping[str, str]
) -> tuple[CustomerFields, list[Problem]]:
    """A customer's fields and everything that is wrong with them. `reps` are ids of active reps by mail address,
    `keys` those of the lists that are there or that earlier rows have named."""
    cells = Cells(row)
    quiet = cells.take("quiet_hours", _quiet_hours, None)
    fields = CustomerFields(
        key=cells.need("customer_id", key_of),
        name=cells.need("name", name_of),
        firm=cells.take("firm", name_of, "", refuses=True),
        rep_id=cells.take("rep_email", _one_of(reps), None, refuses=True),
        points=_points(runtime, cells),
        channels=cells.take_names("channels", ">", CHANNELS),
        language=cells.take("language", _language, "en"),
        timezone=cells.take("timezone", _timezone, "UTC"),
        quiet_from=quiet[0] if quiet else None,
        quiet_until=quiet[1] if quiet else None,
        lists=_lists(cells, keys),
    )
    return fields, cells.problems


def _points(runtime: Runtime, cells: Cells) -> dict[str, str]:
    found = {channel: cells.take(channel, address_of(runtime, channel), "") for channel in CHANNELS}
    return {channel: address for channel, address in found.items() if address}


def _lists(cells: Cells, keys: ListKeys) -> frozenset[str]:
    found = set()
    for part in (part.strip() for part in cells.text("lists").split(";")):
        try:
            if part:
                found.add(keys.named(key_of(part)))
        except ValueError as error:
            cells.wrong("lists", f"{quoted(part)} {error}")
    return frozenset(found)


def _one_of(reps: Mapping[str, int]) -> Callable[[str], int | None]:
    def read(text: str) -> int:
        if text.lower() not in reps:
            raise ValueError("is no representative: import staff first, or correct the address")
        return reps[text.lower()]

    return read


def _language(text: str) -> str:
    found = _TAG.match(text.lower())
    if not found or found[1] not in _KNOWN_LANGUAGES:
        raise ValueError("is not a language such as en, de or pt-BR")
    return f"{found[1]}-{found[2].upper()}" if found[2] else found[1]


@cache
def _zones() -> dict[str, str]:
    return {name.lower(): name for name in local_time.names()}


def _timezone(text: str) -> str:
    if text.lower() not in _zones():
        raise ValueError("is not a time zone such as Europe/Berlin")
    return _zones()[text.lower()]


def _quiet_hours(text: str) -> tuple[time, time]:
    found = _QUIET.match(text)
    if not found:
        raise ValueError("are not hours such as 22:00-07:00")
    try:
        begin, end = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    except ValueError:
        raise ValueError("are not times of a day such as 22:00-07:00") from None
    if begin == end:
        raise ValueError("begin and end at the same time")
    return begin, end
