"""What all steps use: an order, who works at it, and the numbers of the metrics."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests

from ops.demo.staff import Staff
from ops.demo.story import Story, eventually, expect
from ops.demo.world import World

PANEL = ("crewline_photo_bytes", "crewline_storage_deletes", "crewline_photos_under_way")


@dataclass(frozen=True)
class Album:
    """An order whose client has agreed to photos, one whose client has not, and the owner of the company."""

    world: World
    story: Story
    owner: Staff
    order_id: str
    unagreed_id: str

    @classmethod
    def of(cls, world: World, story: Story) -> "Album":
        """Sign in and place the orders."""
        owner = Staff(world, "owner")
        client = owner.get("/v1/clients", params={"email": world.login("client")["email"]})["data"][0]
        placed = [_place(owner, client["id"], agreed=agreed) for agreed in (True, False)]
        return cls(world, story, owner, *placed)

    @property
    def path(self) -> str:
        return f"/v1/orders/{self.order_id}/photos"

    def send(self, content: bytes, *, to: str | None = None, **fields: str) -> requests.Response:
        """Upload a file; the answer whatever it is."""
        form = {"phase": "after"} | fields
        return self.owner.call("POST", to or self.path, files={"file": ("photo.jpg", content)}, data=form)

    def attach(self, content: bytes, **fields: str) -> dict[str, Any]:
        """Upload a photo and wait until a worker has written it anew. 409: it was stored, its answer was lost."""
        answer = self.send(content, **fields)
        expect(answer.status_code in {201, 409}, f"the upload answered {answer.status_code}: {answer.text}")
        found = answer.json()
        return self.wait_stored(found["photo_id"] if answer.status_code == 409 else found["id"])

    def wait_stored(self, photo_id: str) -> dict[str, Any]:
        """The photo, once it is stored."""

        def stored() -> dict[str, Any] | None:
            photo: dict[str, Any] = self.owner.get(f"{self.path}/{photo_id}")
            expect(photo["state"] != "rejected", f"the photo was rejected: {photo['rejection']}")
            return photo if photo["state"] == "stored" else None

        return eventually(stored, "no worker has processed the photo")

    def numbers(self) -> dict[str, float]:
        """The photo panel of the metrics: what is not zero, by name and labels."""
        token = self.world.environment["METRICS_TOKEN"]
        text = self.world.api("GET", "/v1/metrics", headers={"Authorization": f"Bearer {token}"}).text
        lines = [line.rpartition(" ") for line in text.splitlines() if line.startswith(PANEL)]
        return {name: float(value) for name, _, value in lines if float(value)}

    def show_panel(self, when: str) -> None:
        """Print it."""
        shown = [f"{name} {value:,.0f}" for name, value in sorted(self.numbers().items())]
        self.story.proved(f"The photo panel {when}", *(shown or ["all zero"]))


def _place(owner: Staff, client_id: str, *, agreed: bool) -> str:
    start = (datetime.now(UTC) + timedelta(days=3)).replace(minute=0, second=0, microsecond=0)
    body = {
        "client_id": client_id,
        "title": "Spring cleaning",
        "address": "12 Elm Street, Calgary",
        "scheduled_start": start.isoformat(),
        "scheduled_end": (start + timedelta(hours=3)).isoformat(),
        "total": {"amount": 12900, "currency": "cad"},
        "photo_consent": agreed,
    }
    return str(owner.create("/v1/orders", body)["id"])
