"""What the client claims about a request, held against sockets that do the worst: never sent, or in doubt."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import struct
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from channels.http import Answer, InDoubt, NeverSent, Pool, prepared
from tests.certificates import certified

BODY = b"To=%2B12025550100&Body=Flooding"
HEAD = b"HTTP/1.1 201 Created\r\nContent-Length: "
CREATED = HEAD + b"2\r\n\r\nok"
QUICK, PATIENT = 0.2, 60.0
ROOT = Path(__file__).resolve().parents[2]

Behave = Callable[[socket.socket, Callable[[], bytes]], None]


class Listening:
    """A socket whose every connection does as it is told; `came` are the requests that reached it whole."""

    def __init__(self, behave: Behave, context: ssl.SSLContext | None = None) -> None:
        self.came: list[bytes] = []
        self._behave, self._context = behave, context
        self._socket = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with contextlib.suppress(OSError), contextlib.ExitStack() as open_ones:
            open_ones.enter_context(connection)
            if self._context is not None:
                connection = open_ones.enter_context(self._context.wrap_socket(connection, server_side=True))
            self._behave(connection, lambda: self._read(connection))

    def _read(self, connection: socket.socket) -> bytes:
        read = b""
        while not read.endswith(BODY):
            some = connection.recv(65536)
            if not some:
                raise OSError("gone")
            read += some
        self.came.append(read)
        return read

    def close(self) -> None:
        self._socket.close()


@contextlib.contextmanager
def listening(behave: Behave, context: ssl.SSLContext | None = None) -> Iterator[Listening]:
    found = Listening(behave, context)
    try:
        yield found
    finally:
        found.close()


def posted(url: str, times: int = 1, connect: float = PATIENT, total: float = PATIENT, most: int = 100) -> list[object]:
    """What became of so many posts, one after the other."""

    async def post() -> list[object]:
        pool, found = Pool(connect, total), list[object]()
        for _ in range(times):
            try:
                found.append(await pool.request("POST", url, {"Authorization": "Basic x"}, BODY, most))
            except (NeverSent, InDoubt) as error:
                found.append(error)
        await pool.aclose()
        return found

    return asyncio.run(post())


def cut(connection: socket.socket, read: Callable[[], bytes]) -> None:
    read()


def reset(connection: socket.socket, read: Callable[[], bytes]) -> None:
    read()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def closed_at_once(connection: socket.socket, read: Callable[[], bytes]) -> None:
    return None


def no_http(connection: socket.socket, read: Callable[[], bytes]) -> None:
    read()
    connection.sendall(b"SSH-2.0-hello\r\n\r\n")


def cut_in_its_answer(connection: socket.socket, read: Callable[[], bytes]) -> None:
    read()
    connection.sendall(HEAD + b"50\r\n\r\nok")


def too_long(connection: socket.socket, read: Callable[[], bytes]) -> None:
    read()
    connection.sendall(HEAD + b"5000\r\n\r\n" + b"x" * 5000)


def too_long_in_pieces(connection: socket.socket, read: Callable[[], bytes]) -> None:
    read()
    connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"64\r\n" + b"x" * 100 + b"\r\n")
    connection.sendall(b"64\r\n" + b"x" * 100 + b"\r\n0\r\n\r\n")


def silent(connection: socket.socket, read: Callable[[], bytes]) -> None:
    read()
    connection.recv(1)  # until the other side gives up


def silent_in_its_answer(connection: socket.socket, read: Callable[[], bytes]) -> None:
    read()
    connection.sendall(HEAD + b"50\r\n\r\nok")
    connection.recv(1)


@pytest.mark.parametrize(
    "behave", [cut, reset, closed_at_once, no_http, cut_in_its_answer, too_long, too_long_in_pieces]
)
def test_what_a_connection_carried_is_in_doubt_and_carried_once(behave: Behave) -> None:
    with listening(behave) as server:
        [found] = posted(f"http://127.0.0.1:{server.port}/")
        assert isinstance(found, InDoubt), found
        assert len(server.came) == (0 if behave is closed_at_once else 1)


@pytest.mark.parametrize("behave", [silent, silent_in_its_answer])
def test_who_does_not_answer_in_time_leaves_doubt(behave: Behave) -> None:
    with listening(behave) as server:
        [found] = posted(f"http://127.0.0.1:{server.port}/", total=QUICK)
        assert isinstance(found, InDoubt), found


def test_a_kept_connection_that_is_cut_under_a_request_is_in_doubt_and_not_repeated() -> None:
    def answers_once(connection: socket.socket, read: Callable[[], bytes]) -> None:
        read()
        connection.sendall(CREATED)
        read()

    with listening(answers_once) as server:
        first, second, third, fourth = posted(f"http://127.0.0.1:{server.port}/", times=4)
        assert isinstance(first, Answer)
        assert isinstance(second, InDoubt)
        assert isinstance(third, Answer)
        assert isinstance(fourth, InDoubt)
        assert len(server.came) == 4


def test_where_no_connection_comes_about_nothing_was_sent() -> None:
    free = socket.create_server(("127.0.0.1", 0))
    port = free.getsockname()[1]
    free.close()
    for url in (f"http://127.0.0.1:{port}/", "http://nowhere.invalid/", "no address", "http://", "htp://x/"):
        [found] = posted(url)
        assert isinstance(found, NeverSent), found
        assert str(port) not in str(found)
        assert "nowhere" not in str(found)


def test_tls_that_is_not_agreed_on_in_time_sent_nothing() -> None:
    def says_nothing(connection: socket.socket, read: Callable[[], bytes]) -> None:
        while connection.recv(65536):
            pass

    with listening(says_nothing) as server:
        [found] = posted(f"https://127.0.0.1:{server.port}/", connect=QUICK)
        assert isinstance(found, NeverSent), found


def test_a_certificate_nobody_vouches_for_sends_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(connection: socket.socket, read: Callable[[], bytes]) -> None:
        read()
        connection.sendall(CREATED)

    files = certified(tmp_path)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.server)
    with listening(answers, context) as server:
        [found] = posted(f"https://127.0.0.1:{server.port}/")
        assert isinstance(found, NeverSent), found
        assert server.came == []
        # A bank's own authority is named as for every other program.
        monkeypatch.setenv("SSL_CERT_FILE", str(files.authority))
        [found] = posted(f"https://127.0.0.1:{server.port}/")
        assert isinstance(found, Answer), found


def test_no_credential_stands_in_what_is_said_of_a_request() -> None:
    async def post() -> None:
        pool = Pool()
        try:
            await pool.request("POST", "http://127.0.0.1:9/", {"Authorization": "Basic SECRET\n"}, BODY)
        finally:
            await pool.aclose()

    with pytest.raises(NeverSent) as told:
        asyncio.run(post())
    assert "SECRET" not in str(told.value)
    with pytest.raises(ValueError, match="Authorization") as refused:
        prepared({"Authorization": "Basic SECRET\n"})
    assert "SECRET" not in str(refused.value)


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="threads are counted on Linux")
def test_to_build_the_adapters_starts_no_thread() -> None:
    """A process that forks has built them: a client made there would leave its children waiting for ever."""
    lines = [
        "import os",
        "from channels import registry",
        "from tests.channels.vendors import settings",
        "kept = registry.build(settings(sms_provider='twilio', email_provider='sendgrid', voice_provider='twilio'))",
        "print(len(os.listdir('/proc/self/task')), len(kept.providers))",
        "kept.providers['sms'][0].open()",
        "print(len(os.listdir('/proc/self/task')))",
    ]
    found = subprocess.run(
        [sys.executable, "-c", "\n".join(lines)], capture_output=True, text=True, cwd=ROOT, check=True
    )
    before, providers, after = map(int, found.stdout.split())
    assert (before, providers > 0, after > 1) == (1, True, True)
