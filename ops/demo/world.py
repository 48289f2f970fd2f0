"""The running system as a client sees it: addresses, logins, and HTTP that repeats what failed on the way."""

import json
import random
import socket
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import requests
from requests.adapters import HTTPAdapter

from ops.demo.story import PATIENCE_SECONDS, fail

PASSING = {502, 503, 504}
"""Answers after which trying again is right."""


@dataclass
class World:
    """What `var/quickstart.json` says."""

    api_url: str
    sandbox_url: str
    flower_url: str
    flower_login: dict[str, str]
    logins: list[dict[str, str]]
    environment: dict[str, str]
    _state: Path = Path()
    _http: requests.Session = field(default_factory=requests.Session)

    @classmethod
    def read(cls, path: Path) -> "World":
        """Read the quickstart's description of itself."""
        found = json.loads(path.read_text())
        world = cls(**{name: found[name] for name in cls.__dataclass_fields__ if not name.startswith("_")})
        world._http.trust_env, world._state = False, path
        return world

    def pid(self, process: str) -> int:
        """The process that is called so now: one that has died is started again with another number."""
        return int(json.loads(self._state.read_text())["processes"][process]["pid"])

    def elsewhere(self) -> "World":
        """The same system, called from another address of this machine: who guesses passwords there does not lock the
        developer out here, who comes from 127.0.0.1. Where the machine has no other address, it is the usual one."""
        http = requests.Session()
        http.trust_env = False
        http.mount("http://", _From(f"127.{random.randint(1, 254)}.{random.randint(0, 255)}.{random.randint(1, 254)}"))
        return replace(self, _http=http)

    @property
    def upload_root(self) -> Path:
        """Where the `local` storage keeps photos."""
        return Path(self.environment["ORDER_UPLOAD_ROOT"])

    def login(self, role: str) -> dict[str, str]:
        """The demo login of `role`."""
        return next(login for login in self.logins if login["role"] == role)

    def api(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call the API; see `call`."""
        return self.call(method, self.api_url + path, **options)

    def sandbox(self, method: str, path: str, **options: Any) -> Any:
        """Call the sandbox and read its JSON."""
        return self.call(method, self.sandbox_url + path, **options).json()

    def call(self, method: str, url: str, **options: Any) -> requests.Response:
        """One request. While the other end is away or says 503, it is repeated, as a careful client does."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                response = self._http.request(method, url, timeout=15, **options)
                if response.status_code not in PASSING or time.monotonic() > deadline:
                    return response
            except requests.RequestException as error:
                if time.monotonic() > deadline:
                    fail(f"{method} {url}: {error}")
            time.sleep(0.3)


class _From(HTTPAdapter):
    """Connections from `address`, if this machine has it: Linux has the whole of 127.0.0.0/8, macOS one address."""

    def __init__(self, address: str) -> None:
        self._address = address
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        """Called by requests."""
        if _is_ours(self._address):
            options["source_address"] = (self._address, 0)
        super().init_poolmanager(*args, **options)


def _is_ours(address: str) -> bool:
    with socket.socket() as tried:
        try:
            tried.bind((address, 0))
        except OSError:
            return False
    return True
