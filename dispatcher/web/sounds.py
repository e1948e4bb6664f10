"""Sounds as telephones and browsers play them: made once, kept, and in memory while many ask for the same."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock
from weakref import WeakValueDictionary

from dispatcher import door
from dispatcher.model import Media
from dispatcher.services import media, sound


class _Turn:
    """Whose turn it is to make one sound; gone with the last who waits for it."""

    def __init__(self) -> None:
        self.lock = Lock()


# A release has a thousand calls ask for one sound within seconds. Ten minutes for telephones are 10 MB.
_MOST = 8
HELD: OrderedDict[str, bytes] = OrderedDict()
_keeping = Lock()
_making: WeakValueDictionary[str, _Turn] = WeakValueDictionary()


def for_telephones(row: Media) -> bytes:
    """The sound for telephones. Raises ValueError where it cannot be read, StateConflict where it was changed."""
    with _keeping:
        turn = _making.setdefault(row.sha256, _Turn())
    with turn.lock:  # it is read, or made, for the first who asks; who asks for another does not wait for it
        made = HELD.get(row.sha256) or _formed(row)
        with _keeping:
            HELD[row.sha256] = made
            HELD.move_to_end(row.sha256)
            while len(HELD) > _MOST:
                HELD.popitem(last=False)
        return made


def _formed(row: Media) -> bytes:
    known = media.made_before(door.db(), door.runtime(), row, "telephone")
    if known is not None:
        return known
    original = row.read()
    made = media.telephone_wav(original)
    if made is not original:
        with door.writer() as session:
            media.keep_form(session, door.runtime(), row.id, "telephone", made)
    return made


def for_browsers(row: Media) -> tuple[bytes, str]:
    """The sound and its media type: the original where browsers play it, else what telephones get.

    Raises StateConflict where it is not what was stored.
    """
    content = row.read()
    if row.media_type != "audio/wav" or sound.is_for_browsers(content):
        return content, row.media_type
    try:
        return for_telephones(row), "audio/wav"
    except ValueError:
        return content, row.media_type
