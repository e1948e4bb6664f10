"""Twilio's refusals: HTTP status and text by code, and the texts of later delivery errors."""

from typing import Any

import orjson
from aiohttp import web

from channels.carrier.gate import Refusal

# code: (HTTP status, text); texts as Twilio's error list has them
REFUSALS: dict[int, tuple[int, str]] = {
    20001: (400, "Invalid parameter: {0}"),
    20003: (401, "Authenticate"),
    20004: (405, "Method not allowed"),
    20404: (404, "The requested resource {0} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    21201: (400, "No 'To' number is specified"),
    21205: (400, "Url is not a valid URL: {0}"),
    21210: (400, "The source phone number provided, {0}, is not yet verified for your account."),
    21211: (400, "The 'To' number {0} is not a valid phone number."),
    21212: (400, "The 'From' number {0} is not a valid phone number, shortcode, or alphanumeric sender ID."),
    21213: (400, "A 'From' phone number is required."),
    21215: (
        400,
        "Account not authorized to call {0}. Perhaps you need to enable some international permissions",
    ),
    21217: (400, "Phone number does not appear to be valid: {0}"),
    21218: (400, "Invalid ApplicationSid: {0}"),
    21220: (400, "Call is not in-progress. Cannot redirect."),
    21263: (400, "Invalid Answering Machine Detection parameter: {0}"),
    21408: (
        400,
        "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {0}",
    ),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (
        400,
        "The 'From' phone number {0} is not a valid message-capable Twilio phone number for this destination.",
    ),
    21609: (400, "The 'StatusCallback' URL {0} is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "This 'From' number has exceeded the maximum number of queued messages"),
    21612: (400, "The 'To' phone number {0} is not currently reachable via the 'From' number."),
    21614: (400, "'To' number {0} is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    21620: (400, "Invalid media URL: {0}"),
    21623: (400, "Number of media files exceeds allowed limit"),
    21626: (400, "Invalid statusEvents: {0}"),
    21701: (400, "The Messaging Service does not exist: {0}"),
    21703: (400, "The Messaging Service does not have a phone number available"),
    30002: (401, "Account suspended"),
    30409: (400, "This message cannot be canceled"),
    35114: (400, "SendAt can not be greater than 35 days or less than 15 minutes from now"),
    35118: (400, "MessagingServiceSid is required to schedule a message"),
    90007: (400, "Invalid validity period value"),
}
# ErrorCode of an undelivered or failed message
DELIVERY_ERRORS = {
    30001: "Queue overflow",
    30002: "Account suspended",
    30003: "Unreachable destination handset",
    30004: "Message blocked",
    30005: "Unknown destination handset",
    30006: "Landline or unreachable carrier",
    30007: "Message filtered",
    30008: "Unknown error",
    30017: "Carrier network congestion",
    30036: "Validity Period Expired",
}


def problem(code: int, text: str | None, status: int | None = None) -> web.Response:
    """`{code, message, more_info, status}` with the right HTTP status; 429 says when to come back."""
    known_status, known_text = REFUSALS.get(code, (400, f"Error {code}"))
    http = status or known_status
    body: dict[str, Any] = {
        "code": code,
        "message": text or known_text,
        "more_info": f"https://www.twilio.com/docs/errors/{code}",
        "status": http,
    }
    headers = {"Retry-After": "1"} if http == 429 else {}
    if http == 401:
        headers["WWW-Authenticate"] = 'Basic realm="Twilio API"'
    return web.Response(
        status=http,
        body=orjson.dumps(body),
        content_type="application/json",
        charset="utf-8",
        headers=headers,
    )


class Refused(Refusal):
    """A request the vendor turns down; `about` fills the text of its code."""

    def __init__(self, code: int, about: str = "") -> None:
        super().__init__(code)
        self.code, self.about = code, about

    def answer(self) -> web.Response:
        _, text = REFUSALS.get(self.code, (400, f"Error {self.code}"))
        return problem(self.code, text.format(self.about))
