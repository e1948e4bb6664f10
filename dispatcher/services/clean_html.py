"""Pages that people's mails brought along, made harmless: words, their order, tables and links; nothing that acts,
loads, or covers what is around it."""

from __future__ import annotations

import re
from collections import Counter

import nh3

MOST = 500_000  # characters that are looked at
_MOST_REFERENCES = 40_000
_DEEPEST = 300  # a page of a hundred thousand tags in each other is nobody's letter

_TAGS = {
    "a", "abbr", "address", "b", "blockquote", "br", "caption", "cite", "code", "col", "colgroup", "dd", "del", "div",
    "dl", "dt", "em", "h1", "h2", "h3", "h4", "h5", "h6", "hr", "i", "img", "ins", "li", "ol", "p", "pre", "q", "s",
    "small", "span", "strike", "strong", "sub", "sup", "table", "tbody", "td", "tfoot", "th", "thead", "tr", "tt",
    "u", "ul",
}  # fmt: skip
# Gone with all that is in them; of every other tag that is not known the words stay.
_GONE = {
    "script", "style", "template", "noscript", "title", "head", "object", "embed", "iframe", "svg", "math", "textarea",
}  # fmt: skip
_ATTRIBUTES = {
    "*": {"dir", "lang", "style"},
    "a": {"href"},
    "img": {"src", "alt"},
    "td": {"colspan", "rowspan", "align"},
    "th": {"colspan", "rowspan", "align"},
    "ol": {"start"},
}
# Of styles what carries meaning: no colour that hides words, no place, no size, no picture behind.
_STYLES = {"font-weight", "font-style", "text-decoration", "text-align"}
_LINK = re.compile(r"(?i)(?:https?://|mailto:)[^\s\x00-\x1f]+")
_INLINE_PICTURE = re.compile(r"(?i)data:image/(?:png|gif|jpeg|webp);base64,[a-z0-9+/=\s]+")
_TAG = re.compile(r"<(/?)([a-zA-Z][^\s/>]{0,30})")
# Without an end, or ended by the next of their kind.
_NEVER_DEEP = frozenset({
    "br", "img", "hr", "input", "meta", "link", "col", "wbr", "area", "base", "p", "li", "td", "th", "tr", "dt", "dd",
})  # fmt: skip
_SPAN = re.compile(r"[1-9]\d?")


def cleaned(html: str) -> str:
    """The page without anything that acts or loads; links lead to http, https and mail addresses alone.

    A piece of HTML to be put into a document of its own, which allows neither scripts nor loads by itself.
    """
    found = html[:MOST].replace("\0", "")
    # Each reference to a character costs the parser as much as all before it.
    found = "&".join(found.split("&", _MOST_REFERENCES)[:_MOST_REFERENCES])
    if _is_deep(found):
        found = re.sub(r"<[^>]{0,2000}>?", " ", found)
    return _CLEANER.clean(found)


def _kept(tag: str, name: str, value: str) -> str | None:
    """The attribute's value, or None for one that is left out."""
    match name:
        case "href":
            return value if _LINK.fullmatch(value.strip()) else None
        case "src":  # what is loaded from elsewhere tells the sender when, where and by whom it was read
            return value if _INLINE_PICTURE.fullmatch(value.strip()) else None
        case "colspan" | "rowspan":
            return value if _SPAN.fullmatch(value.strip()) else None
    return value


def _is_deep(html: str) -> bool:
    """Whether its tags stand too deep in each other; in one pass, where building the tree would take minutes."""
    open_now: Counter[str] = Counter()
    depth = 0
    for close, raw in _TAG.findall(html):
        name = raw.lower()
        if name in _NEVER_DEEP:
            continue
        if not close:
            open_now[name] += 1
            depth += 1
        elif open_now[name]:
            open_now[name] -= 1
            depth -= 1
        if depth > _DEEPEST:
            return True
    return False


_CLEANER = nh3.Cleaner(
    tags=_TAGS,
    clean_content_tags=_GONE,
    attributes=_ATTRIBUTES,
    attribute_filter=_kept,
    filter_style_properties=_STYLES,
    url_schemes={"http", "https", "mailto", "data"},
    link_rel="noopener noreferrer",
)
