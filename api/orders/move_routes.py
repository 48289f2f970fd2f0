"""Orders: from state to state, to another time, to other people.

Every move is refused with 409 `orders.wrong_state`, `state` and `allowed`, when the order's state does not allow it.
"""

from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.alternatives import offering_alternatives
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.etags import expected_version
from api.core.idempotency import Answer
from api.core.openapi import honours_if_match
from api.orders.presenting import versioned
from api.orders.schemas import (
    AssignSchema,
    CancelSchema,
    CompleteSchema,
    NoShowSchema,
    OrderSchema,
    RescheduleSchema,
)
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.orders import assigning, moving, scheduling
from shared.orders import service as orders

blueprint = Blueprint("order moves", __name__, url_prefix="/v1/orders", description=__doc__)


@blueprint.route("/<uuid:order_id>/confirm", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.response(200, OrderSchema)
@honours_if_match
def confirm_order(order_id: UUID) -> Answer:
    """Confirm a pending order and mail the client; its checklist is laid out.

    A deposit that is not paid yet does not keep staff from it.
    """
    with transaction(tenant()) as session:
        return versioned(moving.confirm(session, actor(), order_id, version=expected_version(), now=now()))


@blueprint.route("/<uuid:order_id>/start", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.response(200, OrderSchema)
@honours_if_match
def start_order(order_id: UUID) -> Answer:
    """The crew is there. The first worker who clocks in starts the order, too."""
    with transaction(tenant()) as session:
        return versioned(moving.start(session, actor(), order_id, version=expected_version(), now=now()))


@blueprint.route("/<uuid:order_id>/complete", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(CompleteSchema)
@blueprint.response(200, OrderSchema)
@honours_if_match
def complete_order(body: dict[str, Any], order_id: UUID) -> Answer:
    """The work is done: clocks that run are stopped, and the client gets a mail.

    409 `orders.checklist_unfinished`, with the items, while required ones are open and no `override_reason` is given.
    """
    with transaction(tenant()) as session:
        return versioned(moving.complete(session, actor(), order_id, **body, version=expected_version(), now=now()))


@blueprint.route("/<uuid:order_id>/cancel", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(CancelSchema)
@blueprint.response(200, OrderSchema)
@honours_if_match
def cancel_order(body: dict[str, Any], order_id: UUID) -> Answer:
    """Call an order off and mail the client the reason.

    The cancellation policy says what it costs: `cancellation_fee` and `refund_due`, unless `waive_fee_reason` is given.
    """
    with transaction(tenant()) as session:
        return versioned(moving.cancel(session, actor(), order_id, **body, version=expected_version(), now=now()))


@blueprint.route("/<uuid:order_id>/no-show", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(NoShowSchema)
@blueprint.response(200, OrderSchema)
@honours_if_match
def mark_no_show(body: dict[str, Any], order_id: UUID) -> Answer:
    """Nobody was there to let the crew in.

    It costs what calling off at the last minute does, unless `waive_fee_reason` is given. 409 `orders.too_early` before
    the appointment.
    """
    with transaction(tenant()) as session:
        return versioned(moving.no_show(session, actor(), order_id, **body, version=expected_version(), now=now()))


@blueprint.route("/<uuid:order_id>/reschedule", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(RescheduleSchema)
@blueprint.response(200, OrderSchema)
@honours_if_match
def reschedule_order(body: dict[str, Any], order_id: UUID) -> Answer:
    """Move an order to another time, with its team and workers, and mail a client who knows of the old one.

    409 `orders.slot_taken`, with three `alternatives`, when somebody's time is taken.
    """
    with read_only(tenant()) as session:
        order = orders.get(session, actor(), order_id)
    start = body["scheduled_start"]
    end = body.get("scheduled_end") or start + (order.scheduled_end - order.scheduled_start)
    with (
        offering_alternatives(start, end, team_id=order.team_id, moved_order_id=order_id),
        transaction(tenant()) as session,
    ):
        return versioned(
            scheduling.reschedule(session, actor(), order_id, **body, version=expected_version(), now=now())
        )


@blueprint.route("/<uuid:order_id>/assign", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(AssignSchema)
@blueprint.response(200, OrderSchema)
@honours_if_match
def assign_order(body: dict[str, Any], order_id: UUID) -> Answer:
    """Send a team and workers to an order, or nobody.

    409 `orders.slot_taken`, with three `alternatives` for the team, when somebody's time is taken.
    """
    with read_only(tenant()) as session:
        order = orders.get(session, actor(), order_id)
    with (
        offering_alternatives(
            order.scheduled_start,
            order.scheduled_end,
            team_id=body["team_id"],
            worker_ids=body["worker_ids"],
            moved_order_id=order_id,
        ),
        transaction(tenant()) as session,
    ):
        return versioned(assigning.assign(session, actor(), order_id, **body, version=expected_version(), now=now()))
