"""Leads: turn one into a client and an order."""

from typing import Any
from uuid import UUID

from marshmallow import fields, validate

from api.core.access import requires
from api.core.alternatives import offering_alternatives
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.idempotency import Answer, create_once
from api.core.schemas import InSchema, Instant, MoneySchema, Text
from api.orders.presenting import present
from api.orders.schemas import MOST_WORKERS, OrderSchema
from shared.core.money import Money
from shared.core.permissions import Permission
from shared.core.transaction import read_only
from shared.leads import service as leads
from shared.orders.converting import Conversion, convert

blueprint = Blueprint("lead conversion", __name__, url_prefix="/v1/leads", description=__doc__)


class ConvertSchema(InSchema):
    """What the lead does not say. Without an estimate, the lead's or this one, `total`, `title` and an end."""

    scheduled_start = Instant(required=True)
    scheduled_end = Instant(metadata={"description": "By default the start and the estimate's minutes"})
    estimate_id = fields.UUID(metadata={"description": "The lead's by default"})
    total = fields.Nested(MoneySchema)
    title = Text(limit=200, metadata={"example": "Spring cleaning"})
    address = Text(limit=500, metadata={"description": "The lead's by default", "example": "12 Elm Street"})
    team_id = fields.UUID(allow_none=True)
    worker_ids = fields.List(fields.UUID(), validate=validate.Length(max=MOST_WORKERS))


@blueprint.route("/<uuid:lead_id>/convert", methods=["POST"])
@requires(Permission.LEADS_WRITE)
@blueprint.arguments(ConvertSchema)
@blueprint.response(201, OrderSchema)
def convert_lead(body: dict[str, Any], lead_id: UUID) -> Answer:
    """Place the order that a lead has asked for: the person becomes a client, unless they are one, and the lead is won.

    409 `leads.wrong_state` when it is won already, `orders.slot_taken` with `alternatives` when nobody is free.
    """
    wanted = Conversion(**body | ({"total": Money(**body["total"])} if "total" in body else {}))
    with read_only(tenant()) as session:
        lead = leads.get(session, actor(), lead_id)
    start, end, estimate_id = wanted.scheduled_start, wanted.scheduled_end, wanted.estimate_id or lead.estimate_id
    with offering_alternatives(
        start, end, estimate_id=estimate_id, team_id=wanted.team_id, worker_ids=wanted.worker_ids
    ):
        return create_once(lambda session: present(convert(session, actor(), lead_id, wanted, now=now())))
