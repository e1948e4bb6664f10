"""Search over conversations."""

from __future__ import annotations

from dispatcher.api.calls import Act, call
from dispatcher.api.paging import decode, encode
from dispatcher.api.shapes.common import Page
from dispatcher.api.shapes.remembered import MarkedInfo, SearchHit, SearchQuery
from dispatcher.services import search


@call(
    "GET", "/search",
    title="Find what was said",
    about="Replies and responses, newest first, of the conversations that one may see; then, once each, the alerts and "
    "the conversations that are only called so. What customers said by telephone is found by the words a machine wrote "
    "down.",
    tag="Inbox", answers={200: Page[SearchHit]},
)  # fmt: skip
def search_conversations(act: Act, query: SearchQuery) -> Page[SearchHit]:
    before = decode(query.cursor) if query.cursor else None
    found = search.find(act.session, act.staff, query.q, limit=query.limit, before=before)
    return Page(
        items=[_hit(one) for one in found.hits], next_cursor=encode(found.following) if found.following else None
    )


def _hit(one: search.Hit) -> SearchHit:
    return SearchHit.model_validate(
        {
            "kind": one.kind,
            "id": one.number,
            "conversation": one.conversation_id,
            "message": one.message_id,
            "customer": one.customer_key,
            "channel": one.channel,
            "by": one.by,
            "at": one.at,
            "said": _marked(one.said),
            "customer_name": _marked(one.customer),
            "firm": _marked(one.firm),
            "subject": _marked(one.subject),
        }
    )


def _marked(one: search.Marked) -> MarkedInfo:
    return MarkedInfo(text=one.text, marks=list(one.marks))
