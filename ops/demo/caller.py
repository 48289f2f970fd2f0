"""Somebody who calls the API as a careful client does: what creates has a key, and what was refused is looked at."""

import secrets
from typing import Any

import requests

from ops.demo.story import expect
from ops.demo.world import World

CONFLICT = 409
TRIES = 3
"""How often a captcha is solved again whose first answer was lost."""


class Caller:
    """A stranger, unless `headers` say who they are."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.headers: dict[str, str] = {}

    def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> requests.Response:
        """One call; the answer whatever it is."""
        return self.world.api(method, path, headers=self.headers | (headers or {}), **options)

    def get(self, path: str, **options: Any) -> Any:
        """Read JSON; anything but 200 fails the story."""
        answer = self.call("GET", path, **options)
        expect(answer.status_code == 200, f"GET {path} answered {answer.status_code}: {answer.text}")
        return answer.json()

    def post(self, path: str, body: dict[str, Any] | None = None) -> requests.Response:
        """Create something, once, however often the request has to be sent; the answer whatever it is."""
        return self.call("POST", path, json=body, headers={"Idempotency-Key": f"demo-{secrets.token_hex(8)}"})

    def create(self, path: str, body: dict[str, Any] | None = None) -> Any:
        """Create something, once; anything but 201 or 202 fails the story."""
        answer = self.post(path, body)
        expect(answer.status_code in {201, 202}, f"POST {path} answered {answer.status_code}: {answer.text}")
        return answer.json()

    def change(self, method: str, path: str, body: dict[str, Any]) -> Any:
        """Make a change that is harmless to make twice; anything but 200 fails the story."""
        answer = self.call(method, path, json=body)
        expect(answer.status_code == 200, f"{method} {path} answered {answer.status_code}: {answer.text}")
        return answer.json()

    def move(self, thing: str, verb: str, to: str, body: dict[str, Any] | None = None) -> Any:
        """Move `thing` to the state `to`. A refusal that says that it is there already is no failure: the first try was
        committed, and its answer was lost on the way."""
        answer = self.call("POST", f"{thing}/{verb}", json=body or {})
        if answer.status_code == CONFLICT and answer.json().get("state") == to:
            return self.get(thing)
        expect(answer.status_code == 200, f"{verb} of {thing} answered {answer.status_code}: {answer.text}")
        moved = answer.json()
        expect(moved["state"] == to, f"{verb} of {thing} led to {moved['state']}")
        return moved

    def refused(self, method: str, path: str, status: int, code: str, body: dict[str, Any] | None = None) -> Any:
        """One call that has to be refused, with this `status` and this `code`; the problem document."""
        answer = self.call(method, path, json=body)
        found = (answer.status_code, "" if answer.ok else answer.json()["code"])
        expect(found == (status, code), f"{method} {path} answered {answer.text}, and not {(status, code)}")
        return answer.json()


class Stranger(Caller):
    """Somebody in front of a browser, who solves a captcha where the installation asks for one."""

    def __init__(self, world: World, slug: str) -> None:
        super().__init__(world)
        self._door = f"/v1/public/{slug}"
        self._is_asked = world.environment.get("CAPTCHA_MODE") == "turnstile"

    def look(self, path: str = "", **query: Any) -> Any:
        """Read one of the company's pages."""
        return self.get(self._door + path, params=query)

    def send(self, path: str, body: dict[str, Any]) -> requests.Response:
        """Leave something with the company, once; the answer whatever it is. A captcha is good for one try, so that
        one whose answer was lost needs another."""
        key = {"Idempotency-Key": f"demo-{secrets.token_hex(8)}"}
        for _ in range(TRIES):
            answer = self.call("POST", self._door + path, json=body, headers=key | self._captcha(path))
            if answer.ok or answer.json()["code"] != "captcha.refused":
                break
        return answer

    def leave(self, path: str, body: dict[str, Any]) -> Any:
        """Leave something with the company; anything but 201 fails the story."""
        answer = self.send(path, body)
        expect(answer.status_code == 201, f"POST {path} answered {answer.status_code}: {answer.text}")
        return answer.json()

    def _captcha(self, path: str) -> dict[str, str]:
        action = path.strip("/")
        if not self._is_asked or action not in {"leads", "orders"}:
            return {}
        made = self.world.sandbox("POST", "/api/turnstile/tokens", json={"action": action})
        return {"X-Captcha-Token": str(made["token"])}
