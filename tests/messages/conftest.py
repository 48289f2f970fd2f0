"""The sandbox's mail server, seen from outside."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
import requests

from tests.messages.mail_servers import MailServer, mail_server


class Postbox:
    """What arrived, and what goes wrong with the next deliveries."""

    def __init__(self, http_port: int) -> None:
        self._url = f"http://127.0.0.1:{http_port}"
        self._session = requests.Session()
        self._session.trust_env = False

    def mails(self, to: str) -> list[dict[str, Any]]:
        """Mails to one recipient, oldest first."""
        answer = self._session.get(f"{self._url}/api/mail", params={"to": to}, timeout=10)
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def all(self) -> list[dict[str, Any]]:
        answer = self._session.get(f"{self._url}/api/mail", timeout=10)
        found: list[dict[str, Any]] = answer.json()["data"]
        return found

    def message(self, mail: dict[str, Any]) -> EmailMessage:
        """A mail as it came in."""
        answer = self._session.get(f"{self._url}/mail/{mail['id']}/raw", timeout=10)
        return message_from_bytes(answer.content, policy=policy.default)

    def fault(self, mode: str, **more: Any) -> None:
        answer = self._session.put(f"{self._url}/api/smtp/fault", json={"mode": mode} | more, timeout=10)
        assert answer.status_code == 200, answer.text

    def clear(self) -> None:
        self.fault("ok")
        self._session.delete(f"{self._url}/api/mail", timeout=10)


@pytest.fixture
def postbox(sandbox_ports: dict[str, int]) -> Iterator[Postbox]:
    """The mail server of this test process, empty and well."""
    found = Postbox(sandbox_ports["http_port"])
    found.clear()
    yield found
    found.clear()


@pytest.fixture
def server() -> Iterator[MailServer]:
    """A mail server of the test's own, which writes down what it is told."""
    with mail_server() as found:
        yield found
