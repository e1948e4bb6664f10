"""GNU Mailman at the same work: a held post to a list is accepted and goes to each by SMTP, personalised."""

from __future__ import annotations

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.compare.stage import STALL_SECONDS, Result, free_port
from dispatcher.bench.bank import ALERT, CarrierDesk
from dispatcher.bench.options import BenchError
from dispatcher.bench.processes import PYTHON, Processes

# Mail to the staff, the list's own notices among it, is no part of what is measured.
LIST, AUTHOR = "alerts@lists.staff.example", "author@staff.example"
_CONFIG = """[mailman]
site_owner: owner@staff.example
layout: bench
[paths.bench]
var_dir: {folder}/var
bin_dir: {bin}
[mta]
incoming: mailman.mta.null.NullMTA
smtp_host: 127.0.0.1
smtp_port: {smtp}
lmtp_host: 127.0.0.1
lmtp_port: {lmtp}
[webservice]
hostname: 127.0.0.1
port: {port}
admin_pass: {word}
"""
_POST = f"""From: Author <{AUTHOR}>
To: {LIST}
Subject: {ALERT["subject"]}
Message-ID: <alert-1@staff.example>
Date: Mon, 02 Nov 2026 09:00:00 +0000
MIME-Version: 1.0
Content-Type: text/plain; charset=utf-8

{ALERT["text"]}
"""


class MailingList:
    """A running Mailman with its data in a folder."""

    def __init__(self, python: Path, folder: Path, processes: Processes, smtp: int) -> None:
        self._python, self._folder, self._processes = python, folder, processes
        self._port, self._word = free_port(), "rest-password"
        self._config = folder / "mailman.cfg"
        self._config.write_text(
            _CONFIG.format(
                folder=folder, bin=python.parent, smtp=smtp, lmtp=free_port(), port=self._port, word=self._word
            )
        )

    def call(self, method: str, path: str, **form: str) -> Any:
        """One call of its REST API; the JSON answered, None where there is none."""
        request = urllib.request.Request(f"http://127.0.0.1:{self._port}/3.1/{path}", method=method)
        pair = base64.b64encode(f"restadmin:{self._word}".encode()).decode()
        request.add_header("Authorization", f"Basic {pair}")
        try:
            with urllib.request.urlopen(request, urlencode(form).encode() if form else None, timeout=900) as answer:  # noqa: S310  # loopback
                raw = answer.read()
        except urllib.error.HTTPError as error:
            raise BenchError(f"Mailman: {method} {path}: {error.code} {error.read()[:200]!r}") from None
        return json.loads(raw) if raw else None

    def _answers(self) -> bool:
        try:
            return bool(self.call("GET", "system/versions"))
        except (OSError, BenchError):
            return False

    def start(self) -> None:
        """Start it, as its master process does."""
        self._processes.start("mailman", [str(self._python.with_name("master")), "-C", str(self._config)])
        self._processes.wait(self._answers, 90, "Mailman does not answer")

    def fill(self, members: int) -> None:
        """The list, moderated and personalised, with so many members."""
        self.call("POST", "domains", mail_host=LIST.partition("@")[2])
        self.call("POST", "lists", fqdn_listname=LIST)
        self.call(
            "PATCH", f"lists/{LIST}/config", personalize="individual", send_welcome_message="false",
            archive_policy="never", default_nonmember_action="hold",
        )  # fmt: skip
        path = self._folder / "members"
        path.write_text("".join(f"c{n}@firm{n % 200}.example\n" for n in range(members)))
        self._command("addmembers", "--no-welcome-msg", str(path), LIST)

    def post(self) -> int:
        """Post the alert; the number under which it is held."""
        path = self._folder / "post"
        path.write_text(_POST)
        self._command("inject", "-f", str(path), LIST)
        until = time.monotonic() + 60
        while time.monotonic() < until:
            if found := self.call("GET", f"lists/{LIST}/held").get("entries"):
                return int(found[0]["request_id"])
            time.sleep(0.2)
        raise BenchError("Mailman has not held the post")

    def _command(self, *arguments: str) -> None:
        root = ["--run-as-root"] if os.geteuid() == 0 else []
        command = [str(self._python.with_name("mailman")), *root, "-C", str(self._config), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise BenchError(f"mailman {arguments[0]}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")


def run(python: Path, recipients: int) -> Result:
    """One post, held and accepted; counted from the acceptance to the last mail taken by the mail server."""
    folder = Path(tempfile.mkdtemp(prefix="compare-"))
    processes = Processes(folder, dict(os.environ))
    try:
        ports = processes.start("carrier", [*PYTHON, "dispatcher.bench.carrier", "--latency-ms", "0"], says=True)
        carrier = CarrierDesk(ports["port"])
        mailman = MailingList(python, folder, processes, ports["smtp"])
        mailman.start()
        mailman.fill(recipients)
        held = mailman.post()
        processes.wait_until_idle()
        before = processes.cpu(["mailman"])
        began = time.time()
        mailman.call("POST", f"lists/{LIST}/held/{held}", action="accept")
        summary = _wait(carrier, recipients)
        cpu = processes.cpu(["mailman"]) - before
        ledger = carrier.ledger()
        return Result(
            key="mailman",
            work="mail",
            recipients=recipients,
            measured=recipients,
            latency_ms=0,
            in_flight=1,
            seconds=summary["answered"] - began,
            first_ms=(summary["first"] - began) * 1000,
            cpu_per_1000=cpu / recipients * 1000,
            peak_mb=processes.peak_mb(["mailman"]),
            losses=recipients - len(ledger),
            duplicates=sum(times - 1 for times in ledger.values()),
        )
    finally:
        processes.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _wait(carrier: CarrierDesk, entries: int) -> dict[str, Any]:
    moved_at, last = time.monotonic(), -1
    while True:
        summary = carrier.summary()
        if summary["entries"] >= entries:
            return summary
        if summary["entries"] != last:
            moved_at, last = time.monotonic(), summary["entries"]
        if time.monotonic() - moved_at > STALL_SECONDS:
            raise BenchError(f"Mailman: {last} of {entries} mails after {STALL_SECONDS:g} s without any more")
        time.sleep(0.1)
