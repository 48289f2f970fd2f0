"""Stripe's event envelope and the objects in it, filled in as far as a receiver could tell the difference.

Source: https://docs.stripe.com/api/events/object and https://docs.stripe.com/api/payment_intents/object.
"""

import secrets
import string
from typing import Any

API_VERSION = "2026-10-28.endive"
STATUS_AFTER = {
    "payment_intent.amount_capturable_updated": "requires_capture",
    "payment_intent.canceled": "canceled",
    "payment_intent.payment_failed": "requires_payment_method",
    "payment_intent.processing": "processing",
    "payment_intent.requires_action": "requires_action",
    "payment_intent.succeeded": "succeeded",
}


def new_id(prefix: str) -> str:
    """A random id in the shape of Stripe's, such as ``evt_1`` and 23 letters and digits."""
    alphabet = string.ascii_letters + string.digits
    return f"{prefix}_1" + "".join(secrets.choice(alphabet) for _ in range(23))


def event(kind: str, given: dict[str, Any], *, event_id: str | None, created: int) -> dict[str, Any]:
    """An event of type ``kind`` about an object; ``created`` is in Unix seconds.

    ``given`` wins over everything that is filled in. Only PaymentIntents are filled in; other objects are
    sent as given.
    """
    about = payment_intent(kind, given, created) if kind.startswith("payment_intent.") else given
    return {
        "id": event_id or new_id("evt"),
        "object": "event",
        "api_version": API_VERSION,
        "created": created,
        "data": {"object": about},
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
    }


def payment_intent(kind: str, given: dict[str, Any], created: int) -> dict[str, Any]:
    """A PaymentIntent as it stands when an event of type ``kind`` is sent. Amounts are in minor units."""
    intent_id = given.get("id") or new_id("pi")
    status = given.get("status") or STATUS_AFTER.get(kind, "requires_payment_method")
    amount = given.get("amount", 12900)
    paid = status == "succeeded"
    filled_in = {
        "id": intent_id,
        "object": "payment_intent",
        "amount": amount,
        "amount_capturable": amount if status == "requires_capture" else 0,
        "amount_received": amount if paid else 0,
        "canceled_at": created if status == "canceled" else None,
        "capture_method": "automatic_async",
        "client_secret": f"{intent_id}_secret_{new_id('s')[3:]}",
        "confirmation_method": "automatic",
        "created": created,
        "currency": "cad",
        "customer": None,
        "description": None,
        "last_payment_error": _card_declined() if kind == "payment_intent.payment_failed" else None,
        "latest_charge": new_id("ch") if paid else None,
        "livemode": False,
        "metadata": {},
        "next_action": None,
        "payment_method": new_id("pm") if paid else None,
        "payment_method_types": ["card"],
        "receipt_email": None,
        "status": status,
    }
    return filled_in | given


def _card_declined() -> dict[str, Any]:
    return {
        "code": "card_declined",
        "decline_code": "generic_decline",
        "message": "Your card was declined.",
        "type": "card_error",
    }
