"""The running system as a client sees it: addresses, logins, and HTTP that repeats what failed on the way."""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

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
    _http: requests.Session = field(default_factory=requests.Session)

    @classmethod
    def read(cls, path: Path) -> "World":
        """Read the quickstart's description of itself."""
        found = json.loads(path.read_text())
        world = cls(**{name: found[name] for name in cls.__dataclass_fields__ if not name.startswith("_")})
        world._http.trust_env = False
        return world

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
