"""Another company's system that listens to our events: a process of its own, which can be killed."""

import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from ops.demo.staff import Staff
from ops.demo.story import Story, eventually, expect
from ops.demo.world import World

Found = dict[str, Any]
ENDPOINT = "/v1/webhook-endpoints/current"


@dataclass
class Receiving:
    """The company's owner, and the receiver of its events on `port`, which checks what comes with `secret`."""

    world: World
    story: Story
    owner: Staff
    port: int = 0
    secret: str = ""
    _process: subprocess.Popen[str] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, world: World, story: Story) -> "Receiving":
        """Sign in."""
        return cls(world, story, Staff(world, "owner"))

    def __enter__(self) -> Self:
        """Start the receiver, and tell Crewline of it; the secret is shown this once."""
        self.start()
        url = f"http://127.0.0.1:{self.port}/webhooks"
        seen = self.owner.call("GET", ENDPOINT)
        tag = {"If-Match": seen.headers["ETag"]} if "ETag" in seen.headers else {}
        put = self.owner.call("PUT", ENDPOINT, json={"url": url}, headers=tag)
        expect(put.status_code in {200, 201}, f"PUT {ENDPOINT} answered {put.status_code}: {put.text}")
        self.secret = put.json()["secret"] or self._new_secret()
        self.sandbox("PUT", "/api/webhooks/secrets", json={"secrets": [self.secret]})
        self.story.proved("The company's own system wants its events: the secret is shown once", f"{url}")
        return self

    def __exit__(self, *_: object) -> None:
        """The events go again where those of everybody go."""
        with suppress(Exception):
            self.owner.call("DELETE", ENDPOINT)
        self.kill()

    def start(self) -> None:
        """Start the receiver; after the first time on the same port, and with the secret."""
        command = [sys.executable, "-m", "ops.sandbox.receiver", "--port", str(self.port)]
        command += ["--secret", self.secret] if self.secret else []
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        url = self._process.stdout.readline().strip()
        expect(url, "the receiver did not start")
        self.port = int(url.split(":")[2].partition("/")[0])

    def kill(self) -> None:
        """kill -9."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def sandbox(self, method: str, path: str, **options: Any) -> Any:
        """Call the receiver's own doors and read its JSON."""
        return self.world.call(method, f"http://127.0.0.1:{self.port}{path}", **options).json()

    def received(self, resource_id: str) -> list[Found]:
        """The deliveries about a row, oldest first."""
        found: list[Found] = self.sandbox("GET", "/api/webhooks/deliveries")["data"]
        return [each for each in found if resource_id in each["body"]]

    def wait_for(self, resource_id: str, *kinds: str) -> list[Found]:
        """The deliveries about a row, once there is one of each kind."""

        def arrived() -> list[Found] | None:
            found = self.received(resource_id)
            return found if set(kinds) <= {each["type"] for each in found} else None

        return eventually(arrived, f"the receiver did not get {', '.join(kinds)}")

    def place_order(self) -> str:
        """An order for a day that is free; its identifier."""
        client = self.owner.get("/v1/clients", params={"limit": 1})["data"][0]
        start = (datetime.now(UTC) + timedelta(days=6)).replace(minute=0, second=0, microsecond=0)
        body = {
            "client_id": client["id"],
            "title": "Gutter cleaning",
            "address": "12 Elm Street, Calgary",
            "scheduled_start": start.isoformat(),
            "scheduled_end": (start + timedelta(hours=1)).isoformat(),
            "total": {"amount": 9900, "currency": "cad"},
        }
        return str(self.owner.create("/v1/orders", body)["id"])

    def _new_secret(self) -> str:
        return str(self.owner.create(f"{ENDPOINT}/rotate-secret")["secret"])
