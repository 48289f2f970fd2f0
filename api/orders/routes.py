"""Orders: place, read, change."""

from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.alternatives import offering_alternatives
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.etags import etag, expected_version
from api.core.idempotency import Answer, create_once
from api.core.openapi import refuses, requires_if_match
from api.core.pagination import page_answer, page_request, page_schema
from api.orders.presenting import present, versioned
from api.orders.schemas import OrderChangesSchema, OrderInSchema, OrderListArguments, OrderSchema, new_order
from api.orders.timeline import TimelineSchema, present_timeline
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.messages import service as messages
from shared.orders import history, scheduling
from shared.orders import service as orders
from shared.orders.placing import place
from shared.payments import service as payments

blueprint = Blueprint("orders", __name__, url_prefix="/v1/orders", description=__doc__)


@blueprint.route("", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(OrderInSchema)
@blueprint.response(201, OrderSchema)
def create_order(body: dict[str, Any]) -> Answer:
    """Place an order for a client; it starts out `pending`.

    The price is that of the estimate; or staff name `total`, `title` and `scheduled_end`. With a team or workers, their
    time is taken: 409 `orders.slot_taken`, with three `alternatives`, when somebody has it.
    """
    wanted = new_order(body)
    start, end = wanted.scheduled_start, wanted.scheduled_end
    with offering_alternatives(
        start, end, estimate_id=wanted.estimate_id, team_id=wanted.team_id, worker_ids=wanted.worker_ids
    ):
        return create_once(lambda session: present(place(session, actor(), wanted, now=now())))


@blueprint.route("", methods=["GET"])
@requires(Permission.ORDERS_READ)
@blueprint.arguments(OrderListArguments, location="query")
@blueprint.response(200, page_schema(OrderSchema))
def list_orders(arguments: dict[str, Any]) -> Answer:
    """List orders, the latest scheduled first."""
    filters = orders.Filters(
        states=arguments.get("status"),
        client_id=arguments.get("client_id"),
        team_id=arguments.get("team_id"),
        unassigned=arguments.get("unassigned"),
        on_date=arguments.get("date"),
        scheduled_from=arguments.get("scheduled_from"),
        scheduled_to=arguments.get("scheduled_to"),
        updated_since=arguments.get("updated_since"),
        q=arguments.get("q"),
    )
    with read_only(tenant()) as session:
        page = orders.list_page(session, actor(), page_request(arguments), filters)
    return page_answer(page, present)


@blueprint.route("/<uuid:order_id>", methods=["GET"])
@requires(Permission.ORDERS_READ)
@blueprint.response(200, OrderSchema)
def get_order(order_id: UUID) -> Answer:
    """Get one order. The `ETag` names its version."""
    with read_only(tenant()) as session:
        order = orders.get(session, actor(), order_id)
    return present(order), 200, etag(order.version)


@blueprint.route("/<uuid:order_id>", methods=["PATCH"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(OrderChangesSchema)
@blueprint.response(200, OrderSchema)
@refuses(409)
@requires_if_match
def update_order(body: dict[str, Any], order_id: UUID) -> Answer:
    """Change what is written about an order that is not over.

    Time, team and state have operations of their own. `If-Match` is required: 428 without it, 412 when it names
    another version, `*` for any.
    """
    with transaction(tenant()) as session:
        order = scheduling.change(session, actor(), order_id, version=expected_version(), now=now(), **body)
    return versioned(order)


@blueprint.route("/<uuid:order_id>/timeline", methods=["GET"])
@requires(Permission.ORDERS_READ)
@blueprint.response(200, TimelineSchema)
def get_order_timeline(order_id: UUID) -> dict[str, Any]:
    """Get all that has happened around an order, oldest first: who did what, mails and their fate, payments."""
    with read_only(tenant()) as session:
        paid = payments.list_for_order(session, actor(), order_id)
        mails = messages.about(session, actor(), order_id)
        happened = history.of_order(session, actor(), order_id)
    return present_timeline(happened, mails, paid)
