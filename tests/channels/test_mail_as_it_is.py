"""Whole mails in the state in which they come: every word of their sender is in the text, every file beside it."""

# ruff: noqa: E501 - raw mails in a table, one to a line where it can be

from __future__ import annotations

import base64
import quopri
from dataclasses import dataclass, field

from tests.channels.test_sendgrid_inbound import raw, read

CRLF = b"\r\n"


def mail(*head: str, body: bytes, front: bytes = b"") -> bytes:
    lines = ["From: Ana <ana.ruiz@example.net>", "Message-ID: <m@example.net>", *head]
    return front + "\r\n".join(lines).encode("utf-8", "surrogateescape") + CRLF + CRLF + body


def text(charset: str, body: bytes, how: str = "8bit", more: str = "") -> bytes:
    """A mail of one plain part."""
    return mail(
        f"Content-Type: text/plain; charset={charset}{more}", f"Content-Transfer-Encoding: {how}", body=body
    )  # fmt: skip


def parts(*some: bytes, kind: str = "mixed", boundary: str = "b1", named: str | None = None, end: bool = True) -> bytes:
    """A mail of several parts, each with its own headers."""
    body = b"".join(f"--{boundary}\r\n".encode() + one + CRLF for one in some)
    body += f"--{boundary}--\r\n".encode() if end else b""
    name = f'; boundary="{boundary if named is None else named}"' if named != "" else ""
    return mail(f"Content-Type: multipart/{kind}{name}", body=body)


def part(kind: str, content: bytes, *head: str) -> bytes:
    return "\r\n".join([f"Content-Type: {kind}", *head]).encode("utf-8", "surrogateescape") + CRLF + CRLF + content


def b64(content: bytes) -> bytes:
    return base64.encodebytes(content).replace(b"\n", CRLF)


PLAIN = "text/plain; charset=utf-8"
B64 = "Content-Transfer-Encoding: base64"
RU, DE, JA, ZH, KO = (
    "Продать 500 акций",
    "Bitte 500 Stück für 42,10 € verkaufen – danke",
    "五百株売ってください",
    "请卖出五百股",
    "500주 매도",
)
LONG = "Bitte 500 Stück für 42,10 € verkaufen, und zwar größtenteils über München. " * 3 + "Danke"
PDF = b"%PDF-1.7\n\x00\x01"


@dataclass(frozen=True)
class Case:
    what: str
    raw: bytes
    text: str
    files: tuple[tuple[str, str], ...] = ()
    subject: str = ""
    content: dict[str, bytes] = field(default_factory=dict)


CASES = [
    # --- charsets
    Case("koi8-r", text("koi8-r", RU.encode("koi8-r")), RU),
    Case("windows-1251", text("windows-1251", RU.encode("cp1251")), RU),
    Case("windows-1252 under the name of ISO's", text("iso-8859-1", DE.encode("cp1252")), DE),
    Case("windows-1252 under the name of ASCII", text("us-ascii", DE.encode("cp1252")), DE),
    Case("ISO 8859-15", text("ISO-8859-15", DE.replace("–", "-").encode("iso8859-15")), DE.replace("–", "-")),
    Case("windows-1250", text("windows-1250", "Prosím prodat – děkuji".encode("cp1250")), "Prosím prodat – děkuji"),
    Case("windows-1253", text("windows-1253", "Πουλήστε".encode("cp1253")), "Πουλήστε"),
    Case("windows-1255", text("windows-1255", "למכור".encode("cp1255")), "למכור"),
    Case("ISO 8859-8-i", text("iso-8859-8-i", "למכור".encode("iso8859-8")), "למכור"),
    Case("ISO 2022-JP", text("iso-2022-jp", JA.encode("iso2022_jp"), "7bit"), JA),
    Case("ISO 2022-JP without a name", mail(body=JA.encode("iso2022_jp")), JA),
    Case("Shift JIS", text("x-sjis", JA.encode("cp932")), JA),
    Case("EUC-JP", text("euc-jp", JA.encode("euc_jp")), JA),
    Case("GB 18030", text("gb18030", ZH.encode("gb18030")), ZH),
    Case("GB 18030 under the name of its elder", text("gb2312", "卖出 €500 龥".encode("gb18030")), "卖出 €500 龥"),
    Case("Big5", text("big5", "賣出五百股".encode("big5")), "賣出五百股"),
    Case("Korean", text("ks_c_5601-1987", KO.encode("cp949")), KO),
    Case("UTF-7 is not read as what it hides", text("utf-7", b"+ADw-b+AD4- sell"), "+ADw-b+AD4- sell"),
    Case("UTF-8 under the name of Windows'", text("windows-1252", DE.encode()), DE),
    Case("UTF-8 under the name of Latin-1, encoded", text("iso-8859-1", b64(DE.encode()), "base64"), DE),
    Case("Windows' bytes under the name of UTF-8", text("utf-8", DE.encode("cp1252")), DE),
    Case("UTF-8 with one broken byte", text("utf-8", DE.encode() + b" \xe9"), DE + " é"),
    Case("no charset, UTF-8", mail("Content-Type: text/plain", body=DE.encode()), DE),
    Case("no charset, Windows' bytes", mail(body=DE.encode("cp1252")), DE),
    Case("an unknown charset", text("x-bank-internal", DE.encode("cp1252")), DE),
    Case("a charset that is none", text("base64", DE.encode()), DE),
    Case("a charset with more behind it", text('"utf-8 "', DE.encode(), more="; reply-type=original"), DE),
    Case("UTF-16 with its mark", text("utf-16", DE.encode("utf-16"), "8bit"), DE),
    Case("UTF-8 with its mark", text("utf-8", b"\xef\xbb\xbf" + DE.encode()), DE),
    # --- encodings
    Case("quoted-printable", text("utf-8", quopri.encodestring(DE.encode()), "quoted-printable"), DE),
    Case("quoted-printable, broken", text("utf-8", b"Sell =C3=BC 50=\r\n0 = =ZZ now=", "quoted-printable"), "Sell ü 500 = =ZZ now"),
    Case("quoted-printable by name alone", text("utf-8", b"price=42 at 10:00", "Quoted-Printable ;"), "price=42 at 10:00"),
    Case("base64", text("utf-8", b64(DE.encode()), "BASE64"), DE),
    Case("base64, its padding lost", text("utf-8", b64(b"Sell 500 now").strip().rstrip(b"="), "base64"), "Sell 500 now"),
    Case("base64, its end lost", text("utf-8", b64(b"Sell 500 now please")[:-5], "base64"), "Sell 500 now pleas"),
    Case("base64 in one line", text("utf-8", base64.b64encode(b"Sell 500. " * 40), "base64"), ("Sell 500. " * 40).strip()),
    Case("base64 by name alone", text("utf-8", b"Please sell 500, thanks.", "base64"), "Please sell 500, thanks."),
    Case("base64 by name alone, one word", text("utf-8", b"Sell", "base64"), "Sell"),
    Case("base64 with a list's footer", text("utf-8", b64(b"Sell 500") + b"\r\n-- \r\nList info: see below", "base64"),
         "Sell 500\n--\nList info: see below"),
    Case("base64 with a gateway's banner above", text("utf-8", b"[EXTERNAL] Take care.\r\n\r\n" + b64(DE.encode()), "base64"),
         f"[EXTERNAL] Take care.\n\n{DE}"),
    Case("base64 with a gateway's line inside",
         text("utf-8", b64(LONG.encode())[:156] + b"*** Checked by the gateway ***\r\n" + b64(LONG.encode())[156:], "base64"),
         f"{LONG}\n*** Checked by the gateway ***"),
    Case("base64 twice, a footer between and below",
         text("utf-8", b64(b"Sell 500") + b"\r\n_____\r\nConfidential\r\n" + b64(DE.encode()) + b"\r\nScanned for viruses\r\nBank", "base64"),
         f"Sell 500\n_____\nConfidential\n{DE}\nScanned for viruses\nBank"),
    Case("an encoding that does not exist", text("utf-8", DE.encode(), "8bits"), DE),
    Case("uuencode", text("utf-8", b"begin 644 -\n(4V5L;\"`U,#``\n`\nend\n", "x-uuencode"), "Sell 500"),
    # --- flowed
    Case("format=flowed", text("utf-8", b"Please sell \r\n500 of it.\r\n\r\n> and \r\n> more\r\n-- \r\nAna \r\nRuiz", "7bit", "; format=flowed"),
         "Please sell 500 of it.\n\n> and more\n--\nAna Ruiz".replace("--\n", "-- \n")),
    Case("format=flowed, delsp", text("utf-8", "五百株 \r\n売る".encode(), "8bit", "; format=flowed; delsp=yes"), "五百株売る"),
    # --- shapes
    Case("HTML alone", mail("Content-Type: text/html; charset=utf-8", body=f"<p>{DE}</p>".encode()), DE),
    Case("HTML that names its own charset",
         mail("Content-Type: text/html", body=b'<html><head><meta charset="koi8-r"></head>' + RU.encode("koi8-r")), RU),
    Case("both", parts(part(PLAIN, DE.encode()), part("text/html", b"<p>other</p>"), kind="alternative"), DE),
    Case("both, the plain one empty", parts(part(PLAIN, b" \r\n"), part("text/html", b"<p>Sell 500</p>"), kind="alternative"), "Sell 500"),
    Case("both, the plain one points to the other",
         parts(part(PLAIN, b"This message is in HTML format. Your mail client cannot show it."),
               part("text/html", b"<p>Sell 500</p>"), kind="alternative"), "Sell 500"),
    Case("the boundary is not named", parts(part(PLAIN, DE.encode()), part("application/pdf; name=a.pdf", b64(PDF), B64), named=""),
         DE, (("a.pdf", "application/pdf"),)),
    Case("another boundary is named", parts(part(PLAIN, DE.encode()), named="nowhere"), DE),
    Case("no boundary anywhere", mail("Content-Type: multipart/mixed", body=DE.encode()), DE),
    Case("no end", parts(part(PLAIN, DE.encode()), part(PLAIN, b"and more"), end=False), f"{DE}\n\nand more"),
    Case("cut off in a file", parts(part(PLAIN, DE.encode()), part("application/pdf; name=a.pdf", b64(PDF * 50), B64), end=False)[:-30],
         DE, (("a.pdf", "application/pdf"),)),
    Case("words before and after a picture", parts(part(PLAIN, b"Sell 500"), part("image/png; name=x.png", b64(b"\x89PNG"), B64), part(PLAIN, b"of SAP")),
         "Sell 500\n\nof SAP", (("x.png", "image/png"),)),
    Case("plain words, then HTML", parts(part(PLAIN, b"Sell 500"), part("text/html", b"<p>of SAP</p>")), "Sell 500\n\nof SAP"),
    Case("the body has a name", parts(part('text/plain; charset=utf-8; name="TEXT.txt"', DE.encode(), "Content-Disposition: inline; filename=TEXT.txt")), DE),
    Case("text of another kind", mail("Content-Type: text/enriched", body=b"Sell 500"), "Sell 500"),
    Case("a type of nonsense", mail("Content-Type: x", body=b"Sell 500"), "Sell 500"),
    Case("winmail.dat", parts(part(PLAIN, b"Sell 500"), part("application/ms-tnef; name=winmail.dat", b64(b"x\x9f>\x22"), B64)),
         "Sell 500", (("winmail.dat", "application/ms-tnef"),), content={"winmail.dat": b"x\x9f>\x22"}),
    Case("a mail in a mail", parts(part(PLAIN, b"see below"), part("message/rfc822", b"Subject: STOP\r\n\r\nstop all of it")),
         "see below", (("message.rfc822", "message/rfc822"),)),
    Case("an invitation", parts(part(PLAIN, b"Sell 500"), part("text/calendar; method=REQUEST", b"BEGIN:VCALENDAR")),
         "Sell 500", (("text.calendar", "text/calendar"),)),
    Case("signed", parts(part(PLAIN, b"Sell 500"), part("application/pkcs7-signature; name=smime.p7s", b64(b"x"), B64), kind="signed"),
         "Sell 500", (("smime.p7s", "application/pkcs7-signature"),)),
    Case("line feeds alone", mail(body=b"Sell 500\nof SAP").replace(CRLF, b"\n"), "Sell 500\nof SAP"),
    Case("carriage returns alone", mail(body=b"Sell 500").replace(CRLF, b"\r"), "Sell 500"),
    Case("empty lines in front", mail(body=b"Sell 500", front=b"\r\n\r\n"), "Sell 500"),
    Case("out of a mailbox file", mail(body=b"Sell 500", front=b"From ana@simon.example Fri Nov 20 10:00:00 2026\n"), "Sell 500"),
    Case("a header that is none", mail("this is no header", body=b"Sell 500"), "this is no header\n\nSell 500"),
    # --- headers and names
    Case("8-bit subject", mail("Subject: Verkäufe", body=b"x"), "x", subject="Verkäufe"),
    Case("8-bit subject in the body's charset",
         mail("Content-Type: text/plain; charset=koi8-r", "Subject: " + RU.encode("koi8-r").decode("ascii", "surrogateescape"), body=b"x"),
         "x", subject=RU),
    Case("encoded subject", mail("Subject: =?koi8-r?B?" + base64.b64encode(RU.encode("koi8-r")).decode() + "?=", body=b"x"), "x", subject=RU),
    Case("encoded subject, a letter cut in two",
         mail("Subject: =?utf-8?Q?St=C3?= =?utf-8?Q?=BCck?= 500", body=b"x"), "x", subject="Stück 500"),
    Case("encoded subject in an unknown charset", mail("Subject: =?x-none?Q?St=FCck?=", body=b"x"), "x", subject="Stück"),
    Case("name by RFC 2231", parts(part(PLAIN, b"x"), part("application/pdf", b64(PDF), B64, "Content-Disposition: attachment; filename*=utf-8''M%C3%A4rz.pdf")),
         "x", (("März.pdf", "application/pdf"),), content={"März.pdf": PDF}),
    Case("name by RFC 2231 in pieces",
         parts(part(PLAIN, b"x"), part("application/pdf", b64(PDF), B64, "Content-Disposition: attachment; filename*0*=iso-8859-1''M%E4r; filename*1=z.pdf")),
         "x", (("März.pdf", "application/pdf"),)),
    Case("name in encoded words", parts(part(PLAIN, b"x"), part("application/pdf; name==?utf-8?Q?M=C3=A4rz.pdf?=", b64(PDF), B64)),
         "x", (("März.pdf", "application/pdf"),)),
    Case("name in bytes", parts(part(PLAIN, b"x"), part("application/pdf", b64(PDF), B64, 'Content-Disposition: attachment; filename="M\udce4rz.pdf"')),
         "x", (("März.pdf", "application/pdf"),)),
    Case("name with a path and two endings", parts(part(PLAIN, b"x"), part("text/html", b"<p>", 'Content-Disposition: attachment; filename="../../a/in voice.pdf.exe"')),
         "x", (("in voice.pdf.exe", "text/html"),)),
    Case("name written backwards", parts(part(PLAIN, b"x"), part("application/octet-stream", b"MZ", "Content-Disposition: attachment; filename*=utf-8''in%E2%80%AEfdp.exe")),
         "x", (("infdp.exe", "application/octet-stream"),)),
    Case("name with a line break", parts(part(PLAIN, b"x"), part("application/pdf", b64(PDF), B64, "Content-Disposition: attachment; filename*=utf-8''a%0D%0AX-Evil:%20b.pdf")),
         "x", (("a X-Evil: b.pdf", "application/pdf"),)),
]  # fmt: skip


def test_every_word_of_a_whole_mail_is_in_its_text() -> None:
    assert len(CASES) >= 60
    wrong = []
    for case in CASES:
        reply = read(raw(case.raw))
        found = tuple((one.name, one.media_type) for one in reply.attachments)
        kept = {one.name: one.content for one in reply.attachments}
        if (reply.text, found) != (case.text, case.files) or (case.subject and reply.subject != case.subject):
            wrong.append(f"{case.what}: {reply.text!r} {found} {reply.subject!r}")
        if any(kept[name] != content for name, content in case.content.items()):
            wrong.append(f"{case.what}: bytes of {kept}")
        if reply.sender != "ana.ruiz@example.net" or reply.distrust:
            wrong.append(f"{case.what}: {reply.sender} {reply.distrust}")
    assert not wrong, "\n".join(wrong)
