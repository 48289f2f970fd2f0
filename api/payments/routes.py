"""Payments: what clients have paid."""

from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, tenant
from api.payments.schemas import PaymentListSchema, present
from shared.core.permissions import Permission
from shared.core.transaction import read_only
from shared.payments import service as payments

blueprint = Blueprint("payments", __name__, url_prefix="/v1/orders", description=__doc__)


@blueprint.route("/<uuid:order_id>/payments", methods=["GET"])
@requires(Permission.PAYMENTS_READ)
@blueprint.response(200, PaymentListSchema)
def list_payments(order_id: UUID) -> dict[str, Any]:
    """List what was paid for an order, oldest first."""
    with read_only(tenant()) as session:
        return {"data": [present(payment) for payment in payments.list_for_order(session, actor(), order_id)]}
