"""What happens to a text after acceptance, and to texts people write to us."""

from datetime import UTC, datetime
from time import time

from channels.carrier.core import Carrier
from channels.carrier.names import segments, sid
from channels.carrier.records import Message
from channels.carrier.twilio_account import VERSION
from channels.carrier.twiml import TwimlError, parse

SENT_AFTER, DELIVERED_AFTER = 0.15, 0.35
STOP = {"STOP", "STOPALL", "UNSUBSCRIBE", "CANCEL", "END", "QUIT", "REVOKE", "OPTOUT"}
START = {"START", "YES", "UNSTOP"}
HELP = {"HELP", "INFO"}
_ANSWERS = (
    (STOP, "You have successfully been unsubscribed. You will not receive any more messages from this number. "
           "Reply START to resubscribe."),
    (START, "You have successfully been re-subscribed to messages from this number. Reply HELP for help. "
            "Reply STOP to unsubscribe. Msg&Data Rates May Apply."),
    (HELP, "Reply STOP to unsubscribe. Msg&Data Rates May Apply."),
)  # fmt: skip


class SmsLife:
    """Moves texts to their end by themselves and posts what happened."""

    def __init__(self, carrier: Carrier) -> None:
        self._carrier = carrier

    def resume(self) -> None:
        """Go on with what a restart interrupted."""
        for it in self._carrier.book.messages.values():
            if it.direction != "inbound" and it.status in ("queued", "accepted", "sent"):
                self.begin(it)

    def begin(self, it: Message) -> None:
        if it.status == "scheduled":
            return
        wait = 0.0 if self._carrier.faults.callback_first else SENT_AFTER
        self._carrier.after(wait, self._send if it.status != "sent" else self._finish, it)

    def _send(self, it: Message) -> None:
        if it.status == "canceled":
            return
        if it.service and not it.sender:
            it.sender = self._carrier.console.sms_from[0]
            self._carrier.book.messages_of[it.sender].append(it)
            it.status = "queued"
            self._tell(it)
        behaviour = self._carrier.behaviours.of("sms", it.to)
        if behaviour["mode"] == "failed":
            it.status, it.error = "failed", int(behaviour.get("error_code", 30008))
        else:
            it.status, it.sent = "sent", time()
            wait = 0.05 if self._carrier.faults.callback_first else DELIVERED_AFTER
            self._carrier.after(wait, self._finish, it)
        self._carrier.book.changed(it)
        self._tell(it)

    def _finish(self, it: Message) -> None:
        behaviour = self._carrier.behaviours.of("sms", it.to)
        mode = behaviour["mode"]
        if mode == "sent-only" or it.status != "sent":
            return
        if mode == "undelivered":
            it.status, it.error = "undelivered", int(behaviour.get("error_code", 30003))
        else:
            it.status, it.reached = "delivered", time()
        self._carrier.book.changed(it)
        self._tell(it)

    def _tell(self, it: Message) -> None:
        """The status callback, with the fields of one."""
        if not it.callback:
            return
        fields = {
            "SmsSid": it.sid, "SmsStatus": it.status, "MessageStatus": it.status, "To": it.to,
            "MessageSid": it.sid, "AccountSid": self._carrier.console.account_sid, "From": it.sender or "",
            "ApiVersion": VERSION,
        }  # fmt: skip
        if it.service:
            fields["MessagingServiceSid"] = it.service
        if it.error:
            fields["ErrorCode"] = str(it.error)
        if it.status in ("delivered", "undelivered"):
            fields["RawDlrDoneDate"] = datetime.now(UTC).strftime("%y%m%d%H%M")
        self._carrier.postman.later(it.callback, fields)

    def written(self, sender: str, to: str, body: str) -> Message:
        """A person texts one of our numbers: kept, opt-out words obeyed, passed to the SMS webhook."""
        now = time()
        it = Message(
            sid=sid("SM"), to=to, sender=sender, body=body, status="received", direction="inbound",
            created=now, updated=now, sent=now, reached=now, segments=segments(body),
        )  # fmt: skip
        self._carrier.book.add_message(it)
        self._obey(it)
        if not self._carrier.faults.strikes(self._carrier.faults.texts_lost_share):
            self._carrier.spawn(self._pass_on(it))
        return it

    def _obey(self, it: Message) -> None:
        """STOP and its like count as a whole text only, in any case."""
        word, sender = it.body.strip().upper(), it.sender or ""
        if word in STOP:
            self._carrier.book.opt_out(it.to, sender)
        elif word in START:
            self._carrier.book.opt_in(it.to, sender)
        for words, text in _ANSWERS:
            if word in words:
                self._answer(it, text)

    def _answer(self, it: Message, text: str, callback: str = "") -> None:
        now = time()
        back = Message(
            sid=sid("SM"), to=it.sender or "", sender=it.to, body=text, status="queued",
            direction="outbound-reply", created=now, updated=now, segments=segments(text), callback=callback,
        )  # fmt: skip
        self._carrier.book.add_message(back)
        self.begin(back)

    async def _pass_on(self, it: Message) -> None:
        """Post to the SMS webhook; its TwiML may hold `Message` verbs, which are sent back."""
        fields = {
            "ToCountry": "US", "ToState": "", "SmsMessageSid": it.sid, "NumMedia": "0", "ToCity": "",
            "FromZip": "", "SmsSid": it.sid, "FromState": "", "SmsStatus": "received", "FromCity": "",
            "Body": it.body, "FromCountry": "US", "To": it.to, "ToZip": "", "NumSegments": str(it.segments),
            "MessageSid": it.sid, "AccountSid": self._carrier.console.account_sid, "From": it.sender or "",
            "ApiVersion": VERSION,
        }  # fmt: skip
        url = self._carrier.console.sms_webhook
        answer = await self._carrier.postman.twilio(url, fields)
        if not 200 <= answer.status < 300:
            why = f"HTTP {answer.status}" if answer.status else answer.body.decode("utf-8", "replace")
            self._carrier.book.alert(11200, f"SMS webhook failed: {why}", url=url, sid=it.sid)
            return
        if not answer.body.strip():
            return
        if answer.content_type == "text/plain":
            self._answer(it, answer.body.decode("utf-8", "replace"))
            return
        try:
            verbs = parse(answer.body, messaging=True)
        except TwimlError as trouble:
            self._carrier.book.alert(trouble.code, f"SMS webhook: {trouble}", url=url, sid=it.sid)
            return
        for verb in verbs:
            if verb.name == "Message":
                if (it.to, it.sender or "") in self._carrier.book.opted_out:
                    self._carrier.book.alert(21610, "Attempt to send to unsubscribed recipient", sid=it.sid)
                    continue
                text = verb.text or "".join(child.text for child in verb.children if child.name == "Body")
                self._answer(it, text, verb.attributes.get("action", ""))
