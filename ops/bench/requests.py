"""Requests as bytes, made before they are needed."""

import json
import time
from collections.abc import Mapping
from typing import Any

from ops.sandbox.stripe import objects
from ops.sandbox.stripe.signing import signature

_HEAD = "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{headers}\r\n"


def request(method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> bytes:
    """One HTTP/1.1 request."""
    fields = dict(headers or {}) | ({"Content-Length": str(len(body))} if method == "POST" else {})
    lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    return _HEAD.format(method=method, path=path, headers=lines).encode() + body


def get(path: str, token: str | None = None) -> bytes:
    """A GET, signed in with an access token."""
    return request("GET", path, {"Authorization": f"Bearer {token}"} if token else None)


def post_json(path: str, body: Mapping[str, Any], token: str | None = None) -> bytes:
    """A POST of JSON, signed in with an access token."""
    login = {"Authorization": f"Bearer {token}"} if token else {}
    return request("POST", path, {"Content-Type": "application/json", **login}, json.dumps(body).encode())


def new_order(client_id: str, token: str) -> bytes:
    """The order that every `POST /v1/orders` places, without an Idempotency-Key."""
    body = {
        "client_id": client_id,
        "title": "Spring cleaning",
        "address": "12 Elm Street, Calgary",
        "scheduled_start": "2099-05-01T09:00:00Z",
        "scheduled_end": "2099-05-01T11:00:00Z",
        "total": {"amount": 12900, "currency": "cad"},
    }
    return post_json("/v1/orders", body, token)


def stripe_events(secret: str, count: int, org_id: str, order_id: str) -> list[bytes]:
    """Distinct genuine `payment_intent.succeeded` webhooks, signed now: good for five minutes."""
    now = int(time.time())
    metadata = {"org_id": org_id, "order_id": order_id}
    template = json.dumps(
        objects.event("payment_intent.succeeded", {"metadata": metadata}, event_id="evt_placeholder", created=now)
    )
    made = []
    for _ in range(count):
        payload = template.replace("evt_placeholder", objects.new_id("evt")).encode()
        headers = {"Content-Type": "application/json", "Stripe-Signature": signature(payload, secret, now)}
        made.append(request("POST", "/v1/stripe/webhook", headers, payload))
    return made
