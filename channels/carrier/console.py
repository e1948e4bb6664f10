"""What a customer of the vendors keeps in their consoles: credentials, numbers, webhook addresses."""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

FILE = "carrier.json"


@dataclass
class Console:
    """Credentials and webhook configuration, as `carrier.json` keeps them (mode 0600)."""

    account_sid: str
    auth_token: str
    sendgrid_key: str
    event_private_key: str
    event_public_key: str
    inbound_secret: str
    telnyx_key: str = ""
    fax_private_key: str = ""  # Ed25519, raw, in base64; so is its public half
    fax_public_key: str = ""
    fax_connection: str = ""
    port: int = 0
    bind: str = "127.0.0.1"
    product_url: str = ""
    sms_webhook: str = ""
    voice_webhook: str = ""
    voice_fallback: str = ""
    voice_status_webhook: str = ""
    fax_webhook: str = ""
    event_webhook: str = ""
    inbound_webhook: str = ""
    inbound_user: str = "inbound"
    inbound_raw: bool = False
    messaging_service: str = ""
    # Area code 339: the fictional 555-01xx range of the capital is full of sample customers.
    sms_from: list[str] = field(default_factory=lambda: ["+13395550100"])
    voice_from: list[str] = field(default_factory=lambda: ["+13395550101"])
    customer_line: str = "+13395550102"
    analyst_line: str = "+13395550103"
    fax_line: str = "+13395550104"
    email_from: str = "alerts@bank.example"
    inbound_domain: str = "in.bank.example"
    directory: list[str] = field(default_factory=list)

    @property
    def api_url(self) -> str:
        return f"http://{self.bind}:{self.port}"

    @property
    def numbers(self) -> set[str]:
        """Every number of ours: what may be a caller id or a sender."""
        return {*self.sms_from, *self.voice_from, self.customer_line, self.analyst_line}

    def point_at(self, product_url: str) -> None:
        """Set the webhook addresses from the product's public URL."""
        base = self.product_url = product_url.rstrip("/")
        self.sms_webhook = f"{base}/webhooks/twilio/sms"
        self.voice_webhook = f"{base}/webhooks/twilio/voice"
        self.voice_status_webhook = f"{base}/webhooks/twilio/call-status#rc=3&rp=all"
        self.fax_webhook = f"{base}/webhooks/telnyx/fax"
        self.event_webhook = f"{base}/webhooks/sendgrid/events"
        self.inbound_webhook = f"{base}/webhooks/sendgrid/inbound"

    def product_settings(self) -> dict[str, str]:
        """The environment the product needs to talk to this carrier."""
        return {
            "TWILIO_ACCOUNT_SID": self.account_sid,
            "TWILIO_AUTH_TOKEN": self.auth_token,
            "TWILIO_API_URL": self.api_url,
            "TWILIO_SMS_FROM": ",".join(self.sms_from),
            "TWILIO_VOICE_FROM": ",".join(self.voice_from),
            "CUSTOMER_LINE": self.customer_line,
            "ANALYST_LINE": self.analyst_line,
            "SENDGRID_API_KEY": self.sendgrid_key,
            "SENDGRID_API_URL": self.api_url,
            "SENDGRID_EVENT_PUBLIC_KEY": self.event_public_key,
            "SENDGRID_INBOUND_SECRET": self.inbound_secret,
            "EMAIL_FROM": self.email_from,
            "INBOUND_EMAIL_DOMAIN": self.inbound_domain,
            "FAX_PROVIDER": "telnyx",
            "TELNYX_API_KEY": self.telnyx_key,
            "TELNYX_API_URL": self.api_url,
            "TELNYX_CONNECTION_ID": self.fax_connection,
            "TELNYX_PUBLIC_KEY": self.fax_public_key,
            "FAX_LINE": self.fax_line,
        }

    def save(self, state: Path) -> None:
        path = state / FILE
        fresh = path.with_suffix(".new")
        with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as out:
            json.dump(asdict(self), out, indent=1)
        fresh.replace(path)


def load(state: Path) -> Console:
    """Read `carrier.json`; FileNotFoundError when `init` was never run there."""
    raw = json.loads((state / FILE).read_text())
    known = {f.name for f in fields(Console)}
    return Console(**{name: value for name, value in raw.items() if name in known})


def load_or_make(state: Path) -> Console:
    """The credentials kept in `state`, or new random ones."""
    try:
        return _with_fax(load(state))
    except FileNotFoundError:
        pass
    key = ec.generate_private_key(ec.SECP256R1())
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    public = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return _with_fax(
        Console(
            account_sid="AC" + secrets.token_hex(16),
            auth_token=secrets.token_hex(16),
            sendgrid_key=f"SG.{secrets.token_urlsafe(16)}.{secrets.token_urlsafe(32)}",
            event_private_key=private.decode(),
            event_public_key=base64.b64encode(public).decode(),
            inbound_secret=secrets.token_urlsafe(24),
            messaging_service="MG" + secrets.token_hex(16),
        )
    )


def _with_fax(console: Console) -> Console:
    """With the fax application's credentials, which a file of an earlier version lacks."""
    if not console.telnyx_key:
        key = ed25519.Ed25519PrivateKey.generate()
        console.telnyx_key = f"KEY{secrets.token_hex(16).upper()}"
        console.fax_private_key = base64.b64encode(key.private_bytes_raw()).decode()
        console.fax_public_key = base64.b64encode(key.public_key().public_bytes_raw()).decode()
        console.fax_connection = str(secrets.randbelow(10**18))
    return console
