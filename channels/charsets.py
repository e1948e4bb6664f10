"""Bytes of a mail as text, whatever charset they claim, or none: no word is lost to a wrong name or a broken byte.

What people's programs name is often not what they write: Windows' charsets go under the names of ISO's, UTF-8 under
any. Names are taken as browsers take them, and bytes that contradict the name are looked at once more.
"""

from __future__ import annotations

import codecs
import re
from functools import lru_cache

# Decoders that are no charsets of text, are slow on purpose-made input, or hide markup from whoever looks for it.
_NO_CHARSETS = frozenset(
    {"idna", "punycode", "unicode_escape", "raw_unicode_escape", "undefined", "utf-7", "mbcs", "oem"}
)
# Python's name → the larger charset that is meant by it.
_MEANT = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "iso8859-11": "cp874",
    "tis-620": "cp874",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "shift_jis": "cp932",
    "euc_kr": "cp949",
    "big5": "cp950",
    "iso2022_jp": "iso2022_jp_ext",
}
# Names that Python does not know.
_OTHER_NAMES = {
    "x-sjis": "cp932",
    "windows-31j": "cp932",
    "cp-850": "cp850",
    "x-gbk": "gb18030",
    "x-euc-jp": "euc_jp",
    "x-mac-roman": "mac_roman",
    "x-windows-1252": "cp1252",
    "windows-874": "cp874",
    "iso-8859-8-i": "iso8859-8",
    "unicode": "utf-8",
    "utf8mb4": "utf-8",
    "8bit": "utf-8",
    "ansi_x3.110-1983": "cp1252",
    "x-user-defined": "cp1252",
}
_MULTIBYTE = re.compile(r"gb|cp9[345]|cp1361|euc|iso2022|big5|shift|hz|utf")
_META = re.compile(rb"(?i)<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([\w.:-]{2,40})")
_JAPANESE = re.compile(rb"\x1b\$[@B]|\x1b\(J")
_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16"), (codecs.BOM_UTF16_BE, "utf-16"))


def decoded(content: bytes, charset: str = "") -> str:
    """The text, in whatever charset it claims. Bytes that fit no charset that may be meant are read as Windows'."""
    for bom, found in _BOMS:
        if content.startswith(bom) and (found == "utf-8" or b"\0" in content):
            return content.decode(found, "replace")
    name = _known(charset)
    if not content.isascii():
        if name and not _MULTIBYTE.match(name) and _is_utf8(content):
            return content.decode("utf-8")  # no text in a charset of single bytes looks like that by chance
        if not name or name == "utf-8":
            return content.decode("utf-8", _WINDOWS_BYTES)
    elif _JAPANESE.search(content):
        return content.decode("iso2022_jp_ext", "replace")
    return _in(name or "cp1252", content)


def charset_of_page(page: bytes) -> str:
    """The charset that a page itself names; "" where it names none."""
    found = _META.search(page[:4096])
    return found[1].decode("ascii", "replace") if found else ""


def _in(name: str, content: bytes) -> str:
    try:
        return content.decode(name)
    except (LookupError, ValueError):
        pass
    if _is_utf8(content):
        return content.decode("utf-8")
    if name == "cp1252":
        return content.decode(name, _WINDOWS_BYTES)
    try:
        return content.decode(name, "replace")
    except (LookupError, ValueError):
        return content.decode("utf-8", _WINDOWS_BYTES)


@lru_cache(maxsize=200)
def _known(charset: str) -> str:
    """Python's name for it; "" for what is no charset of text."""
    bare = re.split(r"[;,\s]", charset.strip().strip("\"'"), maxsplit=1)[0].strip("\"'").lower()
    try:
        name = codecs.lookup(_OTHER_NAMES.get(bare, bare)).name if bare else ""
    except (LookupError, ValueError):
        return ""
    try:
        b"none".decode(name, "replace")
    except (LookupError, ValueError):  # a codec, but not of text
        return ""
    return "" if name in _NO_CHARSETS or name.replace("-", "_") in _NO_CHARSETS else _MEANT.get(name, name)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _as_windows(error: UnicodeError) -> tuple[str, int]:
    """One by one, so that the bytes around the broken ones keep their meaning."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    wrong = error.object[error.start : error.end]
    return wrong.decode("cp1252", "ignore") or wrong.decode("latin-1"), error.end


_WINDOWS_BYTES = "as-windows"
codecs.register_error(_WINDOWS_BYTES, _as_windows)
