"""What has to be done: checklist templates of services, and the checklists of orders."""

from typing import Any
from uuid import UUID

from api.checklists.schemas import (
    ChecklistItemSchema,
    ChecklistSchema,
    ChecklistTemplateInSchema,
    ChecklistTemplateSchema,
    present_item,
    present_template,
)
from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from shared.checklists import service as checklists
from shared.checklists import templates
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.orders import service as orders
from shared.orders.moving import check_allowed
from shared.orders.states import Move

blueprint = Blueprint("checklists", __name__, url_prefix="/v1", description=__doc__)


@blueprint.route("/services/<uuid:service_id>/checklist-template", methods=["GET"])
@requires(Permission.CATALOG_READ)
@blueprint.response(200, ChecklistTemplateSchema)
def get_checklist_template(service_id: UUID) -> dict[str, Any]:
    """Get the version of a service's checklist that is in force. Without items, there is no checklist any more."""
    with read_only(tenant()) as session:
        return present_template(templates.get(session, actor(), service_id))


@blueprint.route("/services/<uuid:service_id>/checklist-template", methods=["PUT"])
@requires(Permission.CATALOG_WRITE)
@blueprint.arguments(ChecklistTemplateInSchema)
@blueprint.response(200, ChecklistTemplateSchema)
def replace_checklist_template(body: dict[str, Any], service_id: UUID) -> dict[str, Any]:
    """Put a new version of a service's checklist in force.

    Orders are given it when they are confirmed; those that are confirmed keep theirs. The same items again make no new
    version.
    """
    with transaction(tenant()) as session:
        return present_template(templates.replace(session, actor(), service_id, body["items"], now=now()))


@blueprint.route("/orders/<uuid:order_id>/checklist", methods=["GET"])
@requires(Permission.ORDERS_READ)
@blueprint.response(200, ChecklistSchema)
def list_checklist_items(order_id: UUID) -> dict[str, Any]:
    """List what has to be done at an order, in the order of the work; nothing before it is confirmed."""
    with read_only(tenant()) as session:
        orders.get(session, actor(), order_id)
        return {"data": [present_item(item) for item in checklists.list_for_order(session, actor(), order_id)]}


@blueprint.route("/orders/<uuid:order_id>/checklist/<uuid:checklist_item_id>/tick", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.response(200, ChecklistItemSchema)
def tick_checklist_item(order_id: UUID, checklist_item_id: UUID) -> dict[str, Any]:
    """Mark something as done; again changes nothing. 409 `orders.wrong_state` when the order is over."""
    with transaction(tenant()) as session:
        check_allowed(orders.lock(session, actor(), order_id), Move.CHANGE)
        return present_item(checklists.tick(session, actor(), order_id, checklist_item_id, now=now()))


@blueprint.route("/orders/<uuid:order_id>/checklist/<uuid:checklist_item_id>/untick", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.response(200, ChecklistItemSchema)
def untick_checklist_item(order_id: UUID, checklist_item_id: UUID) -> dict[str, Any]:
    """Mark something as not done; again changes nothing. 409 `orders.wrong_state` when the order is over."""
    with transaction(tenant()) as session:
        check_allowed(orders.lock(session, actor(), order_id), Move.CHANGE)
        return present_item(checklists.untick(session, actor(), order_id, checklist_item_id, now=now()))
