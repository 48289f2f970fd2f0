"""Recurrences: orders that come back, with dates that are skipped or moved."""

from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.idempotency import Answer, create_once
from api.core.pagination import page_answer, page_request, page_schema
from api.recurrences.schemas import (
    EndSchema,
    MoveSchema,
    OccurrenceListSchema,
    OccurrenceSchema,
    RecurrenceInSchema,
    RecurrenceListArguments,
    RecurrenceSchema,
    SkipSchema,
    new_recurrence,
    present,
    present_occurrence,
)
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.recurrences import exceptions
from shared.recurrences import service as recurrences

blueprint = Blueprint("recurrences", __name__, url_prefix="/v1/recurrences", description=__doc__)


@blueprint.route("", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(RecurrenceInSchema)
@blueprint.response(201, RecurrenceSchema)
def create_recurrence(body: dict[str, Any]) -> Answer:
    """Let an order come back. Its orders are placed by a worker, 60 days ahead, and confirmed without a mail each.

    A visit whose time is taken is a `conflict` among the occurrences, and stops none of the others.
    """
    wanted = new_recurrence(body)
    return create_once(lambda session: present(recurrences.create(session, actor(), wanted, now=now())))


@blueprint.route("", methods=["GET"])
@requires(Permission.ORDERS_READ)
@blueprint.arguments(RecurrenceListArguments, location="query")
@blueprint.response(200, page_schema(RecurrenceSchema))
def list_recurrences(arguments: dict[str, Any]) -> Answer:
    """List recurrences, newest first."""
    with read_only(tenant()) as session:
        page = recurrences.list_page(session, actor(), page_request(arguments), client_id=arguments.get("client_id"))
    return page_answer(page, present)


@blueprint.route("/<uuid:recurrence_id>", methods=["GET"])
@requires(Permission.ORDERS_READ)
@blueprint.response(200, RecurrenceSchema)
def get_recurrence(recurrence_id: UUID) -> dict[str, Any]:
    """Get one recurrence."""
    with read_only(tenant()) as session:
        return present(recurrences.get(session, actor(), recurrence_id))


@blueprint.route("/<uuid:recurrence_id>/occurrences", methods=["GET"])
@requires(Permission.ORDERS_READ)
@blueprint.response(200, OccurrenceListSchema)
def list_occurrences(recurrence_id: UUID) -> dict[str, Any]:
    """List what became of each date so far: an order, a visit that is skipped, a conflict."""
    with read_only(tenant()) as session:
        found = recurrences.list_occurrences(session, actor(), recurrence_id)
    return {"data": [present_occurrence(occurrence) for occurrence in found]}


@blueprint.route("/<uuid:recurrence_id>/skip", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(SkipSchema)
@blueprint.response(200, OccurrenceSchema)
def skip_occurrence(body: dict[str, Any], recurrence_id: UUID) -> dict[str, Any]:
    """Leave one visit out. Its order is called off without a fee, and the client gets a mail; or it is never placed."""
    with transaction(tenant()) as session:
        return present_occurrence(exceptions.skip(session, actor(), recurrence_id, **body, now=now()))


@blueprint.route("/<uuid:recurrence_id>/move", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(MoveSchema)
@blueprint.response(200, OccurrenceSchema)
def move_occurrence(body: dict[str, Any], recurrence_id: UUID) -> dict[str, Any]:
    """Move one visit to another time; the others stay. 409 `orders.slot_taken` when somebody's time is taken."""
    with transaction(tenant()) as session:
        return present_occurrence(exceptions.move(session, actor(), recurrence_id, **body, now=now()))


@blueprint.route("/<uuid:recurrence_id>/end", methods=["POST"])
@requires(Permission.ORDERS_WRITE)
@blueprint.arguments(EndSchema)
@blueprint.response(200, RecurrenceSchema)
def end_recurrence(body: dict[str, Any], recurrence_id: UUID) -> dict[str, Any]:
    """End a series, and call off its visits that have not begun: one mail to the client, about the next of them."""
    with transaction(tenant()) as session:
        return present(recurrences.end(session, actor(), recurrence_id, **body, now=now()))
