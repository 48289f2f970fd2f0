"""A real sandbox process, a client for it, and a real receiver of webhooks. Needs no other conftest."""

import json
import os
import signal
import smtplib
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests

ROOT = Path(__file__).resolve().parents[2]
SECRET = "whsec_sandbox_tests"


class Sandbox:
    """One running sandbox: its process, its ports, and short ways to talk to it."""

    def __init__(self, folder: Path, *flags: str) -> None:
        self.ready_file = folder / "ready.json"
        self.errors = folder / "stderr.txt"
        command = [sys.executable, "-m", "ops.sandbox", "--ready-file", str(self.ready_file), *flags]
        with self.errors.open("w") as stderr:
            self.process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=stderr, text=True)
        wait_until(lambda: self.ready_file.exists() or self.process.poll() is not None, seconds=20)
        assert self.process.poll() is None, self.errors.read_text()
        self.ready = json.loads(self.ready_file.read_text())
        self.url = f"http://127.0.0.1:{self.ready['http_port']}"
        self.session = requests.Session()
        self.session.trust_env = False

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        return self.session.request(method, self.url + path, timeout=30, **options)

    def smtp(self) -> smtplib.SMTP:
        return smtplib.SMTP("127.0.0.1", self.ready["smtp_port"], timeout=10)

    def send(self, subject: str, to: str = "dana@example.com") -> None:
        message = EmailMessage()
        message["From"], message["To"], message["Subject"] = "hello@sparkle.example", to, subject
        message["Message-ID"] = f"<{subject}@crewline.example>"
        message.set_content("Plain words.")
        with self.smtp() as client:
            client.send_message(message)

    def mails(self, **filters: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", "/api/mail", params=filters).json()["data"]
        return found

    def fault(self, mode: str, **more: Any) -> requests.Response:
        return self.call("PUT", "/api/smtp/fault", json={"mode": mode, **more})

    def s3_fault(self, mode: str, **more: Any) -> dict[str, Any]:
        answer = self.call("PUT", "/api/s3/fault", json={"mode": mode, **more})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def event(self, kind: str = "payment_intent.succeeded", **more: Any) -> dict[str, Any]:
        answer = self.call("POST", "/api/stripe/events", json={"type": kind, **more})
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def stop(self, signum: int = signal.SIGTERM) -> int:
        if self.process.poll() is None:
            os.kill(self.process.pid, signum)
        try:
            return self.process.wait(timeout=3)
        finally:
            self.process.kill()
            self.session.close()
            assert self.process.stdout is not None
            self.process.stdout.close()


class Receiver:
    """A real HTTP server that keeps what it is sent and answers with ``statuses`` in turn, then with 200."""

    def __init__(self, port: int = 0) -> None:
        self.statuses: list[int] = []
        self.bodies: list[bytes] = []
        self.headers: list[dict[str, str]] = []
        self.most_at_once = 0
        self.delay_seconds = 0.0
        self._open = 0
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/hook"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = receiver.take(body, dict(self.headers))
                self.send_response(status)
                self.send_header("Location", receiver.url)
                self.end_headers()
                self.wfile.write(b"taken")

            def log_message(self, *_: object) -> None:
                pass

        return Handler

    def take(self, body: bytes, headers: dict[str, str]) -> int:
        with self._lock:
            self.bodies.append(body)
            self.headers.append(headers)
            status = self.statuses.pop(0) if self.statuses else 200
            self._open += 1
            self.most_at_once = max(self.most_at_once, self._open)
        # Long enough for the others to arrive; how long is not asserted.
        time.sleep(self.delay_seconds)
        with self._lock:
            self._open -= 1
        return status

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def wait_until(true: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"not true within {seconds} s"
        time.sleep(0.02)


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    sandbox = Sandbox(tmp_path_factory.mktemp("sandbox"), "--webhook-secret", SECRET)
    yield sandbox
    assert sandbox.stop() == 0
    assert sandbox.errors.read_text() == ""


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    """The module's sandbox, with no mail in it and no fault in force."""
    running.fault("ok")
    running.call("DELETE", "/api/mail")
    return running


@pytest.fixture
def s3(sandbox: Sandbox) -> Iterator[Sandbox]:
    """The sandbox, with S3 in good order before and after."""
    sandbox.s3_fault("ok")
    yield sandbox
    sandbox.s3_fault("ok")


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Sandbox]]:
    """Starts further sandboxes with flags of their own."""
    started: list[Sandbox] = []

    def begin(*flags: str) -> Sandbox:
        folder = tmp_path / str(len(started))
        folder.mkdir()
        started.append(Sandbox(folder, *flags))
        return started[-1]

    yield begin
    for each in started:
        each.stop()


@pytest.fixture
def receive() -> Iterator[Callable[..., Receiver]]:
    """Starts receivers of webhooks."""
    opened: list[Receiver] = []

    def begin(port: int = 0) -> Receiver:
        opened.append(Receiver(port))
        return opened[-1]

    yield begin
    for each in opened:
        each.close()


@pytest.fixture
def eventually() -> Callable[..., None]:
    """Polls until something is true, or fails at a deadline."""
    return wait_until


@pytest.fixture
def free_port() -> int:
    """A port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="session")
def secret() -> str:
    """What the module's sandbox signs with."""
    return SECRET
