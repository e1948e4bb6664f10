"""`Dial`: other telephones rung, the one that answers warned by a whisper and put through."""

import asyncio
from time import time
from typing import TYPE_CHECKING
from urllib.parse import urljoin

from channels.carrier.flow import Flow
from channels.carrier.line import Document, HungUp, Line, Redirected
from channels.carrier.names import sid
from channels.carrier.records import Call
from channels.carrier.twiml import TwimlError, Verb

if TYPE_CHECKING:
    from channels.carrier.switchboard import Switchboard

TALK_SECONDS = 8.0


async def dial(board: "Switchboard", parent: Line, verb: Verb, document: Document) -> dict[str, str]:
    """Ring all numbers at once, bridge the first that takes it; the fields for Dial's action."""
    nouns = verb.children or [Verb("Number", {}, verb.text)]
    caller = verb.attributes.get("callerId") or parent.call.sender
    if caller not in board.carrier.console.numbers | {parent.call.sender, parent.call.to}:
        raise TwimlError(13214, f"Dial: Invalid callerId value {caller}")
    legs = [_leg(board, parent.call, noun, caller, document) for noun in nouns]
    parent.hears({"what": "ringing", "to": [leg.call.to for leg in legs]})
    tasks = {
        asyncio.create_task(_offer(board, leg, noun, document, float(verb.number("timeout", 30)))): leg
        for leg, noun in zip(legs, nouns, strict=True)
    }
    try:
        taken = await _first_taken(parent, tasks)
        if taken is None:
            # Somebody who declined the whisper had answered: the vendor calls that completed, yet not bridged.
            last = legs[0].call
            status = "canceled" if last.live else last.status
            result = {"DialCallStatus": status, "DialCallSid": last.sid, "DialBridged": "false"}
        else:
            seconds = await _talk(board, parent, taken, verb)
            result = {
                "DialCallStatus": "completed", "DialCallSid": taken.call.sid,
                "DialCallDuration": str(seconds), "DialBridged": "true",
            }  # fmt: skip
    finally:
        for task in tasks:
            task.cancel()
        for leg in legs:
            board.lines.pop(leg.call.sid, None)
            board.close(leg.call, "completed" if leg.call.answered else "canceled")
        parent.hears(None)
    parent.note("dialed", to=[leg.call.to for leg in legs], status=result["DialCallStatus"], bridged=taken is not None)
    return result


def _leg(board: "Switchboard", parent: Call, noun: Verb, caller: str, document: Document) -> Line:
    now = time()
    events = noun.attributes.get("statusCallbackEvent", "completed").split()
    callback = noun.attributes.get("statusCallback", "")
    asked = {"StatusCallback": urljoin(document.url, callback)} if callback else {}
    call = Call(
        sid=sid("CA"), to=noun.text, sender=caller, direction="outbound-dial", status="queued", created=now,
        updated=now, parent=parent.sid, asked=asked, events=events,
    )  # fmt: skip
    line = Line(board.carrier, call, board.carrier.behaviours.of("voice", call.to))
    board.carrier.book.add_call(call)
    board.lines[call.sid] = line
    parent.legs.append(call.sid)
    return line


async def _offer(board: "Switchboard", leg: Line, noun: Verb, document: Document, timeout: float) -> bool:
    """Ring one; after its whisper, whether it may be put through."""
    outcome = await board.ring(leg, timeout)
    if outcome != "answered":
        board.close(leg.call, outcome)
        return False
    url = noun.attributes.get("url")
    if not url:
        return True
    try:
        method = noun.attributes.get("method", "POST").upper()
        whisper = await board.fetch(leg.call, urljoin(document.url, url), method, {})
        if await Flow(board, leg, whisper=True).run(whisper):
            return True
    except TwimlError as trouble:
        board.complain(leg.call, trouble)
    except HungUp:
        pass
    board.close(leg.call, "completed")
    return False


async def _first_taken(parent: Line, tasks: dict[asyncio.Task[bool], Line]) -> Line | None:
    waiting: set[asyncio.Task[bool]] = set(tasks)
    gone = asyncio.create_task(_until_gone(parent))
    try:
        while waiting:
            done, _ = await asyncio.wait({*waiting, gone}, return_when=asyncio.FIRST_COMPLETED)
            if gone in done:
                return None
            for task in [task for task in waiting if task in done]:
                waiting.discard(task)
                if task.result():
                    return tasks[task]
        return None
    finally:
        gone.cancel()


async def _until_gone(parent: Line) -> None:
    try:
        await parent.wait(14400)
    except (HungUp, Redirected):
        return


async def _talk(board: "Switchboard", parent: Line, leg: Line, verb: Verb) -> int:
    """Both ends are one conversation until either hangs up; its simulated seconds."""
    began = time()
    for line, other in ((parent, leg), (leg, parent)):
        line.hears({"what": "talking", "with": other.call.to if line is parent else other.call.sender})
    limit = float(verb.number("timeLimit", 14400))
    talk = limit if leg.touched or leg.mode == "manual" else float(leg.behaviour.get("talk_seconds", TALK_SECONDS))
    star = verb.attributes.get("hangupOnStar") == "true"
    ends = [
        asyncio.create_task(_side(parent, limit, star)),
        asyncio.create_task(_side(leg, min(limit, talk), False)),
    ]
    await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for task in ends:
        task.cancel()
    return round((time() - began) * board.carrier.speed)


async def _side(line: Line, seconds: float, star: bool) -> None:
    try:
        if line.script and line.script[0].get("hangup"):
            line.script.popleft()
            await line.wait(2)
            line.hang_up()
            return
        await line.wait(seconds, lambda: star and "*" in line.keys)
    except (HungUp, Redirected):
        return
