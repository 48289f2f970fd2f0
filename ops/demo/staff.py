"""A signed-in member of staff."""

from typing import Any

import requests

from ops.demo.story import expect
from ops.demo.world import World


class Staff:
    """Calls the API with a token, and signs in again when the token is over."""

    def __init__(self, world: World, role: str) -> None:
        self._world, self._login = world, world.login(role)
        self.headers: dict[str, str] = {}
        self.sign_in()

    def sign_in(self) -> None:
        """Fetch an access token."""
        body = {name: self._login[name] for name in ("org", "email", "password")}
        answer = self._world.api("POST", "/v1/auth/login", json=body)
        expect(answer.status_code == 200, f"sign-in answered {answer.status_code}: {answer.text}")
        self.headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}

    def call(
        self, method: str, path: str, *, headers: dict[str, str] | None = None, **options: Any
    ) -> requests.Response:
        """One call; the answer whatever it is."""
        return self._world.api(method, path, headers=self.headers | (headers or {}), **options)

    def get(self, path: str) -> Any:
        """Read JSON; anything but 200 fails the story."""
        answer = self.call("GET", path)
        expect(answer.status_code == 200, f"GET {path} answered {answer.status_code}: {answer.text}")
        return answer.json()
