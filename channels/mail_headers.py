"""Headers that every way of sending mail needs: what must not be in them, and how people unsubscribe."""

from __future__ import annotations

import re

from dispatcher.model.ports import PREFS_TAG, REPLY_TAG, Content, Outbound

# By which we know our own mail when it comes back. It says nothing, so that nothing can be read from it.
OWN_MARK = "X-Dispatcher"

# Outlook reads the first, Apple's and Mozilla's mail the second, others what stands in RFC 2156.
_URGENT = {"Importance": "high", "X-Priority": "1", "Priority": "urgent"}

CONTROLS = re.compile("[\x00-\x1f\x7f\x85\u2028\u2029]")
_ADDRESS = re.compile(r"[^\s<>,;:\"()\[\]\\@\x00-\x20\x7f]+@[^\s<>,;:\"()\[\]\\@\x00-\x20\x7f]+")


def unsafe(content: Content) -> str:
    """What could smuggle a line into the headers, named for people; "" when nothing could."""
    named = {
        "subject": content.rendition.subject,
        "sender's name": content.sender_name,
        "reply address": content.reply_to,
        "link to unsubscribe": content.unsubscribe_url,
        "category": content.category,
    }
    named |= {f"name of attachment {n}": f.name + f.media_type for n, f in enumerate(content.attachments, 1)}
    wrong = [name for name, value in named.items() if CONTROLS.search(value)]
    return f"the {' and the '.join(wrong)} must not hold line breaks or control characters" if wrong else ""


def is_plain_address(address: str) -> bool:
    """Whether an address is one and nothing but one: no name, no second address, no line break."""
    return _ADDRESS.fullmatch(address) is not None


def marks(content: Content) -> dict[str, str]:
    """What tells other machines not to answer, us that it is ours, should it come back, and who reads it its haste."""
    automatic = {"Auto-Submitted": content.auto_submitted} if content.auto_submitted else {}
    urgent = _URGENT if content.urgent else {}
    return {"X-Auto-Response-Suppress": "OOF, AutoReply", OWN_MARK: "1", **automatic, **urgent}


def unsubscribe_headers(url: str, outbound: Outbound) -> dict[str, str]:
    """One-click unsubscription (RFC 8058) with the recipient's own link."""
    own = url.replace(PREFS_TAG, outbound.prefs_token).replace(REPLY_TAG, outbound.reply_token)
    return {"List-Unsubscribe": f"<{own}>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"}
