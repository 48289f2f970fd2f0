"""Schedule: the dispatch board."""

from itertools import groupby
from operator import attrgetter
from typing import Any

from marshmallow import fields

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, tenant
from api.core.schemas import Day, InSchema, Instant, OutSchema
from shared.core.orm import columns_of
from shared.core.permissions import Permission
from shared.core.transaction import read_only
from shared.orders import board
from shared.orders.states import OrderState

blueprint = Blueprint("schedule", __name__, url_prefix="/v1/schedule", description=__doc__)


class ScheduleArguments(InSchema):
    from_day = Day(
        required=True, data_key="from", metadata={"description": "The first day, on the organization's clocks"}
    )
    to_day = Day(required=True, data_key="to", metadata={"description": "The day after the last; 31 at most"})


class ScheduledOrderSchema(OutSchema):
    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    state = fields.Enum(OrderState, by_value=True, required=True)
    title = fields.String(required=True)
    address = fields.String(required=True)
    postal_code = fields.String(required=True)
    client_id = fields.UUID(required=True)
    client_name = fields.String(required=True)
    worker_ids = fields.List(fields.UUID(), required=True)
    scheduled_start = Instant(required=True)
    scheduled_end = Instant(required=True)
    version = fields.Integer(required=True)


class ScheduledWorkerSchema(OutSchema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)


class ScheduledTeamSchema(OutSchema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    workers = fields.List(fields.Nested(ScheduledWorkerSchema), required=True)
    orders = fields.List(fields.Nested(ScheduledOrderSchema), required=True)


class ScheduledBlackoutSchema(OutSchema):
    id = fields.UUID(required=True)
    team_id = fields.UUID(required=True, allow_none=True)
    worker_id = fields.UUID(required=True, allow_none=True)
    starts_at = Instant(required=True)
    ends_at = Instant(required=True)
    reason = fields.String(required=True)


class ScheduleSchema(OutSchema):
    timezone = fields.String(required=True)
    from_at = Instant(required=True)
    to_at = Instant(required=True)
    teams = fields.List(fields.Nested(ScheduledTeamSchema), required=True)
    unassigned = fields.List(
        fields.Nested(ScheduledOrderSchema),
        required=True,
        metadata={"description": "Without a team, or with one that is not at work any more"},
    )
    blackouts = fields.List(fields.Nested(ScheduledBlackoutSchema), required=True)


_OF_ORDER = tuple(ScheduledOrderSchema().fields)
_OF_BLACKOUT = tuple(ScheduledBlackoutSchema().fields)


@blueprint.route("", methods=["GET"])
@requires(Permission.ORDERS_READ)
@blueprint.arguments(ScheduleArguments, location="query")
@blueprint.response(200, ScheduleSchema)
def get_schedule(arguments: dict[str, Any]) -> dict[str, Any]:
    """Get the dispatch board: orders by team, those without one, and who is away."""
    with read_only(tenant()) as session:
        return _present(board.show(session, actor(), **arguments))


def _present(shown: board.Board) -> dict[str, Any]:
    teams: dict[Any, dict[str, Any]] = {}
    for team_id, members in groupby(shown.members, attrgetter("team_id")):
        rows = list(members)
        workers = [{"id": row.worker_id, "name": row.worker_name} for row in rows if row.worker_id is not None]
        teams[team_id] = {"id": team_id, "name": rows[0].team_name, "workers": workers, "orders": []}
    unassigned: list[dict[str, Any]] = []
    for order in shown.orders:
        columns = columns_of(order)
        group = teams[order.team_id]["orders"] if order.team_id in teams else unassigned
        group.append({name: columns[name] for name in _OF_ORDER})
    return {
        "timezone": shown.timezone,
        "from_at": shown.from_at,
        "to_at": shown.to_at,
        "teams": list(teams.values()),
        "unassigned": unassigned,
        "blackouts": [{name: columns_of(row)[name] for name in _OF_BLACKOUT} for row in shown.blackouts],
    }
