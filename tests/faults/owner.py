"""A company's owner who uses the API over HTTP, from outside."""

import io
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import requests
from PIL import Image

TIMEOUT_SECONDS = 20.0


@dataclass(frozen=True)
class Placed:
    """An order in a system, and the address of its client, who has no other order."""

    id: str
    org_id: str
    client_email: str


class Owner:
    """Signed in at `base_url`. Every call is a connection of its own, unless it goes through `session()`."""

    def __init__(self, base_url: str, access_token: str) -> None:
        self.base_url = base_url
        self.headers = {"Authorization": f"Bearer {access_token}"}
        self.org_id = ""

    def session(self) -> requests.Session:
        """A connection that is kept alive. A proxy of the environment is not asked for this machine."""
        session = requests.Session()
        session.trust_env = False
        session.headers.update(self.headers)
        return session

    def call(self, method: str, path: str, **options: Any) -> requests.Response:
        options = {"timeout": TIMEOUT_SECONDS} | options
        with self.session() as session:
            return session.request(method, self.base_url + path, **options)

    def place_order(self, **changes: Any) -> Placed:
        email = f"client-{secrets.token_hex(6)}@client.test"
        client = self._made("/v1/clients", {"name": "Anna Berg", "email": email})
        order = self._made("/v1/orders", new_order(client["id"]) | changes)
        return Placed(order["id"], self.org_id, email)

    def order(self, placed: Placed) -> dict[str, Any]:
        answer = self.call("GET", f"/v1/orders/{placed.id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def confirm(self, placed: Placed) -> requests.Response:
        return self.call("POST", f"/v1/orders/{placed.id}/confirm")

    def payments(self, placed: Placed) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"/v1/orders/{placed.id}/payments").json()["data"]
        return found

    def upload(self, placed: Placed, photo: bytes) -> requests.Response:
        files = {"file": ("photo.png", photo, "image/png")}
        return self.call("POST", f"/v1/orders/{placed.id}/photos", files=files, data={"phase": "before"})

    def photos(self, placed: Placed) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.call("GET", f"/v1/orders/{placed.id}/photos").json()["data"]
        return found

    def _made(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        answer = self.call("POST", path, json=body)
        assert answer.status_code == 201, answer.text
        made: dict[str, Any] = answer.json()
        return made


def new_order(client_id: str) -> dict[str, Any]:
    """The body of an order so far away that nobody is reminded of it yet."""
    start = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    return {
        "client_id": client_id,
        "title": "Spring cleaning",
        "address": "12 Elm Street, Calgary",
        "scheduled_start": start.isoformat(),
        "scheduled_end": (start + timedelta(hours=2)).isoformat(),
        "total": {"amount": 12900, "currency": "cad"},
        "photo_consent": True,
    }


def photo() -> bytes:
    """A picture that nobody has uploaded before, of noise, so that it is some 200 kB."""
    image = Image.frombytes("RGB", (256, 256), secrets.token_bytes(256 * 256 * 3))
    target = io.BytesIO()
    image.save(target, "PNG")
    return target.getvalue()
