"""Stripe's events, signed as Stripe signs them."""

import json
import time
from itertools import count
from typing import Any
from uuid import UUID

from stripe import WebhookSignature

from tests.factories.organizations import Company

SECRET = "whsec_test_run"
_numbers = count(1)


def payment_event(company: Company, order_id: UUID | str, **changes: Any) -> dict[str, Any]:
    """A `payment_intent.succeeded` of 129.00 CAD; `intent` changes the PaymentIntent, the rest the event."""
    number = next(_numbers)
    intent = {
        "id": f"pi_{number}",
        "object": "payment_intent",
        "amount": 12900,
        "amount_received": 12900,
        "currency": "cad",
        "status": "succeeded",
        "metadata": {"org_id": str(company.org_id), "order_id": str(order_id)},
    } | changes.pop("intent", {})
    return {
        "id": f"evt_{number}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": int(time.time()),
        "type": "payment_intent.succeeded",
        "data": {"object": intent},
    } | changes


def signed(
    event: dict[str, Any] | bytes, *, secret: str = SECRET, age: int = 0, header: str | None = None
) -> dict[str, Any]:
    """What a test client posts: the body and its signature, `age` seconds old."""
    body = event if isinstance(event, bytes) else json.dumps(event).encode()
    stamp = int(time.time()) - age
    signature = header or WebhookSignature.generate_signature_header(body.decode("utf-8", "replace"), secret, stamp)
    return {"data": body, "content_type": "application/json", "headers": {"Stripe-Signature": signature}}
