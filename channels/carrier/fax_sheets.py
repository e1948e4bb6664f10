"""Sheets of paper: what stands on a PDF, and a typed page as one."""

import io
import re

_STREAM = re.compile(rb"stream\r?\n(.*?)\r?\nendstream", re.DOTALL)
_SHOWN = re.compile(rb"\(((?:\\.|[^\\()])*)\)\s*Tj", re.DOTALL)
_PAGE = re.compile(rb"/Type\s*/Page(?![a-z])")
_ESCAPE = re.compile(rb"\\([0-7]{3}|.)", re.DOTALL)
LINES, WIDTH, LEADING = 44, 90, 16.0


def pages(document: bytes) -> int:
    """How many pages a PDF has; at least one."""
    return max(1, len(_PAGE.findall(document)))


def words(document: bytes) -> str:
    """The lines that are written in plain streams; of a scan or a compressed file none."""
    sheets = ["\n".join(_plain(line) for line in _SHOWN.findall(part)) for part in _STREAM.findall(document)]
    return "\n\f".join(sheet for sheet in sheets if sheet)


def _plain(written: bytes) -> str:
    def byte(found: re.Match[bytes]) -> bytes:
        return bytes([int(found[1], 8)]) if len(found[1]) == 3 else found[1]

    return _ESCAPE.sub(byte, written).decode("cp1252", "replace")


def typed(text: str, sender: str) -> bytes:
    """A page that somebody has typed and put into their machine."""
    from reportlab.pdfgen.canvas import Canvas

    lines = [line[at : at + WIDTH] for line in text.splitlines() for at in range(0, max(1, len(line)), WIDTH)]
    file = io.BytesIO()
    canvas = Canvas(file, pagesize=(595, 842), pageCompression=0)
    for start in range(0, max(1, len(lines)), LINES):
        canvas.setFont("Helvetica", 12)
        canvas.drawString(56, 800, f"From {sender}")
        for place, line in enumerate(lines[start : start + LINES]):
            canvas.drawString(56, 770 - place * LEADING, line.encode("cp1252", "replace").decode("cp1252"))
        canvas.showPage()
    canvas.save()
    return file.getvalue()
