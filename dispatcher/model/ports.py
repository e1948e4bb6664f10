"""What the product asks of the outside: the protocols of channels, providers and webhooks; lines are in `telephone`.

Adapters in `channels/` implement these; services and doors know only these. All times are UTC.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal, NamedTuple, Protocol, runtime_checkable

from dispatcher.model.gate import Gate, Limits, OpenGate
from dispatcher.model.telephone import PhoneLine, Transcriber

# Tags in a Content that are replaced for each Outbound: its reply token, its preferences token and its code.
REPLY_TAG = "-reply-token-"
PREFS_TAG = "-prefs-token-"
CODE_TAG = "-alert-code-"
TAGS = (REPLY_TAG, PREFS_TAG, CODE_TAG)
ANY_TAG = re.compile("|".join(map(re.escape, TAGS)))

Decision = Literal["", "retry", "fall-back", "stop-channel", "person"]


@dataclass(frozen=True, slots=True)
class File:
    """An attachment: name shown, media type, bytes."""

    name: str
    media_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Draft:
    """What a channel makes a rendition of. URLs hold REPLY_TAG / PREFS_TAG, `code` is CODE_TAG or nothing;
    `recording_seconds` is None without audio.
    """

    firm: str
    subject: str
    text: str
    author: str = ""
    recording_seconds: float | None = None
    attachment_names: tuple[str, ...] = ()
    reply_url: str = ""
    prefs_url: str = ""
    phone: str = ""  # our inbound line, for people to call
    fax: str = ""  # the number that takes faxes for us
    code: str = ""  # by which that line knows them from any telephone
    urgent: bool = False
    language: str = "en"  # in which its author writes


@dataclass(frozen=True, slots=True)
class Rendition:
    """What one channel will carry, exactly; tags are still in place. `segments` counts SMS units.

    `spoken` is what a call says or reads, with "♪ recording" where the recording is played; `written` is the text that
    came with the recording, as a call reads it to who asks for more.
    """

    sender: str = ""  # the name that it comes from, where the channel shows one
    subject: str = ""
    text: str = ""
    html: str = ""
    spoken: str = ""
    written: str = ""
    segments: int = 0
    encoding: str = ""  # GSM-7 or UCS-2, for SMS


@dataclass(frozen=True, slots=True)
class Content:
    """What all Outbounds of one `send` share: a rendition and its envelope.

    `reply_to` holds REPLY_TAG in its local part. `valid_for` is in seconds. `category` is an id for look-ups
    at the provider, without personal data, e.g. "message-7". Every request passes `gate` before it leaves.
    """

    rendition: Rendition
    sender_name: str = ""
    reply_to: str = ""
    unsubscribe_url: str = ""  # holds PREFS_TAG; for List-Unsubscribe
    attachments: tuple[File, ...] = ()
    category: str = ""
    valid_for: int | None = None
    urgent: bool = False  # says so to programs that can show it
    auto_submitted: str = ""  # of RFC 3834, where no person wrote it: auto-generated, or auto-replied for an answer
    gate: Gate = field(default_factory=OpenGate, compare=False)

    def holds(self, tag: str) -> bool:
        """Whether the tag stands anywhere in what is sent."""
        words = self.rendition
        return any(tag in one for one in (words.text, words.html, words.subject, self.reply_to, self.unsubscribe_url))


class Outbound(NamedTuple):
    """One message to one address. `attempt`, 32 hex digits, travels with the call."""

    attempt: str
    address: str
    reply_token: str = ""
    prefs_token: str = ""
    code: str = ""
    language: str = "en"

    @property
    def values(self) -> dict[str, str]:
        """What stands in each tag's place."""
        return {REPLY_TAG: self.reply_token, PREFS_TAG: self.prefs_token, CODE_TAG: self.code}


class Outcome(NamedTuple):
    """What became of one Outbound. The error carries the decision.

    `state`: accepted, deferred (certainly not sent, try again), rejected (the provider will not send this),
    failed (this channel cannot send now) or unknown (may have been sent: never send again, look it up).
    `mark` says what it teaches about the address: "" | invalid | opt-out.
    """

    attempt: str
    state: str
    decision: Decision = ""
    provider_ref: str = ""
    code: str = ""
    error: str = ""
    retry_after: float | None = None  # seconds
    mark: str = ""
    at: datetime | None = None  # when it became known, which is before it is written; noted by the recorder


@dataclass(frozen=True, slots=True)
class Probe:
    """An attempt whose outcome is unknown, as `find` needs it.

    With `any_attempt` it may have left under an attempt's id that a restored database has forgotten: whatever has
    its address and category is it. It left no later than `latest`; without that, soon after `started_at`.

    Where a provider shows no id of ours, what looks like it may be another attempt's. `others` are references that
    belong to others at this address, so that none of them is it, and `known` the ids of these others. `rivals` are the
    words of those that may have been made as well: what could be one of them is not said to be this one.
    """

    attempt: str
    address: str
    text: str  # the rendition's text, of a mail its subject; tags are still in place and stand for anything
    category: str
    started_at: datetime
    provider_ref: str = ""
    any_attempt: bool = False
    latest: datetime | None = None
    others: frozenset[str] = frozenset()
    rivals: tuple[str, ...] = ()
    known: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Found:
    """The provider's answer to a look-up: accepted (with its reference), absent, or cannot say.

    `own` is true where our id, or the reference, shows that it is this attempt's; else it looks like it.
    """

    verdict: Literal["accepted", "absent", "cannot say"]
    provider_ref: str = ""
    own: bool = False


# The header of what a provider was asked for and did not send: it bears no signature. The door lets none of it in.
BROUGHT_BY = "x-brought-by"


@dataclass(frozen=True, slots=True)
class WebRequest:
    """A provider's request as it came. `target` is the raw path and query; header names are lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def query(self) -> str:
        """The raw query string."""
        return self.target.partition("?")[2]


@dataclass(frozen=True, slots=True)
class Event:
    """A provider's news in our words. `attempt` is ours if it travelled along, else "" and `provider_ref` tells.

    `state` is a delivery state, or "" where only `outcome` or `mark` is news, or "unrecognised".
    `mark`: "" | invalid | opt-out | opt-in | complaint, about `address`. With `hung_up` it is the end of a call that
    somebody made to us, named by `provider_ref`.
    """

    dedupe: str  # unique among the provider's events, ≤ 150 characters
    state: str
    at: datetime
    attempt: str = ""
    provider_ref: str = ""
    address: str = ""
    outcome: str = ""
    code: str = ""
    detail: str = ""
    mark: str = ""
    decision: Decision = ""
    hung_up: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """What a mail server's report says of a mail of ours: to whom it could not be brought, and why.

    `failed` are the addresses it has given up, `delayed` those it still tries. `status` is the code of RFC 3463, e.g.
    "5.1.1". Of the headers of ours that it quotes: `attempts`, 32 hex digits each, and `quoted`, addresses with tokens.
    `by_server`: it came as mail servers send theirs, from no address or in the name of their daemon or postmaster.
    """

    failed: tuple[str, ...] = ()
    delayed: tuple[str, ...] = ()
    status: str = ""
    said: str = ""
    attempts: tuple[str, ...] = ()
    quoted: tuple[str, ...] = ()
    by_server: bool = False


@dataclass(frozen=True, slots=True)
class InboundReply:
    """Something a person sent us. `recipients` are the addresses of ours they wrote to.

    `keyword` is stop, start or help where the provider or a whole-message keyword says so.
    `automatic` is what proves that a machine has written it, in words, else ""; `machine` is then its kind as far as
    its headers tell: absence, bounce, delayed, ticket, challenge, list, receipt, calendar, own or other. `hint` is what
    only makes one think of a machine; the words decide. `returned` is what a bounce says. `verified` is "" where the
    sender is proven as far as the channel can, else why not. `distrust` is why nothing may be done on its word,
    whatever token came along: its sender's own domain disowns it, or it could not be read as a mail; else "".
    `sender_check` is what is known of the sender, for people, e.g. "spf=pass dkim=pass dmarc=fail (p=reject)".
    """

    dedupe: str  # ≤ 190 characters
    channel: str
    sender: str
    recipients: tuple[str, ...]
    text: str
    received_at: datetime
    subject: str = ""
    html: str = ""
    keyword: str = ""
    automatic: str = ""
    machine: str = ""
    hint: str = ""
    returned: Returned | None = None
    verified: str = ""
    distrust: str = ""
    sender_check: str = ""
    message_ref: str = ""  # the provider's id
    attachments: tuple[File, ...] = ()
    document: str = ""  # what is to be fetched from the provider, by the name people see


@dataclass(frozen=True, slots=True)
class Parsed:
    """What a callback meant. Nothing in either list: understood by nobody, kept as unrecognised."""

    events: tuple[Event, ...] = ()
    replies: tuple[InboundReply, ...] = ()


class Channel(Protocol):
    """A way to people: normalises its addresses and composes what it will carry."""

    name: str

    def normalise(self, raw: str, region: str = "") -> str:
        """The one writing of an address. Raises ValueError with a text that says what is wrong."""

    def barred(self, address: str, region: str, countries: Collection[str]) -> str:
        """Why nothing may go to this address, which is one: by its country, where `countries` does not hold it ("*"
        holds all), or by its price. "" where it may. The text fits every such address of a country.
        """

    def compose(self, draft: Draft) -> Rendition: ...


class Provider(Protocol):
    """Carries one channel. `name` is what settings and attempts call it."""

    name: str
    channel: str
    limits: Limits

    def send(self, content: Content, batch: Sequence[Outbound]) -> AsyncIterator[Outcome]:
        """One Outcome per Outbound, as each becomes known. Raises nothing for a single message's sake."""

    async def find(self, probe: Probe) -> Found: ...

    async def check(self) -> str:
        """A harmless call with the credentials: "" when they work, else what is wrong and what to do."""

    def open(self) -> None:
        """Make ready what the first request would else wait for. Only in the process that sends: not before a fork."""

    async def aclose(self) -> None: ...


class WebhookSource(Protocol):
    """Reads one vendor's webhooks."""

    def verify(self, request: WebRequest) -> bool:
        """True only for what the vendor truly sent, judged against PUBLIC_URL."""

    def dedupe(self, what: str, request: WebRequest) -> str:
        """A key, ≤ 150 characters, that is the same for copies of the same request, from what is signed."""

    def parse(self, what: str, request: WebRequest) -> Parsed: ...


@runtime_checkable
class TextLog(Protocol):
    """A provider that can be asked which texts or faxes people sent us: a webhook that is lost is told by nobody."""

    name: str

    async def received_between(self, since: datetime, until: datetime) -> Sequence[WebRequest]:
        """Each text or fax to us in this time, oldest first, as its webhook would have brought it.

        Raises ProviderError where the provider cannot be asked, or not for all of them.
        """


@runtime_checkable
class NewsLog(Protocol):
    """A provider that can be asked what became of a text message of ours: news that is lost is told again by nobody."""

    name: str

    async def news_of(self, provider_ref: str, attempt: str) -> WebRequest | None:
        """What its webhook would have brought last; None where nothing is known of it.

        Raises ProviderError where the provider cannot be asked.
        """


@runtime_checkable
class DocumentStore(Protocol):
    """A provider that keeps what people sent us, for us to fetch."""

    name: str

    async def fetch_document(self, ref: str) -> File | None:
        """What came as this message, from the provider's own hosts only, size- and time-limited; None where the
        provider has nothing of it (yet). Raises ProviderError."""


@dataclass(frozen=True, slots=True)
class Listed:
    """An address on a list that a provider keeps by itself, since `at`."""

    address: str
    at: datetime


class SuppressionList(Protocol):
    """The lists by which a provider of `channel` itself keeps mail from people. Reasons: opt-out, complaint.

    Every verb raises ProviderError where it cannot be done now.
    """

    name: str
    channel: str
    reasons: tuple[str, ...]  # those of which there is a list

    async def put(self, address: str) -> None:
        """Have the provider know an opt-out. One that it knows already does no harm."""

    async def take_off(self, address: str, reason: str) -> None:
        """Take an address off the lists that kept mail from it for this reason. One that is on none does no harm."""

    async def read(self, reason: str, since: datetime | None, skip: int) -> Sequence[Listed]:
        """A page of what was put on the list since then, without its first `skip`; at the end an empty one."""

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a post to an outgoing webhook: the answer's status, or None and in `error` why there is none.

    `retry_after`: seconds that the receiver asks to be left alone.
    """

    status: int | None
    retry_after: float | None = None
    error: str = ""


class Poster(Protocol):
    """Posts to addresses that administrators chose."""

    async def post(self, url: str, headers: Mapping[str, str], body: bytes) -> Posted:
        """Raises nothing for the receiver's sake."""

    async def aclose(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Adapters:
    """Everything `bootstrap` made of `channels/` under the settings."""

    channels: Mapping[str, Channel]
    providers: Mapping[str, tuple[Provider, ...]]  # by channel, the one to try first in front; only configured ones
    sources: Mapping[str, WebhookSource]  # by vendor, as in the webhook's address
    lines: Mapping[str, PhoneLine] = field(default_factory=dict)  # by vendor
    transcriber: Transcriber | None = None
    lists: Mapping[str, SuppressionList] = field(default_factory=dict)  # by vendor
    poster: Poster | None = None
