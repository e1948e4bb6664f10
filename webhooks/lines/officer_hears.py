"""What an officer hears: whose alert it is, for whom, the words that customers get, and what has come of it."""

from __future__ import annotations

import math
from datetime import datetime
from xml.sax.saxutils import escape

from approvals import review, written
from approvals.review import Heard
from dispatcher.model import Decision, Message
from dispatcher.model.telephone import Play, Say
from dispatcher.services import languages
from webhooks.lines import hearing
from webhooks.lines.talking import Line

SLOW = 60.0  # a forecast in seconds from which on it is worth a sentence
# Of one document, in bytes; the vendors' adapters cut what is longer, and a cut alert is not heard whole.
MOST_SAID, _TAG = 50_000, 70


def about(line: Line, heard: Heard) -> tuple[Say, ...]:
    """The author, how long it has waited, the lists and the customers, and what is out of the ordinary."""
    version, message = heard.version, heard.version.message
    since = line.runtime.now() - (message.submitted_at or message.created_at)
    minutes = int(since.total_seconds() // 60)
    ago = "officer now" if minutes < 2 else "officer minutes" if minutes < 120 else "officer hours"
    [when] = line.say(ago, count=minutes if minutes < 120 else minutes // 60)
    said = [
        *(line.say("officer urgent") if version.urgency == "urgent" else ()),
        *line.say("officer about", number=message.id, author=message.author.name, when=when.text),
    ]
    if version.number > 1:
        said += line.say("officer version", number=version.number, editor=version.editor.name)
    if written.is_unproven(version):
        said += line.say("officer unproven")
    if heard.like:
        said += line.say("officer like", number=heard.like)
    said += _whom(line, heard)
    if heard.seconds >= SLOW:
        said += line.say("officer slow", minutes=math.ceil(heard.seconds / 60))
    if heard.release_at:
        said += line.say("officer later", when=clock(heard.release_at))
    return tuple(said)


def _whom(line: Line, heard: Heard) -> tuple[Say, ...]:
    lists = ", ".join(one.name for one in heard.version.lists)
    if heard.recipients == 0:
        return line.say("officer nobody", lists=lists)
    ways = [line.say(f"officer {channel}", count=count)[0].text for channel, count in heard.by_channel.items() if count]
    how_many = "officer whom" if heard.recipients > 1 else "officer whom one"
    said = line.say(how_many, lists=lists, count=heard.recipients, ways=", ".join(ways))
    if heard.unreachable:
        others = "officer out of reach" if heard.unreachable > 1 else "officer out of reach one"
        said += line.say(others, count=heard.unreachable)
    return said


def alert(line: Line, heard: Heard) -> tuple[Say | Play, ...]:
    """The subject, the recording, the text, and the names of what cannot be heard."""
    version = heard.version
    language = languages.voice_for(f"{version.subject}\n{version.text}", version.editor.language)
    text = tuple(Say(paragraph, language) for paragraph in heard.text)
    said: list[Say | Play] = [Say(heard.version.subject, language)]
    if heard.recording_id is not None:
        token = line.runtime.token("media", heard.recording_id)
        said.append(Play(f"{line.runtime.settings.public_url}/audio/{token}.wav"))
        said += [*line.say("officer text"), *text] if text else ()
    else:
        said += text
    if heard.version.attachments:
        names = ", ".join(one.name for one in heard.version.attachments)
        said += line.say("officer attached", names=names)
    return tuple(said)


def clock(at: datetime) -> str:
    """A moment, as it is said."""
    return f"{at:%Y-%m-%d, %H:%M} UTC"


def is_too_long(heard: Heard) -> bool:
    """Whether one call cannot hold its words: it is to be read on the page."""
    texts = [heard.version.subject, *heard.text, *(one.name for one in heard.version.attachments)]
    return sum(_TAG + len(escape(text).encode()) for text in texts) > MOST_SAID


def was_whole(line: Line, message: Message, began: int, *, by_key: bool) -> bool:
    """Whether all of it can have been played since `began`."""
    heard = review.heard_of(line.session, line.runtime, message)
    said = hearing.letters((*about(line, heard), *alert(line, heard)))
    return not is_too_long(heard) and hearing.was_whole(
        line.runtime, said, heard.recording_seconds, began, by_key=by_key
    )


def approved(line: Line, made: Decision) -> tuple[Say, ...]:
    """That it is approved, and what follows."""
    heard = review.heard_of(line.session, line.runtime, made.message)
    if heard.release_at:
        return line.say("officer approved later", when=clock(heard.release_at))
    return line.say("officer approved" if heard.recipients != 1 else "officer approved one", count=heard.recipients)


def why_not(line: Line) -> tuple[Say, ...]:
    """Why there is nothing to decide on the alert of this call."""
    message = line.call.message
    number = message.id if message else 0
    who = review.decided_by(message) if message else None
    if who is not None:
        return line.say("officer decided", name=who.name, number=number)
    barred = message is not None and message.state == "pending"
    return line.say("officer barred" if barred else "officer gone", number=number)
