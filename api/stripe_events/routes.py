"""Stripe's webhooks: verify, store, answer. Everything else happens in the `stripe` queue."""

from flask import request

from api.core.access import public
from api.core.blueprint import Blueprint
from api.core.context import now, services
from api.core.openapi import refuses
from api.stripe_events.schemas import ReceivedSchema
from shared.core.errors import Unavailable, code
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.stripe_events import service as stripe_events

NOT_SET_UP = code("stripe.not_set_up", "Stripe webhooks are not set up here")
MAX_BODY_BYTES = 256 * 1024

blueprint = Blueprint("stripe", __name__, url_prefix="/v1/stripe", description=__doc__)


@blueprint.route("/webhook", methods=["POST"])
@public
@blueprint.response(200, ReceivedSchema)
@refuses(413)
def receive_stripe_event() -> dict[str, bool]:
    """Take a webhook from Stripe.

    400 when the signature is not Stripe's, 413 over 256 KiB, 503 while no signing secret is set or the event cannot
    be stored, so that Stripe sends it again.
    """
    if not services().webhooks.enabled:
        raise Unavailable(NOT_SET_UP, "STRIPE_WEBHOOK_SECRET is not set.")
    request.max_content_length = MAX_BODY_BYTES
    event = services().webhooks.verify(request.get_data(), request.headers.get("Stripe-Signature", ""))
    with transaction(PLATFORM) as session:
        stripe_events.receive(session, event, now=now())
    return {"received": True}
