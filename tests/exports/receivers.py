"""Receivers of webhooks on this machine: a good one, and such as make the mistakes that receivers make."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast

import orjson
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from shared.wiring import Services, build_webhook_sender
from tests.variants import with_settings
from worker.core import boot

TOLERANCE = 300
Judge = Callable[[Mapping[str, str], bytes], int]
"""From the headers (by lower-case names) and the body to the status."""


@dataclass
class Receiver:
    """A running receiver. `seen` is what came: headers with the parsed body as `event`."""

    host: str
    seen: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://{self.host}/hook?token=of-the-receiver"

    def events(self) -> list[str]:
        """The names of the events that came, in order."""
        return [each["event"]["type"] for each in self.seen]


@contextmanager
def receiver(judge: Judge) -> Iterator[Receiver]:
    """A receiver that answers what `judge` says; a redirect leads back to it."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            found.seen.append(headers | {"event": orjson.loads(body)})
            status = judge(headers, body)
            self.send_response(status)
            if status // 100 == 3:
                self.send_header("Location", "/hook/")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Receiver(f"127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def delivering_to(services: Services, *receivers: Receiver, **changes: Any) -> Services:
    """`services`, of this process's workers as well, that deliver to these receivers only."""
    open_to = {"export_webhook_allow_http": True, "export_webhook_block_private_ips": False}
    hosts = tuple(each.host for each in receivers)
    found = with_settings(
        services, **{"export_mode": "webhook", "export_webhook_allowed_hosts": hosts, **open_to, **changes}
    )
    found = type(found)(**{**_members(found), "webhook_sender": build_webhook_sender(found.settings)})
    boot.use(found)
    return found


def answering(status: int) -> Judge:
    return lambda _, __: status


def verifying(*secrets: str) -> Judge:
    """As it should be, with the package that Standard Webhooks publishes."""

    def judge(headers: Mapping[str, str], body: bytes) -> int:
        for secret in secrets:
            try:
                Webhook(secret).verify(body.decode(), dict(headers))
            except WebhookVerificationError:
                continue
            return 204
        return 400

    return judge


def ignoring_the_time(secret: str) -> Judge:
    """Checks the signature, and takes whatever was signed once."""

    def judge(headers: Mapping[str, str], body: bytes) -> int:
        if "webhook-signature" not in headers:
            return 400
        at = datetime.fromtimestamp(int(headers["webhook-timestamp"]), UTC)
        right = Webhook(secret).sign(headers["webhook-id"], at, body.decode())
        return 204 if right in headers["webhook-signature"].split() else 401

    return judge


def ignoring_the_signature() -> Judge:
    """Looks whether the headers are there, and fresh."""

    def judge(headers: Mapping[str, str], _: bytes) -> int:
        if "webhook-signature" not in headers:
            return 400
        age = datetime.now(UTC).timestamp() - int(headers["webhook-timestamp"])
        return 204 if abs(age) < TOLERANCE else 400

    return judge


def knowing_the_first_signature_only(secret: str) -> Judge:
    right = verifying(secret)

    def judge(headers: Mapping[str, str], body: bytes) -> int:
        first = headers.get("webhook-signature", "").split(" ")[0]
        return right({**headers, "webhook-signature": first} if first else headers, body)

    return judge


def choking_on_duplicates(secret: str, status: int) -> Judge:
    right, known = verifying(secret), set[str]()

    def judge(headers: Mapping[str, str], body: bytes) -> int:
        answer = right(headers, body)
        if answer == 204 and headers["webhook-id"] in known:
            return status
        known.add(headers.get("webhook-id", ""))
        return answer

    return judge


def answering_when(released: threading.Event) -> Judge:
    """Too late for everybody who does not wait."""

    def judge(_: Mapping[str, str], __: bytes) -> int:
        released.wait(30)
        return 204

    return judge


def _members(services: Services) -> dict[str, Any]:
    return {name: getattr(services, name) for name in cast(Any, services).__dataclass_fields__}
