"""Events for other systems: what became of each, and sending those again that were given up."""

from functools import partial
from typing import Any
from uuid import UUID

from api.core import json
from api.core.access import FORBIDDEN, requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.job_runs import JobRunSchema, RunArguments, run_by_hand
from api.core.openapi import refuses
from api.core.pagination import Answer, page_answer, page_request, page_schema
from api.exports.dead_letter_schemas import (
    DeadLetterListArguments,
    ExportDetailSchema,
    ExportReplaySchema,
    ExportSchema,
    present_detail,
    present_export,
)
from shared.core.errors import Forbidden
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.exports import dead_letters

blueprint = Blueprint("exports", __name__, url_prefix="/v1/admin/export-dead-letter", description=__doc__)


@blueprint.route("", methods=["GET"])
@requires(Permission.EXPORTS_READ)
@blueprint.arguments(DeadLetterListArguments, location="query")
@blueprint.response(200, page_schema(ExportSchema))
def list_dead_letters(arguments: dict[str, Any]) -> Answer:
    """List events of your company, the newest first; those that were given up, unless `state` says which."""
    given = {name: arguments[name] for name in arguments if name not in {"limit", "cursor", "state"}}
    whole = actor().may(Permission.EXPORTS_INSPECT)
    filters = dead_letters.Filters(states=arguments["state"], sees_answers=whole, **given)
    with read_only(tenant()) as session:
        page = dead_letters.list_page(session, actor(), page_request(arguments), filters)
    return page_answer(page, partial(present_export, whole=whole))


@blueprint.route("/<uuid:export_id>", methods=["GET"])
@requires(Permission.EXPORTS_READ)
@blueprint.response(200, ExportDetailSchema)
def get_dead_letter(export_id: UUID) -> dict[str, Any]:
    """Get one event in any state, with what it says. Personal values are shown to owners and admins only."""
    with read_only(tenant()) as session:
        found = dead_letters.get(session, actor(), export_id)
    return present_detail(found, whole=actor().may(Permission.EXPORTS_INSPECT))


@blueprint.route("/<uuid:export_id>/replay", methods=["POST"])
@requires(Permission.EXPORTS_REPLAY)
@blueprint.response(200, ExportSchema)
@refuses(409)
def replay_dead_letter(export_id: UUID) -> dict[str, Any]:
    """Send an event again that was given up: the same `webhook-id`, from the first try.

    409 `exports.not_dead`, with `state`, for any other; 409 `exports.forgotten` when the person whom it told of was
    erased.
    """
    with transaction(tenant()) as session:
        row = dead_letters.replay(session, actor(), export_id, now=now())
    return present_export(row, whole=actor().may(Permission.EXPORTS_INSPECT))


@blueprint.route("", methods=["POST"])
@requires(Permission.JOBS_RUN)
@blueprint.arguments(RunArguments, location="query")
@blueprint.arguments(ExportReplaySchema, required=False)
@blueprint.response(202, JobRunSchema)
@blueprint.alt_response(200, schema=JobRunSchema, description="The run is over")
@refuses(404)
def run_export_dead_letter(arguments: dict[str, Any], body: dict[str, Any]) -> Answer:
    """Look after the events that were given up, in your company: without a body, as is done every 15 minutes by itself;
    with one, replay those that fit.

    Answers 202 with the run, or 200 when it is over. Its `counts` say how many were `replayed`, and how many were not
    and why: `skipped_not_dead`, `skipped_forgotten`. 404 `exports.not_found`, and nothing is asked for, when one of
    `export_ids` is not an event of the company.
    """
    if not actor().may(Permission.EXPORTS_REPLAY):
        raise Forbidden(FORBIDDEN, f"Your role does not have the permission {Permission.EXPORTS_REPLAY}.")
    if "export_ids" in body:
        with read_only(tenant()) as session:
            dead_letters.demand_all_known(session, actor(), body["export_ids"])
    return run_by_hand("export_dead_letter", **arguments, wishes=json.plain(body))
