"""A small bank whose analyst writes alerts by mail and text, and has dictated some."""

from __future__ import annotations

import base64
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from approvals import submission
from channels.carrier.inbound_mail import compose, form
from dispatcher import jobs
from dispatcher.model import DistributionList, Letter, Message, Recording, Staff, StaffCall
from tests.webhooks.world import SECRET, World

ANALYST, PHONE = "analyst@bank.example", "+12025550177"
ALERTS = "alerts@in.bank.example"


def equip(world: World) -> World:
    with world.runtime.sessions() as session:
        analyst = session.get_one(Staff, world.bank.ids["analyst"])
        analyst.phone, analyst.channels = PHONE, ["email", "sms"]
        session.add(DistributionList(key="12", name="Number Twelve"))
        session.commit()
    return world


def work(world: World) -> None:
    """What the workers do with all that was rung for, but the letters."""
    world.work()
    while due := [ring for ring in world.bank.bells.rings if ring[1] == "take_alert"]:
        world.bank.bells.rings = [ring for ring in world.bank.bells.rings if ring not in due]
        jobs.configure(world.runtime)
        for _, _, ids in due:
            jobs.take_alert(int(ids[0]))


def by_mail(world: World, text: str, subject: str = "Downgrade", to: str = ALERTS, **more: Any) -> None:
    assert world.mail(more.pop("sender", ANALYST), to, text, subject, **more).status_code < 300
    work(world)


def by_text(world: World, text: str, sender: str = PHONE, **more: Any) -> None:
    assert world.sms(sender, text, **more).status_code < 300
    work(world)


def with_files(world: World, *files: tuple[str, str, bytes], text: str = "We cut LTMY.", html: str = "") -> None:
    attached = [
        {"filename": name, "type": kind, "content": base64.b64encode(content).decode()} for name, kind, content in files
    ]
    mail = compose(
        {"from": ANALYST, "to": ALERTS, "subject": "[semis] Cut", "text": text, "html": html, "attachments": attached}
    )
    body, kind = form(mail)
    password = base64.b64encode(f"inbound:{SECRET}".encode()).decode()
    answer = world.client.post(
        "/webhooks/sendgrid/inbound", data=body, content_type=kind, headers={"Authorization": f"Basic {password}"}
    )
    assert answer.status_code < 300
    work(world)


def messages(world: World) -> list[Message]:
    with world.runtime.sessions() as session:
        found = list(session.scalars(select(Message).order_by(Message.id)))
        for one in found:  # read while the session is open
            _ = [(v.lists, v.attachments, v.recording) for v in one.versions]
        return found


def draft(world: World) -> Message:
    (one,) = messages(world)
    assert (one.state, one.author_id) == ("draft", world.bank.ids["analyst"])
    return one


def keys(message: Message) -> list[str]:
    return [one.key for one in message.current.lists]


def letters(world: World, kind: str = "draft") -> list[Letter]:
    return world.letters(kind)


def dictated(world: World, *, text: str = "", minutes_ago: float = 5, **call: Any) -> int:
    """An alert dictated by the analyst, kept as a draft: the id of its message."""
    with world.runtime.sessions() as session:
        analyst = session.get_one(Staff, world.bank.ids["analyst"])
        message = submission.create(
            session, world.runtime, analyst, world.bank.submission(text=text, lists=["semis"]), draft=True, via="phone"
        )
        at = world.runtime.now() - timedelta(minutes=minutes_ago)
        made = {"staff_id": analyst.id, "proven_at": at, "ended_at": at, "message_id": message.id, "lists": [], **call}
        row = StaffCall(provider="twilio", call_ref=f"CA{message.id}", number=PHONE, **made)
        session.add(row)
        session.flush()
        session.add(
            Recording(provider="twilio", ref=f"RE{row.id}", purpose="alert", staff_call_id=row.id, state="kept")
        )
        session.commit()
        return message.id
