"""Orders: the client's last mail, once more."""

from uuid import UUID

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now
from api.core.idempotency import Answer, create_once
from api.core.messages import MessageSchema, present_message
from shared.core.permissions import Permission
from shared.orders.resending import resend_last_mail

blueprint = Blueprint("order mails", __name__, url_prefix="/v1/orders", description=__doc__)


@blueprint.route("/<uuid:order_id>/resend-last-email", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.response(202, MessageSchema)
def resend_last_email(order_id: UUID) -> Answer:
    """Send the client the last mail about an order again, to the address that they have now. It says what it said then.

    It is a mail of its own; the timeline tells what becomes of it. 409 `messages.on_its_way`, with `state`, while the
    last one is not at its end; `messages.just_sent` until `again_at`, a minute after the last time;
    `messages.nothing_to_resend` when there was none, or what it said is forgotten; `messages.too_late` for a reminder
    after the start; `messages.suppressed` while the address gets no such mails; `orders.client_without_address`;
    `clients.erased`.
    """
    return create_once(
        lambda session: present_message(resend_last_mail(session, actor(), order_id, now=now())), status=202
    )
