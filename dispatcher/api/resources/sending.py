"""Sending itself: paused or not, what waits, the caps; and a delivery sent once more by order of a person."""

from __future__ import annotations

from dispatcher.api.calls import Act, call
from dispatcher.api.shapes.sending import (
    CapInfo,
    NewPause,
    PauseInfo,
    ResendOrder,
    Resent,
    Resumption,
    SendingInfo,
    WaitingInfo,
)
from dispatcher.services import caps, pause, resend

TAG = "Sending"


@call(
    "GET", "/sending", "admin",
    title="Whether sending is paused, what waits, and how much of the caps is used",
    tag=TAG, answers={200: SendingInfo},
)  # fmt: skip
def get_sending(act: Act) -> SendingInfo:
    return _state(act)


@call(
    "POST", "/sending/pause", "admin",
    title="Stop sending to customers",
    about="Nothing more starts; what is on its way stays so. Letters to staff still go out.",
    tag=TAG, answers={200: SendingInfo}, problems=(409,),
)  # fmt: skip
def pause_sending(act: Act, body: NewPause) -> SendingInfo:
    pause.begin(act.session, act.runtime, act.staff, body.reason)
    return _state(act)


@call(
    "POST", "/sending/resume", "admin",
    title="Send on",
    about="What waits goes out. Look at `GET /sending` first: it says what that is.",
    tag=TAG, answers={200: SendingInfo}, problems=(409,),
)  # fmt: skip
def resume_sending(act: Act, body: Resumption) -> SendingInfo:
    pause.resume(act.session, act.runtime, act.staff, look_up=body.look_up)
    return _state(act)


@call(
    "POST", "/deliveries/<row:delivery_id>/resend", "rep", "admin",
    title="Send a delivery once more that failed or that nobody can say anything of",
    about="An order of a person, on record. For administrators, and for the representative of all whom it is for. "
    "409 where it is on its way, has arrived, or may not be sent any more. Give an Idempotency-Key.",
    tag=TAG, answers={200: Resent}, problems=(409,),
)  # fmt: skip
def resend_delivery(act: Act, delivery_id: int, body: ResendOrder) -> Resent:
    one = resend.resend(act.session, act.runtime, act.staff, delivery_id, call_again=body.call_again)
    return Resent(id=one.id, message=one.message_id, channel=one.channel, state=one.state, due_at=one.due_at)


def _state(act: Act) -> SendingInfo:
    standing = pause.in_force(act.session)
    return SendingInfo(
        pause=PauseInfo.model_validate(standing, from_attributes=True) if standing else None,
        waiting=[
            WaitingInfo(
                message=one.message_id,
                subject=one.subject,
                state=one.state,
                channel=one.channel or None,
                deliveries=one.count,
            )
            for one in pause.waiting(act.session, act.runtime)
        ],
        letters_waiting=pause.letters_waiting(act.session),
        caps=[CapInfo.model_validate(one, from_attributes=True) for one in caps.uses(act.session, act.runtime)],
    )
