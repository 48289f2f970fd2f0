"""Estimates: what a job would cost, and why."""

from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.estimates import EstimateInSchema, EstimateSchema, present_estimate, wanted_estimate
from api.core.idempotency import Answer, create_once
from shared.catalog import estimates
from shared.core.permissions import Permission
from shared.core.transaction import read_only

blueprint = Blueprint("estimates", __name__, url_prefix="/v1/estimates", description=__doc__)


@blueprint.route("", methods=["POST"])
@requires(Permission.ESTIMATES_WRITE)
@blueprint.arguments(EstimateInSchema)
@blueprint.response(201, EstimateSchema)
def create_estimate(body: dict[str, Any]) -> Answer:
    """Work out what a job costs by the price book in force, and keep it. An order can name it for 14 days.

    422 with a pointer to each input or add-on that cannot be had; 409 `catalog.no_price` while the price book has no
    rules for the service.
    """
    wanted = wanted_estimate(body)
    return create_once(lambda session: present_estimate(estimates.make(session, actor(), wanted, now=now())))


@blueprint.route("/<uuid:estimate_id>", methods=["GET"])
@requires(Permission.CATALOG_READ)
@blueprint.response(200, EstimateSchema)
def get_estimate(estimate_id: UUID) -> dict[str, Any]:
    """Get one estimate as it was made, also when its time is over."""
    with read_only(tenant()) as session:
        return present_estimate(estimates.get(session, actor(), estimate_id))
