"""Files that came with a reply."""

from __future__ import annotations

from flask import Response, request

from dispatcher.api.calls import Act, call
from dispatcher.services import downloads, reply_files

TAG = "Inbox"


@call(
    "GET", "/replies/<row:reply_id>/files/<row:position>",
    title="Download a file that came with a reply",
    about="As it came, under its sender's name made safe: `application/octet-stream` unless its bytes are an image, "
    "a PDF or a recording. What was not kept, or unpacks to very much, is 404. Every download is on record.",
    tag=TAG, answers={200: "*/*"}, writes=True,
)  # fmt: skip
def get_reply_file(act: Act, reply_id: int, position: int) -> Response:
    found = downloads.file_of(act.session, act.staff, reply_id, position)
    assert found.media is not None
    content = found.media.read()
    if request.method != "HEAD":
        downloads.on_record(act.session, act.runtime, act.staff, found)
    response = Response(content, content_type=reply_files.served_as(content))
    response.headers["Content-Disposition"] = reply_files.disposition(found)
    response.headers["Content-Security-Policy"] = "default-src 'none'; sandbox"
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "no-store"
    return response
