"""Mail: one writing of an address, and a message in plain text and in HTML that says the same."""

from __future__ import annotations

import html
import re
from collections.abc import Collection

from email_validator import EmailNotValidError, validate_email

from channels.standing import language, say
from channels.words import clean, headline, length, one_line
from dispatcher.model.ports import Draft, Rendition

_INK, _PALE, _BRAND = "#1b1b1b", "#595959", "#12355b"
_FONT = "font-family:Helvetica,Arial,sans-serif"


class Email:
    """The channel of electronic mail."""

    name = "email"

    def normalise(self, raw: str, region: str = "") -> str:
        """The address alone, in lower case, its domain as the name system writes it (IDN as xn--…)."""
        text = raw.strip()
        if text.lower().startswith("mailto:"):
            text = text[7:]
        if not text:
            raise ValueError("is empty")
        try:
            # Letters outside ASCII before the @ are refused: hardly any provider can carry them.
            found = validate_email(
                text, check_deliverability=False, allow_smtputf8=False, allow_display_name=True, strict=True
            )
        except EmailNotValidError as error:
            raise ValueError(f"is not a mail address: {error}") from None
        if found.ascii_email is None:
            raise ValueError("is not a mail address that providers can carry")
        return found.ascii_email.lower()

    def barred(self, address: str, region: str, countries: Collection[str]) -> str:
        """Never: mail is in no country, and costs the same everywhere."""
        return ""

    def compose(self, draft: Draft) -> Rendition:
        subject = headline(draft)
        return Rendition(sender=draft.firm, subject=subject, text=_plain(draft), html=_html(draft, subject))


def _signed(draft: Draft) -> str:
    return one_line(f"{draft.author}, {draft.firm}" if draft.author else draft.firm)


def _why(draft: Draft) -> str:
    return say(draft, "why mail", firm=one_line(draft.firm))


def _link(draft: Draft) -> str:
    return say(draft, "answer or listen" if draft.recording_seconds else "answer")


def _listen(draft: Draft) -> str:
    return say(draft, "listen", length=length(draft.recording_seconds)) if draft.recording_seconds else ""


def _plain(draft: Draft) -> str:
    parts = [clean(draft.text)] if draft.text.strip() else []
    if draft.reply_url and draft.recording_seconds:
        parts.append(f"{_listen(draft)}: {draft.reply_url}")
    if draft.reply_url:
        parts.append(f"{_link(draft)}: {draft.reply_url}")
    if draft.code:
        parts.append(say(draft, "call", phone=one_line(draft.phone), code=draft.code))
    if draft.attachment_names:
        parts.append(_attached(draft))
    foot = [_signed(draft), _why(draft)]
    if draft.prefs_url:
        foot.append(f"{say(draft, 'change')}: {draft.prefs_url}")
    if draft.phone and not draft.code:
        foot.append(say(draft, "telephone", phone=draft.phone))
    return "\n\n".join([*parts, "-- \n" + "\n".join(foot)]) + "\n"


def _attached(draft: Draft) -> str:
    return say(draft, "attached", names=", ".join(one_line(name) for name in draft.attachment_names))


def _html(draft: Draft, subject: str) -> str:
    body = "".join(_paragraph(block) for block in re.split(r"\n\s*\n", clean(draft.text)) if block.strip())
    return (
        f'<!doctype html>\n<html lang="{language(draft)}">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(subject)}</title>\n</head>\n"
        f'<body style="margin:0;padding:0;background:#ffffff;color:{_INK};{_FONT}">\n'
        '<div style="max-width:640px;margin:0 auto;padding:24px 20px">\n'
        f'<p style="margin:0 0 20px;padding:0 0 12px;border-bottom:3px solid {_BRAND};color:{_BRAND};'
        f'font-size:16px;font-weight:bold">{html.escape(one_line(draft.firm))}</p>\n'
        f'<h1 style="margin:0 0 16px;font-size:22px;line-height:1.3">{html.escape(subject)}</h1>\n'
        f"{body}{_html_answer(draft)}{_html_foot(draft)}</div>\n</body>\n</html>\n"
    )


def _paragraph(block: str) -> str:
    lines = "<br>\n".join(html.escape(line.strip()) for line in block.strip().split("\n"))
    return f'<p style="margin:0 0 16px;font-size:16px;line-height:1.5">{lines}</p>\n'


def _html_answer(draft: Draft) -> str:
    parts = []
    if draft.reply_url:
        url = html.escape(draft.reply_url)
        parts.append(
            f'<p style="margin:24px 0 16px"><a href="{url}" style="display:inline-block;padding:12px 22px;'
            f"background:{_BRAND};color:#ffffff;border-radius:4px;font-size:16px;font-weight:bold;"
            f'text-decoration:none">{_link(draft)}</a></p>\n'
        )
        if draft.recording_seconds:
            parts.append(
                f'<p style="margin:0 0 16px;font-size:16px"><a href="{url}" style="color:{_BRAND}">'
                f"{html.escape(_listen(draft))}</a></p>\n"
            )
    if draft.code:
        number = html.escape(one_line(draft.phone))
        linked = f'<a href="tel:{number}" style="color:{_BRAND}">{number}</a>'
        call = say(draft, "call", phone=linked, code=f"<b>{draft.code}</b>")
        parts.append(f'<p style="margin:0 0 16px;font-size:16px;line-height:1.5">{call}</p>\n')
    if draft.attachment_names:
        parts.append(f'<p style="margin:0 0 16px;font-size:14px">{html.escape(_attached(draft))}</p>\n')
    return "".join(parts)


def _html_foot(draft: Draft) -> str:
    lines = [html.escape(_signed(draft)), html.escape(_why(draft))]
    if draft.prefs_url:
        lines.append(
            f'<a href="{html.escape(draft.prefs_url)}" style="color:{_PALE}">{html.escape(say(draft, "change"))}</a>'
        )
    if draft.phone and not draft.code:
        number = html.escape(one_line(draft.phone))
        linked = f'<a href="tel:{number}" style="color:{_PALE}">{number}</a>'
        lines.append(say(draft, "telephone", phone=linked))
    foot = "<br>\n".join(lines)
    return (
        f'<p style="margin:32px 0 0;padding:12px 0 0;border-top:1px solid #c8c8c8;color:{_PALE};'
        f'font-size:13px;line-height:1.6">{foot}</p>\n'
    )
