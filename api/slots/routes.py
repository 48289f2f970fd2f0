"""Slots: when the company can come."""

from typing import Any

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.openapi import refuses
from api.core.slots import slot_query
from api.slots.schemas import StaffSlotArguments, StaffSlotsSchema, present
from shared.core.permissions import Permission
from shared.core.transaction import read_only
from shared.orders import slots

blueprint = Blueprint("slots", __name__, url_prefix="/v1/slots", description=__doc__)


@blueprint.route("", methods=["GET"])
@requires(Permission.ORDERS_READ)
@blueprint.arguments(StaffSlotArguments, location="query")
@blueprint.response(200, StaffSlotsSchema)
@refuses(422)
def list_slots(arguments: dict[str, Any]) -> dict[str, Any]:
    """List the times at which a visit can start, with the teams that can come.

    Each can be booked as long as nobody else has booked it. 422 `orders.range_too_long` for more than 31 days.
    """
    with read_only(tenant()) as session:
        return present(slots.find(session, actor(), slot_query(arguments), now=now()))
