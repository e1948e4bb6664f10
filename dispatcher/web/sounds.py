"""Sounds as telephones and browsers play them: made once, kept, and in memory while many ask for the same."""

from __future__ import annotations

from collections import OrderedDict
from threading import Lock

from dispatcher import door
from dispatcher.model import Media
from dispatcher.services import media, sound

# A release has a thousand calls ask for one sound within seconds. Ten minutes for telephones are 10 MB.
_MOST = 8
HELD: OrderedDict[str, bytes] = OrderedDict()
_making = Lock()


def for_telephones(row: Media) -> bytes:
    """The sound for telephones. Raises ValueError where it cannot be read, StateConflict where it was changed."""
    with _making:  # it is read, or made, for the first who asks
        if row.sha256 not in HELD:
            HELD[row.sha256] = _formed(row)
            while len(HELD) > _MOST:
                HELD.popitem(last=False)
        HELD.move_to_end(row.sha256)
        return HELD[row.sha256]


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
