"""Outgoing webhooks: who is told of what happens here."""

from __future__ import annotations

from sqlalchemy.orm import selectinload

from dispatcher.api.calls import JSON, Act, call
from dispatcher.api.paging import page
from dispatcher.api.shapes.common import Page, PageQuery
from dispatcher.api.shapes.hooks import (
    HookChange,
    HookInfo,
    HookMade,
    NewHook,
    PostInfo,
    PostQuery,
    Replay,
    Replayed,
    Secret,
)
from dispatcher.model import Hook, HookPost
from dispatcher.services import hooks

TAG = "Webhooks"


@call(
    "POST", "/hooks", "admin",
    title="Tell an address of what happens from now on",
    about="Posts are signed as Standard Webhooks says, with the secret that is told here alone. They are repeated "
    "until the receiver answers 2xx, so one may come twice, with the same `webhook-id`; their order is not promised.",
    tag=TAG, answers={201: HookMade}, trial=True, location="/hooks/{id}",
)  # fmt: skip
def make_hook(act: Act, body: NewHook) -> HookMade:
    made, secret = hooks.make(act.session, act.runtime, act.staff, body.url, body.events, body.about)
    return HookMade.model_validate({**_fields(made), "secret": secret})


@call("GET", "/hooks", "admin", title="Outgoing webhooks, newest first", tag=TAG, answers={200: Page[HookInfo]})
def list_hooks(act: Act, query: PageQuery) -> Page[HookInfo]:
    chosen = hooks.visible(act.session, act.staff)
    some, following = page(act.session, chosen, Hook.id, limit=query.limit, cursor=query.cursor, newest_first=True)
    return Page(items=[_info(one) for one in some], next_cursor=following)


@call("GET", "/hooks/<row:hook_id>", "admin", title="One of them", tag=TAG, answers={200: HookInfo})
def get_hook(act: Act, hook_id: int) -> HookInfo:
    return _info(hooks.get(act.session, act.staff, hook_id))


@call(
    "PATCH", "/hooks/<row:hook_id>", "admin",
    title="Change it, pause it, go on with it",
    about="Active again, it is told of all that happened meanwhile.",
    tag=TAG, answers={200: HookInfo}, problems=(409,), trial=True,
)  # fmt: skip
def change_hook(act: Act, hook_id: int, body: HookChange) -> HookInfo:
    return _info(hooks.change(act.session, act.runtime, act.staff, hook_id, **body.model_dump()))


@call("DELETE", "/hooks/<row:hook_id>", "admin", title="Tell it nothing more", tag=TAG, answers={204: None})
def end_hook(act: Act, hook_id: int) -> None:
    hooks.end(act.session, act.runtime, act.staff, hook_id)


@call("POST", "/hooks/<row:hook_id>/rotate", "admin", title="Give it a new secret", tag=TAG, answers={200: Secret})
def rotate_hook(act: Act, hook_id: int) -> Secret:
    return Secret(secret=hooks.rotate(act.session, act.runtime, act.staff, hook_id))


@call(
    "POST", "/hooks/<row:hook_id>/test", "admin",
    title="Send it an event that says nothing", tag=TAG, answers={200: HookInfo}, problems=(409,),
)  # fmt: skip
def ping_hook(act: Act, hook_id: int) -> HookInfo:
    hooks.ping(act.session, act.runtime, act.staff, hook_id)
    return _info(hooks.get(act.session, act.staff, hook_id))


@call(
    "GET", "/hooks/<row:hook_id>/posts", "admin",
    title="What it was and is to be told, newest first", tag=TAG, answers={200: Page[PostInfo]},
)  # fmt: skip
def list_posts(act: Act, hook_id: int, query: PostQuery) -> Page[PostInfo]:
    chosen = hooks.posts(act.session, act.staff, hook_id, query.state).options(selectinload(HookPost.event))
    some, following = page(act.session, chosen, HookPost.id, limit=query.limit, cursor=query.cursor, newest_first=True)
    return Page(items=[_post(one) for one in some], next_cursor=following)


@call(
    "POST", "/hooks/<row:hook_id>/replay", "admin",
    title="Tell it again", about="Each event keeps its id. What is on its way already is left alone.",
    tag=TAG, answers={200: Replayed}, kinds=(JSON,), trial=True,
)  # fmt: skip
def replay_hook(act: Act, hook_id: int, body: Replay) -> Replayed:
    return Replayed(posts=hooks.replay(act.session, act.runtime, act.staff, hook_id, **body.model_dump()))


def _fields(one: Hook) -> dict[str, object]:
    return {
        "id": one.id,
        "url": one.url,
        "about": one.about,
        "events": one.events,
        "state": one.state,
        "failing_since": one.failing_since,
        "retry_at": one.retry_at,
        "created_at": one.created_at,
    }


def _info(one: Hook) -> HookInfo:
    return HookInfo.model_validate(_fields(one))


def _post(one: HookPost) -> PostInfo:
    return PostInfo.model_validate(
        {
            "id": one.id,
            "event": one.event.uid,
            "type": one.event.name,
            "state": one.state,
            "tries": one.tries,
            "status": one.status,
            "error": one.error,
            "due_at": one.due_at,
            "sent_at": one.sent_at,
            "created_at": one.event.created_at,
            "body": one.event.body,
        }
    )
