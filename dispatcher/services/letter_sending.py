"""Sends one letter: a notice to staff, a rep's response to a customer, a confirmation."""

from __future__ import annotations

import html
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from dispatcher.bells import commit
from dispatcher.model import Attempt, Letter
from dispatcher.model.delivery import WAITING
from dispatcher.model.ports import PREFS_TAG, REPLY_TAG, Content, Outbound, Outcome, Provider, Rendition
from dispatcher.runtime import Runtime
from dispatcher.services import caps, confirmations, dialling, lag, outcomes, pause, poison, rings, suppressions, tasks
from dispatcher.services.circuit import Circuit, Out
from dispatcher.services.lease import Lease, lease_of
from dispatcher.services.limits import channel_rate
from dispatcher.services.once import clean
from dispatcher.services.places import Passage, Places
from dispatcher.services.recorder import Recorder

PAUSED_FOR = timedelta(seconds=30)
# After a provider's rest one letter tries it; the others look again so much later.
TRIAL_FOR = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Ready:
    content: Content
    outbound: Outbound
    lease: Lease


async def send_letter(runtime: Runtime, letter_id: int) -> bool:
    """Send the letter if it is due; False when there was nothing to do. Rung twice, it is sent once."""
    # Looked at first: a choice may be the one trial of a provider, which nothing to send must not use up.
    channel = await runtime.aside(_due_on, runtime, letter_id)
    if channel is None:
        return False
    circuit = Circuit(runtime, channel)
    choice = await circuit.choose()
    if choice.out is not None:
        await runtime.aside(_put_off, runtime, letter_id, choice.out)
        return False
    ready = await runtime.aside(_claim, runtime, letter_id, choice.provider)
    if ready is None or choice.provider is None:
        return False
    provider = choice.provider
    await channel_rate(runtime, channel, provider.limits).wait_for_one()

    def write(session: Session, some: list[Outcome]) -> None:
        outcomes.settle(session, runtime, channel, Letter, some)
        if out := circuit.learn(provider.name, some):
            tasks.alarm(session, runtime, channel, f"{provider.name} is out: {out}")

    def keep(session: Session, _left: list[str]) -> None:
        session.execute(
            update(Letter).where(Letter.id == letter_id).values(lease_until=runtime.now() + lease_of(runtime))
        )

    async with Places(runtime, provider.limits).held(1) as places, Recorder(runtime, write, keep) as recorder:
        gate = Passage(places, ready.lease)
        content = replace(ready.content, gate=gate)
        await recorder.follow([ready.outbound.attempt], lambda: provider.send(content, [ready.outbound]))
    return True


def _due_on(runtime: Runtime, letter_id: int) -> str | None:
    with runtime.reader() as session:
        return session.scalar(select(Letter.channel).where(*_is_due(letter_id, runtime.now())))


def _is_due(letter_id: int, now: datetime) -> tuple[ColumnElement[bool], ...]:
    return Letter.id == letter_id, Letter.state.in_(WAITING), Letter.due_at <= now


def _held(session: Session, letter_id: int, now: datetime) -> Letter | None:
    """The letter, if it is due and nobody else has it."""
    return session.scalar(select(Letter).where(*_is_due(letter_id, now)).with_for_update(skip_locked=True))


def _put_off(runtime: Runtime, letter_id: int, out: Out) -> None:
    """All providers are out: not due until the first is back, so that the sweep finds what can be sent."""
    now = runtime.now()
    back = max(datetime.fromtimestamp(out.until, UTC), now + TRIAL_FOR)
    with runtime.sessions() as session:
        letter = _held(session, letter_id, now)
        if letter is not None:
            letter.due_at, letter.error = back, clean(f"held: {letter.channel} is out: {out.why}", 300)
            lag.ring_next(session, letter)
            commit(session, runtime.bells)


def _claim(runtime: Runtime, letter_id: int, provider: Provider | None) -> _Ready | None:
    """The letter with its attempt, committed; None where it is not sent now, and why has been written down."""
    with runtime.sessions() as session:
        letter = _held(session, letter_id, runtime.now())
        if letter is None:
            return None
        lag.ring_next(session, letter)
        may_leave = _may_leave(session, runtime, letter, provider)
        ready = _start(session, runtime, letter, provider) if may_leave and provider is not None else None
        commit(session, runtime.bells)
        return ready


def _may_leave(session: Session, runtime: Runtime, letter: Letter, provider: Provider | None) -> bool:
    """False where it ends here, or waits for the end of a pause."""
    now = runtime.now()
    overtaken = not (lag.still_true(session, letter) and rings.still_true(session, letter))
    if overtaken or confirmations.is_stale(session, runtime, letter):
        letter.state, letter.settled_at, letter.due_at = "cancelled", now, None
    elif provider is None:
        letter.state, letter.settled_at, letter.due_at = "failed", now, None
        letter.error = f"no provider is configured for {letter.channel}"
        outcomes.hand_back(session, runtime, letter, letter.error)
        tasks.alarm(session, runtime, letter.channel, letter.error)
    elif rings.must_wait(session, runtime, letter):
        pass  # it is due again
    elif why := dialling.refuse_letter(session, runtime, letter):
        letter.state, letter.settled_at, letter.due_at, letter.error = "failed", now, None, why[:300]
        outcomes.hand_back(session, runtime, letter, why)
    elif suppressions.against(session, letter) is not None:
        letter.state, letter.settled_at, letter.due_at = "suppressed", now, None
        outcomes.hand_back(session, runtime, letter, "they asked not to be reached so")
    elif letter.customer_id is not None and pause.in_force(session) is not None:
        # What goes to customers waits; staff are told all the same. A resume makes it due at once.
        letter.due_at, letter.error = now + PAUSED_FOR, "held: sending is paused"
    else:
        return True
    return False


def _start(session: Session, runtime: Runtime, letter: Letter, provider: Provider) -> _Ready | None:
    """Its attempt; None where it cannot be composed, or a cap holds it."""
    try:
        content, outbound = content_of(runtime, letter), _outbound(runtime, letter)
    except Exception as error:  # whatever composing raises: the letter is to blame, and the others go on
        poison.stumbled(session, runtime, letter, error)
        return None
    if letter.customer_id is not None and not caps.room(session, runtime, letter.channel, 1):
        caps.hold_letter(session, runtime, letter)
        return None
    if letter.customer_id is None and not dialling.may_call_staff(session, runtime, letter):
        letter.state, letter.settled_at, letter.due_at = "failed", runtime.now(), None
        letter.error = "called as often as a cap allows"
        outcomes.hand_back(session, runtime, letter, letter.error)
        return None
    now = runtime.now()
    letter.state, letter.tries, letter.due_at = "sending", letter.tries + 1, None
    letter.lease_until = now + lease_of(runtime)
    session.add(
        Attempt(id=outbound.attempt, letter_id=letter.id, n=letter.tries, provider=provider.name, started_at=now)
    )
    rings.note_start(session, runtime, letter)
    return _Ready(content, outbound, Lease(runtime))


def _outbound(runtime: Runtime, letter: Letter) -> Outbound:
    attempt_id = runtime.new_id()
    return Outbound(
        attempt_id,
        letter.address,
        reply_token=runtime.token("letter", letter.id),
        prefs_token=runtime.token("customer", letter.customer_id) if letter.customer_id else "",
    )


def content_of(runtime: Runtime, letter: Letter) -> Content:
    """The letter as it leaves. Answers to it come back to `staff+…` or, from customers, `conv+…`."""
    settings = runtime.settings
    whose = "staff" if letter.staff_id else "conv"
    reply_to = f"{whose}+{REPLY_TAG}@{settings.inbound_email_domain}" if settings.inbound_email_domain else ""
    paragraphs = "".join(
        f"<p>{html.escape(part).replace(chr(10), '<br>')}</p>" for part in letter.text.split("\n\n") if part.strip()
    )
    sender = f"{letter.sender_name}, {settings.firm_name}" if letter.sender_name else settings.firm_name
    return Content(
        rendition=Rendition(
            subject=letter.subject or f"{settings.firm_name}",
            text=letter.text,
            html=f'<div style="font-family:sans-serif;font-size:16px;line-height:1.5">{paragraphs}</div>',
        ),
        sender_name=sender,
        reply_to=reply_to,
        unsubscribe_url=f"{settings.public_url}/p/{PREFS_TAG}/one-click" if _ends_by_click(letter) else "",
        category=f"letter-{letter.id}",
        auto_submitted=_auto_submitted(letter),
    )


def _ends_by_click(letter: Letter) -> bool:
    """Whether it carries the customer's own link to unsubscribe: a response by mail, if to an address of theirs."""
    customer = letter.customer if letter.kind == "response" and letter.channel == "email" else None
    points = customer.contact_points if customer else ()
    return any(point.channel == "email" and point.address == letter.address for point in points)


def _auto_submitted(letter: Letter) -> str:
    """By which other machines know not to answer it; a response is a person's."""
    if letter.kind == "response":
        return ""
    return "auto-replied" if caps.is_answer(letter) else "auto-generated"
