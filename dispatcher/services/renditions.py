"""What each channel will carry of a version, exactly as it is approved and sent; only the tags are replaced.

It is composed once, when the version is written, and kept with it: what settings, standing words or a newer Dispatcher
would make of it later is not what was approved.
"""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from dispatcher.model import Message, Version
from dispatcher.model.errors import StateConflict
from dispatcher.model.ports import CODE_TAG, PREFS_TAG, REPLY_TAG, Content, Draft, File, Rendition
from dispatcher.runtime import Runtime
from dispatcher.services import languages


def draft_of(runtime: Runtime, version: Version) -> Draft:
    """What the channels compose from. The URLs hold tags: each customer has their own."""
    settings = runtime.settings
    return Draft(
        firm=settings.firm_name,
        subject=version.subject,
        text=version.text,
        author=version.message.author.name,
        recording_seconds=_seconds(version),
        attachment_names=tuple(part.name for part in version.attachments),
        reply_url=f"{settings.public_url}/r/{REPLY_TAG}",
        prefs_url=f"{settings.public_url}/p/{PREFS_TAG}?a={version.message.id}",
        phone=settings.customer_line,
        fax=settings.fax_line,
        code=CODE_TAG if settings.customer_line else "",
        urgent=_urgent(version),
        language=languages.of_words(f"{version.subject}\n{version.text}") or languages.DEFAULT,
    )


def _urgent(version: Version) -> bool:
    return version.urgency == "urgent"


def _seconds(version: Version) -> float | None:
    # A recording always counts as one, however short: channels ask whether there is a length.
    return max(version.recording.seconds or 0.0, 1.0) if version.recording else None


def to_keep(runtime: Runtime, version: Version) -> dict[str, Any]:
    """What a version keeps from the moment it is written: for every channel, whether it has a provider or not."""
    return {name: asdict(one) for name, one in _composed(runtime, version).items()}


def _composed(runtime: Runtime, version: Version) -> dict[str, Rendition]:
    draft = draft_of(runtime, version)
    return {name: channel.compose(draft) for name, channel in runtime.adapters.channels.items()}


def for_channels(runtime: Runtime, version: Version) -> dict[str, Rendition]:
    """The renditions of all channels that it may leave by, but for those of `unreadable`."""
    kept = version.renditions
    if kept is None:
        return _composed(runtime, version)
    found = {name: _read(kept[name]) for name in runtime.adapters.channels if name in kept}
    return {name: one for name, one in found.items() if one is not None}


def unreadable(runtime: Runtime, version: Version) -> list[str]:
    """The channels whose rendition another Dispatcher has written in a way that this one does not know."""
    kept = version.renditions or {}
    return [name for name in runtime.adapters.channels if name in kept and _read(kept[name]) is None]


def for_channel(runtime: Runtime, version: Version, channel: str) -> Rendition:
    """The rendition of one channel: what the version keeps, or, of one written before versions kept any, composed now.

    Raises StateConflict where it keeps others, but none for this channel, which nobody has approved; and where this
    one is of the `unreadable`.
    """
    kept, message = version.renditions, version.message
    if kept is None:
        return runtime.adapters.channels[channel].compose(draft_of(runtime, version))
    if channel not in kept:
        raise StateConflict(f"message {message.id} was not written for {channel}", state=message.state)
    found = _read(kept[channel])
    if found is None:
        why = f"what message {message.id} keeps for {channel} cannot be read"
        raise StateConflict(why, state=message.state)
    return found


def _read(kept: dict[str, Any]) -> Rendition | None:
    try:
        return Rendition(**kept)
    except TypeError:
        return None


def content_for(session: Session, runtime: Runtime, message: Message, channel: str) -> Content:
    """Rendition and envelope of a message's current version, as a provider takes it.

    Raises StateConflict where it has no rendition for the channel that can be read, and when the bytes of an attachment
    are not those that were approved.
    """
    version = message.current
    domain = runtime.settings.inbound_email_domain
    mail, rendition = channel == "email", for_channel(runtime, version, channel)
    return Content(
        rendition=rendition,
        sender_name=rendition.sender or runtime.settings.firm_name,
        reply_to=f"reply+{REPLY_TAG}@{domain}" if mail and domain else "",
        unsubscribe_url=f"{runtime.settings.public_url}/p/{PREFS_TAG}/one-click?a={message.id}" if mail else "",
        attachments=_files(version) if mail else (),
        category=f"message-{message.id}",
        urgent=_urgent(version),
        valid_for=seconds_left(runtime, message.valid_until) if message.released_at else message.valid_for,
    )


def _files(version: Version) -> tuple[File, ...]:
    files = []
    for part in version.attachments:
        if not part.media.intact:
            raise StateConflict(f"the attachment {part.name} is not what was approved", state=version.message.state)
        files.append(File(part.name, part.media.media_type, part.media.content))
    return tuple(files)


def seconds_left(runtime: Runtime, until: datetime | None) -> int | None:
    """Of the time in which a delivery may still start; at least one, for what is due is decided elsewhere."""
    return None if until is None else max(1, int((until - runtime.now()).total_seconds()))
