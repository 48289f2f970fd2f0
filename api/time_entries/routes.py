"""How long workers were at an order: start, pause, resume, finish."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.idempotency import Answer, create_once
from api.time_entries.schemas import FinishSchema, StartSchema, TimeEntryListSchema, TimeEntrySchema, present
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.orders import service as orders
from shared.orders.working import clock_in
from shared.time_entries import queries
from shared.time_entries import service as time_entries

blueprint = Blueprint("time_entries", __name__, url_prefix="/v1", description=__doc__)


@blueprint.route("/orders/<uuid:order_id>/time-entries", methods=["GET"])
@requires(Permission.ORDERS_READ)
@blueprint.response(200, TimeEntryListSchema)
def list_time_entries(order_id: UUID) -> dict[str, Any]:
    """List who worked at an order and how long, the first started first."""
    with read_only(tenant()) as session:
        orders.get(session, actor(), order_id)
        entries = queries.list_for_order(session, actor(), order_id, now=now())
    return {"data": [present(entry) for entry in entries]}


@blueprint.route("/orders/<uuid:order_id>/time-entries", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(StartSchema)
@blueprint.response(201, TimeEntrySchema)
def start_time_entry(body: dict[str, Any], order_id: UUID) -> Answer:
    """Let a worker's time at an order run; the first one starts the order.

    409 `time_entries.already_running` with `order_id` and `time_entry_id` of where it runs; 409
    `time_entries.already_open` when they have paused here; 409 `orders.wrong_state`.
    """
    worker_id = body["worker_id"]
    return create_once(lambda session: present(clock_in(session, actor(), order_id, worker_id, now=now())))


@blueprint.route("/time-entries/<uuid:time_entry_id>/pause", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.response(200, TimeEntrySchema)
def pause_time_entry(time_entry_id: UUID) -> dict[str, Any]:
    """Stop the time for a while. 409 `time_entries.wrong_state` when it is not running."""
    with transaction(tenant()) as session:
        return present(time_entries.pause(session, actor(), time_entry_id, now=now()))


@blueprint.route("/time-entries/<uuid:time_entry_id>/resume", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.response(200, TimeEntrySchema)
def resume_time_entry(time_entry_id: UUID) -> dict[str, Any]:
    """Let the time run again.

    409 `time_entries.wrong_state` when it is not paused; 409 `time_entries.already_running` with `order_id` and
    `time_entry_id` when the worker's time runs elsewhere.
    """
    with transaction(tenant()) as session:
        return present(time_entries.resume(session, actor(), time_entry_id, now=now()))


@blueprint.route("/time-entries/<uuid:time_entry_id>/finish", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(FinishSchema)
@blueprint.response(200, TimeEntrySchema)
def finish_time_entry(body: dict[str, Any], time_entry_id: UUID) -> dict[str, Any]:
    """End the time for good, running or paused.

    422 `time_entries.overrun` with `worked_minutes` and `planned_minutes` when it took more than 1.2 times the time
    from the order's start to its end: send the reason. 409 `time_entries.wrong_state` when it is finished.
    """
    with transaction(tenant()) as session:
        entry = queries.get(session, actor(), time_entry_id, now=now())
        order = orders.get(session, actor(), entry.order_id)
        planned = (order.scheduled_end - order.scheduled_start) // timedelta(minutes=1)
        return present(time_entries.finish(session, actor(), time_entry_id, planned_minutes=planned, **body, now=now()))
