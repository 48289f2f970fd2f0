"""Talking to the sandbox's Turnstile as the widget and as Cloudflare's operators would."""

from typing import Any

import requests
from pydantic import SecretStr

from ops.sandbox.turnstile.tokens import SECRET


class SandboxTurnstile:
    """The sandbox on `port` of this machine."""

    def __init__(self, port: int) -> None:
        self.url = f"http://127.0.0.1:{port}"
        self._session = requests.Session()
        self._session.trust_env = False

    def solve(self, action: str = "leads", **more: Any) -> str:
        """A token as a browser gets it."""
        return str(self._call("POST", "/api/turnstile/tokens", {"action": action} | more)["token"])

    def fault(self, mode: str, **more: Any) -> None:
        """Make checks go wrong from now on."""
        self._call("PUT", "/api/turnstile/fault", {"mode": mode} | more)

    def checks(self, token: str) -> list[dict[str, Any]]:
        """How `token` was checked."""
        found = self._call("GET", "/api/turnstile/checks")["data"]
        return [check for check in found if check["token"] == token]

    def siteverify(self, **form: str) -> dict[str, Any]:
        """What Cloudflare says to anybody who asks."""
        answer = self._session.post(f"{self.url}/turnstile/v0/siteverify", data=form, timeout=10)
        found: dict[str, Any] = answer.json()
        return found

    def _call(self, method: str, path: str, body: Any = None) -> Any:
        answer = self._session.request(method, self.url + path, json=body, timeout=10)
        answer.raise_for_status()
        return answer.json()


def captcha_settings(turnstile: SandboxTurnstile) -> dict[str, Any]:
    """Settings that point the product at the sandbox."""
    return {
        "captcha_mode": "turnstile",
        "turnstile_api_base": turnstile.url,
        "turnstile_secret_key": SecretStr(SECRET),
        "turnstile_hostnames": (),
    }
