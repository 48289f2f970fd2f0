"""Somebody who was invited: signs in with what they know, keeps what they get."""

import time
from typing import Any

import pyotp
import requests

from ops.demo.story import expect, fail
from ops.demo.world import World

STEP_SECONDS = 30
TRIES = 3
"""How often a step is repeated that a restart of the API has spoilt."""


class Person:
    """An account with its password, tokens and authenticator app."""

    def __init__(self, world: World, org: str, invited: dict[str, Any]) -> None:
        self.world, self.org = world, org
        self.id, self.email, self.name = str(invited["id"]), str(invited["email"]), str(invited["name"])
        self.password = ""
        self.tokens: dict[str, Any] = {}
        self.app: App | None = None

    @property
    def headers(self) -> dict[str, str]:
        """`Authorization` with the latest access token."""
        return {"Authorization": f"Bearer {self.tokens['access_token']}"}

    def knock(self, password: str, *, code: str | None = None, world: World | None = None) -> requests.Response:
        """Try to sign in, perhaps from somewhere else; the answer whatever it is. Tokens are kept."""
        body = {"org": self.org, "email": self.email, "password": password} | ({"code": code} if code else {})
        answer = (world or self.world).api("POST", "/v1/auth/login", json=body)
        if answer.status_code == requests.codes.ok:
            self.tokens = answer.json()
        return answer

    def sign_in(self) -> None:
        """Sign in with password and, when there is an app, a code. Anything else than 200 fails the story."""
        answer = self.knock(self.password, code=self.app.fresh_code() if self.app else None)
        for _ in range(TRIES):
            if self.app is None or _code_of(answer) != "identity.mfa_wrong":
                break
            answer = self.knock(self.password, code=self.app.fresh_code())  # the code was taken, its answer was lost
        expect(answer.status_code == requests.codes.ok, f"{self.name}'s sign-in answered {answer.text}")

    def refresh(self, token: str) -> requests.Response:
        """Swap a refresh token; the answer whatever it is."""
        return self.world.api("POST", "/v1/auth/refresh", json={"refresh_token": token})

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        """One call; the answer whatever it is."""
        return self.world.api(method, path, headers=self.headers, **options)

    def refused(self, method: str, path: str, status: int, code: str, **options: Any) -> None:
        """One call that has to be refused, with this `status` and this `code`."""
        answer = self.call(method, path, **options)
        found = (answer.status_code, _code_of(answer))
        expect(found == (status, code), f"{method} {path} answered {found} to {self.name}, and not {(status, code)}")

    def get(self, path: str) -> Any:
        """Read JSON; anything but 200 fails the story."""
        answer = self.call("GET", path)
        expect(answer.status_code == requests.codes.ok, f"GET {path} answered {answer.text}")
        return answer.json()


class App:
    """An authenticator app, whose owner never types a code twice."""

    def __init__(self, secret: str) -> None:
        self._totp, self._last = pyotp.TOTP(secret), 0

    def fresh_code(self) -> str:
        """The code of now, or the one after the last; the API takes those of a step before and after its own."""
        step = max(int(time.time()) // STEP_SECONDS, self._last + 1)
        time.sleep(max(0.0, (step - 1) * STEP_SECONDS - time.time()))
        self._last = step
        return self.last_code()

    def last_code(self) -> str:
        """The one that was given last."""
        return self._totp.at(self._last * STEP_SECONDS)


def refused_as(answer: requests.Response, code: str, otherwise: str) -> None:
    """Fail the story unless `answer` is a refusal with `code`."""
    if _code_of(answer) != code:
        fail(f"{otherwise}: {answer.status_code} {answer.text}")


def _code_of(answer: requests.Response) -> str:
    return "" if answer.ok else str(answer.json()["code"])
