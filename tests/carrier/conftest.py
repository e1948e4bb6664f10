"""A real carrier process on a free port, and a stand-in for the product that keeps what it is sent."""

import base64
import json
import os
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from openapi_schema_validator import OAS30Validator, OAS31Validator
from sendgrid import SendGridAPIClient
from twilio.http.http_client import TwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.loopback import free_port

ROOT = Path(__file__).parents[2]
SPEEDY = 20


@dataclass
class Post:
    """One webhook as it came."""

    path: str
    headers: dict[str, str]
    body: bytes
    at: float = field(default_factory=time.monotonic)

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode(), keep_blank_values=True))


class Product(ThreadingHTTPServer):
    """Keeps every post; `answers[path]` is bytes, or a function of the Post, or (status, type, bytes)."""

    daemon_threads = True
    request_queue_size = 256

    def __init__(self) -> None:
        self.posts: list[Post] = []
        self.answers: dict[str, Any] = {}
        self.files: dict[str, tuple[str, bytes]] = {}
        super().__init__(("127.0.0.1", 0), _Door)
        self.url = f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A carrier that was killed breaks connections; that is no error here."""

    def to(self, path: str, **fields: str) -> list[Post]:
        """Posts to a path (query included) whose form has these fields."""
        found = [post for post in list(self.posts) if post.path.split("#")[0] == path]
        return [post for post in found if not fields or fields.items() <= post.form.items()]

    def wait(self, path: str, count: int = 1, seconds: float = 60, **fields: str) -> list[Post]:
        return until(lambda: (got := self.to(path, **fields)) and len(got) >= count and got, seconds)


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Product

    def log_message(self, *_: Any) -> None:
        pass

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        post = Post(self.path, dict(self.headers), body)
        self.server.posts.append(post)
        answer = self.server.answers.get(self.path.partition("?")[0], (204, "", b""))
        if callable(answer):
            answer = answer(post)
        if isinstance(answer, bytes):
            answer = (200, "text/xml", answer)
        self._answer(*answer)

    def do_GET(self) -> None:
        kind, body = self.server.files.get(self.path, ("", b""))
        self._answer(200 if kind else 404, kind, body)

    def _answer(self, status: int, kind: str, body: bytes) -> None:
        self.send_response(status)
        if kind:
            self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def until(check: Callable[[], Any], seconds: float = 60) -> Any:
    """The first true result; fails after that many seconds."""
    end = time.monotonic() + seconds
    while True:
        found = check()
        if found:
            return found
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


class Running:
    """A carrier process with its settings and ways to talk to it."""

    def __init__(self, state: Path, product_url: str, speed: float = SPEEDY, directory: tuple[Path, ...] = ()) -> None:
        self.state, self.speed, self.port = state, speed, free_port()
        init = [*self.command, "init", "--state", str(state), "--port", str(self.port), "--product-url", product_url]
        init += [f"--directory={file}" for file in directory]
        made = subprocess.run(init, capture_output=True, text=True, check=True, cwd=ROOT)
        self.settings: dict[str, str] = json.loads(made.stdout)
        self.url = self.settings["TWILIO_API_URL"]
        self.sid, self.token = self.settings["TWILIO_ACCOUNT_SID"], self.settings["TWILIO_AUTH_TOKEN"]
        self.sms_from, self.voice_from = self.settings["TWILIO_SMS_FROM"], self.settings["TWILIO_VOICE_FROM"]
        self.start()

    command = (sys.executable, "-m", "channels.carrier")

    def start(self) -> None:
        serve = [*self.command, "serve", "--state", str(self.state), "--speed", str(self.speed)]
        env = {**os.environ, "CARRIER_DIE_WITH_PARENT": "1"}
        self.process = subprocess.Popen(serve, cwd=ROOT, env=env, stderr=subprocess.DEVNULL)
        until(self._up)

    def _up(self) -> bool:
        assert self.process.poll() is None, "the carrier ended"
        try:
            return bool(self.get("/healthz"))
        except urllib.error.URLError:
            return False

    def stop(self, how: int = signal.SIGTERM) -> None:
        self.process.send_signal(how)
        self.process.wait(60)

    def call(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Any:
        """JSON in, (status, headers, body) out, whatever the status."""
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, method=method, data=data, headers=headers or {})
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, dict(answer.headers), answer.read()
        except urllib.error.HTTPError as no:
            return no.code, dict(no.headers), no.read()

    def get(self, path: str) -> Any:
        with urllib.request.urlopen(self.url + path, timeout=60) as answer:
            return json.loads(answer.read())

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """The control API; asserts success."""
        status, _, answer = self.call(method, "/carrier/api" + path, body)
        assert status < 300, answer
        return json.loads(answer) if answer else None

    def twilio(self) -> Client:
        client = Client(self.sid, self.token, http_client=TwilioHttpClient(timeout=60))
        client.api.base_url = self.url
        return client

    def sendgrid(self) -> SendGridAPIClient:
        return SendGridAPIClient(self.settings["SENDGRID_API_KEY"], host=self.url)

    def post_form(self, path: str, body: str, token: str | None = None) -> tuple[int, dict[str, str], Any]:
        pair = base64.b64encode(f"{self.sid}:{self.token if token is None else token}".encode()).decode()
        headers = {"Authorization": f"Basic {pair}", "Content-Type": "application/x-www-form-urlencoded"}
        status, got, answer = self.call("POST", f"/2010-04-01/Accounts/{self.sid}/{path}", body.encode(), headers)
        return status, got, json.loads(answer)

    def mail(self, body: Any, key: str | None = None) -> tuple[int, dict[str, str], bytes]:
        headers = {
            "Authorization": f"Bearer {key or self.settings['SENDGRID_API_KEY']}",
            "Content-Type": "application/json",
        }
        result: tuple[int, dict[str, str], bytes] = self.call("POST", "/v3/mail/send", body, headers)
        return result

    def ledger(self, **query: str) -> list[dict[str, Any]]:
        from urllib.parse import urlencode

        entries: list[dict[str, Any]] = self.get("/carrier/api/ledger?" + urlencode(query))["entries"]
        return entries

    def behave(self, channel: str, address: str, mode: str, **more: Any) -> None:
        self.api("POST", "/behaviour", {"channel": channel, "address": address, "mode": mode, **more})

    def signed(self, url: str, post: Post) -> bool:
        """Whether Twilio's own validator accepts a post to this URL."""
        signature = post.headers.get("X-Twilio-Signature", "")
        return bool(RequestValidator(self.token).validate(url, post.form, signature))

    def events_signed(self, post: Post) -> bool:
        key = serialization.load_der_public_key(base64.b64decode(self.settings["SENDGRID_EVENT_PUBLIC_KEY"]))
        assert isinstance(key, ec.EllipticCurvePublicKey)
        headers = {name.lower(): value for name, value in post.headers.items()}
        signature = base64.b64decode(headers["x-twilio-email-event-webhook-signature"])
        stamp = headers["x-twilio-email-event-webhook-timestamp"].encode()
        key.verify(signature, stamp + post.body, ec.ECDSA(hashes.SHA256()))
        return True


@pytest.fixture(scope="session")
def product() -> Iterator[Product]:
    server = Product()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture(scope="session")
def shared_carrier(tmp_path_factory: pytest.TempPathFactory, product: Product) -> Iterator[Running]:
    running = Running(tmp_path_factory.mktemp("carrier"), product.url)
    yield running
    running.stop()


@pytest.fixture
def carrier(shared_carrier: Running) -> Iterator[Running]:
    """The session's carrier with good weather; every test takes its own numbers."""
    yield shared_carrier
    shared_carrier.api("DELETE", "/faults")


@pytest.fixture
def own_carrier(tmp_path: Path, product: Product) -> Iterator[Running]:
    """A carrier of the test's own, for stopping and starting."""
    running = Running(tmp_path / "state", product.url)
    yield running
    if running.process.poll() is None:
        running.stop()


_numbers = iter(range(10_000_000, 99_999_999))


@pytest.fixture
def number() -> Callable[[], str]:
    """New telephone numbers, never used before."""
    return lambda: f"+1555{next(_numbers):08d}"[:13]


@pytest.fixture
def wait() -> Callable[..., Any]:
    return until


@pytest.fixture(scope="session")
def conforms() -> Callable[..., None]:
    """Asserts that a document is what a vendor's file says of that answer."""
    files: dict[str, Any] = {}

    def check(file: str, path: str, method: str, status: int, document: Any) -> None:
        if file not in files:
            files[file] = json.loads((ROOT / "tests/specs" / f"{file}.json").read_text())
        spec = files[file]
        answer = spec["paths"][path][method]["responses"][str(status)]
        schema = {**answer["content"]["application/json"]["schema"], "components": spec["components"]}
        kind = OAS30Validator if spec["openapi"].startswith("3.0") else OAS31Validator
        errors = [f"{list(e.absolute_path)}: {e.message}" for e in kind(schema).iter_errors(document)]
        assert not errors, errors
        if "properties" in schema or "$ref" in schema:
            named = schema.get("properties") or _deref(spec, schema["$ref"])["properties"]
            if isinstance(document, dict) and file.startswith("twilio"):
                assert set(document) >= set(named), set(named) - set(document)

    return check


def _deref(spec: Any, ref: str) -> Any:
    for part in ref.removeprefix("#/").split("/"):
        spec = spec[part]
    return spec
