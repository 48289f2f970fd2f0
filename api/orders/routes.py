"""Orders: place, read, confirm, cancel."""

from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.etags import etag, expected_version
from api.core.idempotency import Answer, create_once
from api.core.openapi import honours_if_match
from api.core.pagination import page_answer, page_request, page_schema
from api.orders.schemas import CancelSchema, OrderInSchema, OrderListArguments, OrderSchema, new_order, present
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.orders import service as orders

blueprint = Blueprint("orders", __name__, url_prefix="/v1/orders", description=__doc__)


@blueprint.route("", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(OrderInSchema)
@blueprint.response(201, OrderSchema)
def create_order(body: dict[str, Any]) -> Answer:
    """Place an order for a client; it starts out `pending`."""
    return create_once(lambda session: present(orders.place(session, actor(), new_order(body), now=now())))


@blueprint.route("", methods=["GET"])
@requires(Permission.ORDERS_READ)
@blueprint.arguments(OrderListArguments, location="query")
@blueprint.response(200, page_schema(OrderSchema))
def list_orders(arguments: dict[str, Any]) -> Answer:
    """List orders, the latest scheduled first."""
    with read_only(tenant()) as session:
        page = orders.list_page(
            session,
            actor(),
            page_request(arguments),
            states=arguments.get("status"),
            client_id=arguments.get("client_id"),
            scheduled_from=arguments.get("scheduled_from"),
            scheduled_to=arguments.get("scheduled_to"),
        )
    return page_answer(page, present)


@blueprint.route("/<uuid:order_id>", methods=["GET"])
@requires(Permission.ORDERS_READ)
@blueprint.response(200, OrderSchema)
def get_order(order_id: UUID) -> Answer:
    """Get one order. The `ETag` names its version."""
    with read_only(tenant()) as session:
        order = orders.get(session, actor(), order_id)
    return present(order), 200, etag(order.version)


@blueprint.route("/<uuid:order_id>/confirm", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.response(200, OrderSchema)
@honours_if_match
def confirm_order(order_id: UUID) -> Answer:
    """Confirm a pending order and mail the client.

    409 `orders.wrong_state` when it is not pending; 412 when `If-Match` names another version.
    """
    with transaction(tenant()) as session:
        order = orders.confirm(session, actor(), order_id, version=expected_version(), now=now())
    return present(order), 200, etag(order.version)


@blueprint.route("/<uuid:order_id>/cancel", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(CancelSchema)
@blueprint.response(200, OrderSchema)
@honours_if_match
def cancel_order(body: dict[str, Any], order_id: UUID) -> Answer:
    """Cancel a pending or confirmed order and mail the client the reason.

    409 `orders.wrong_state` when it is over already; 412 when `If-Match` names another version.
    """
    with transaction(tenant()) as session:
        order = orders.cancel(session, actor(), order_id, reason=body["reason"], version=expected_version(), now=now())
    return present(order), 200, etag(order.version)
