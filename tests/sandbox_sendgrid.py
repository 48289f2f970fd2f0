"""Talking to the sandbox's SendGrid as SendGrid's operators would."""

from typing import Any

import requests
from pydantic import SecretStr

from ops.sandbox.sendgrid.account import API_KEY, BASE_PATH


class SandboxSendGrid:
    """The sandbox on `port` of this machine."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._session.trust_env = False

    def fault(self, mode: str, **more: Any) -> None:
        """Make mails go wrong from now on."""
        self._call("PUT", "/api/sendgrid/fault", {"mode": mode} | more)

    def mails(self) -> list[dict[str, Any]]:
        """What was sent, oldest first."""
        found: list[dict[str, Any]] = self._call("GET", "/api/sendgrid/mails")["data"]
        return found

    def calls(self) -> list[dict[str, Any]]:
        """Every call of mail/send, oldest first."""
        found: list[dict[str, Any]] = self._call("GET", "/api/sendgrid/calls")["data"]
        return found

    def signed(self, message_id: str, *events: dict[str, Any]) -> dict[str, Any]:
        """A webhook of `events` about a mail, as it would be posted."""
        asked = {"message_id": message_id, "events": list(events), "dry": True}
        found: dict[str, Any] = self._call("POST", "/api/sendgrid/events", asked)
        return found

    def public_key(self) -> str:
        """What checks the signature of its webhooks."""
        return str(self._call("GET", "/api/sendgrid/key")["public_key"])

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(method, self.url + path, json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()


def sendgrid_settings(sendgrid: SandboxSendGrid) -> dict[str, Any]:
    """Settings that point the product at the sandbox."""
    return {
        "email_mode": "sendgrid",
        "sendgrid_api_base": sendgrid.url + BASE_PATH,
        "sendgrid_api_key": SecretStr(API_KEY),
    }
