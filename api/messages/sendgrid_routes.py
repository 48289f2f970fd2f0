"""SendGrid's event webhook: what became of mails after SendGrid took them."""

from flask import request

from api.core.access import public
from api.core.blueprint import Blueprint
from api.core.context import now, services
from api.core.openapi import refuses
from api.messages.sendgrid_schemas import ReceivedEventsSchema
from shared.core.errors import Unavailable, code
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages import deliveries

NOT_SET_UP = code("sendgrid.not_set_up", "SendGrid's event webhook is not set up here")
MAX_BODY_BYTES = 1024 * 1024

blueprint = Blueprint("sendgrid", __name__, url_prefix="/v1/sendgrid", description=__doc__)


@blueprint.route("/events", methods=["POST"])
@public
@blueprint.response(200, ReceivedEventsSchema)
@refuses(413)
def receive_sendgrid_events() -> dict[str, bool]:
    """Take a webhook from SendGrid.

    400 when the signature is not SendGrid's or the body no list of events, 413 over 1 MiB, 503 while no verification
    key is set or the events cannot be kept, so that SendGrid sends them again.
    """
    verifier = services().mail_events
    if not verifier.enabled:
        raise Unavailable(NOT_SET_UP, "SENDGRID_WEBHOOK_PUBLIC_KEY is not set.")
    request.max_content_length = MAX_BODY_BYTES
    given = request.headers
    events = verifier.verify(
        request.get_data(),
        given.get("X-Twilio-Email-Event-Webhook-Signature", ""),
        given.get("X-Twilio-Email-Event-Webhook-Timestamp", ""),
    )
    with transaction(PLATFORM) as session:
        deliveries.record(session, events, now=now())
    return {"received": True}
