"""Sending Stripe events, and seeing what was sent."""

import json
import time
from datetime import UTC, datetime
from functools import partial
from typing import Any

from flask import Blueprint, Response, jsonify, render_template

from ops.sandbox.fields import BadBodyError, Fields
from ops.sandbox.posting import Posting, deliver
from ops.sandbox.stripe import objects
from ops.sandbox.stripe.log import Sent
from ops.sandbox.stripe.signing import signed_headers
from ops.sandbox.world import world

blueprint = Blueprint("stripe", __name__)

MAX_TIMES = 100
MAX_CONCURRENCY = 16
MAX_UNIX_SECONDS = 4_000_000_000
KNOWN_FIELDS = (
    "type",
    "object",
    "id",
    "created",
    "times",
    "concurrency",
    "secret",
    "timestamp_offset",
    "url",
    "retry",
)


@blueprint.post("/api/stripe/events")
def send_event() -> Response:
    """Build an event, sign it and post it; answers when every delivery has ended."""
    fields = Fields(*KNOWN_FIELDS)
    event = _event(fields)
    posting = _posting(fields, _serialised(event))
    began = datetime.now(UTC)
    deliveries = deliver(posting, world().stopping)
    world().stripe_events.add(Sent(began, posting.url, event, deliveries))
    return jsonify(event=event, deliveries=deliveries)


@blueprint.get("/api/stripe/events")
def list_events() -> Response:
    """What was sent, oldest first."""
    return jsonify(
        data=[
            {
                "sent_at": sent.sent_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "url": sent.url,
                "event": sent.event,
                "deliveries": sent.deliveries,
            }
            for sent in world().stripe_events.all()
        ]
    )


@blueprint.get("/stripe")
def show_events() -> str:
    """What was sent, newest first, as a page."""
    return render_template("stripe.html", events=world().stripe_events.all()[::-1], world=world())


def _event(fields: Fields) -> dict[str, Any]:
    kind = fields.text("type", None)
    if kind is None:
        raise BadBodyError("type is missing: the event's type, such as payment_intent.succeeded")
    created = fields.whole("created", int(time.time()), low=0, high=MAX_UNIX_SECONDS)
    return objects.event(kind, fields.mapping("object"), event_id=fields.text("id", None), created=created)


def _serialised(event: dict[str, Any]) -> bytes:
    try:
        return json.dumps(event, indent=2, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise BadBodyError(f"object cannot be written as JSON: {error}") from error


def _posting(fields: Fields, payload: bytes) -> Posting:
    url = fields.url("url", world().webhook_url)
    secret = fields.text("secret", world().webhook_secret)
    if url is None:
        raise BadBodyError("url is missing, and the sandbox was started without --webhook-url")
    if secret is None:
        raise BadBodyError("secret is missing, and the sandbox was started without --webhook-secret")
    offset = fields.whole("timestamp_offset", 0, low=-MAX_UNIX_SECONDS, high=MAX_UNIX_SECONDS)
    return Posting(
        payload=payload,
        url=url,
        headers=partial(signed_headers, payload, secret, offset),
        times=fields.whole("times", 1, low=1, high=MAX_TIMES),
        concurrency=fields.whole("concurrency", 1, low=1, high=MAX_CONCURRENCY),
        retry=fields.flag("retry"),
    )
