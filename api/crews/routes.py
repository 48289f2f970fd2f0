"""Teams, workers, and when they do not work."""

from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.idempotency import Answer, create_once
from api.core.openapi import refuses
from api.core.pagination import page_answer, page_request, page_schema
from api.core.schemas import PageArguments
from api.crews.schemas import (
    BlackoutInSchema,
    BlackoutListArguments,
    BlackoutSchema,
    TeamChangesSchema,
    TeamInSchema,
    TeamSchema,
    WorkerChangesSchema,
    WorkerInSchema,
    WorkerListArguments,
    WorkerSchema,
    present_blackout,
    present_team,
    present_worker,
)
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.crews import blackouts, teams, workers

blueprint = Blueprint("crews", __name__, url_prefix="/v1", description=__doc__)


@blueprint.route("/teams", methods=["POST"])
@requires(Permission.CREWS_WRITE)
@blueprint.arguments(TeamInSchema)
@blueprint.response(201, TeamSchema)
def create_team(body: dict[str, Any]) -> Answer:
    """Add a team.

    409 `crews.name_taken`; 422 `organizations.bad_hours` for periods that overlap.
    """
    return create_once(lambda session: present_team(teams.create(session, actor(), **body, now=now())))


@blueprint.route("/teams", methods=["GET"])
@requires(Permission.CREWS_READ)
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, page_schema(TeamSchema))
def list_teams(arguments: dict[str, Any]) -> Answer:
    """List teams, newest first."""
    with read_only(tenant()) as session:
        page = teams.list_page(session, actor(), page_request(arguments))
    return page_answer(page, present_team)


@blueprint.route("/teams/<uuid:team_id>", methods=["GET"])
@requires(Permission.CREWS_READ)
@blueprint.response(200, TeamSchema)
def get_team(team_id: UUID) -> dict[str, Any]:
    """Get one team."""
    with read_only(tenant()) as session:
        return present_team(teams.get(session, actor(), team_id))


@blueprint.route("/teams/<uuid:team_id>", methods=["PATCH"])
@requires(Permission.CREWS_WRITE)
@blueprint.arguments(TeamChangesSchema)
@blueprint.response(200, TeamSchema)
@refuses(409)
def change_team(body: dict[str, Any], team_id: UUID) -> dict[str, Any]:
    """Change a team. A field that is given replaces the old value as a whole; the others stay.

    409 `crews.name_taken`; 422 `organizations.bad_hours` for periods that overlap.
    """
    with transaction(tenant()) as session:
        return present_team(teams.change(session, actor(), team_id, **body, now=now()))


@blueprint.route("/workers", methods=["POST"])
@requires(Permission.CREWS_WRITE)
@blueprint.arguments(WorkerInSchema)
@blueprint.response(201, WorkerSchema)
def create_worker(body: dict[str, Any]) -> Answer:
    """Add a worker.

    409 `crews.user_taken` when the user is another worker's; 422 `crews.not_a_worker` for a user with another role.
    """
    return create_once(lambda session: present_worker(workers.create(session, actor(), **body, now=now())))


@blueprint.route("/workers", methods=["GET"])
@requires(Permission.CREWS_READ)
@blueprint.arguments(WorkerListArguments, location="query")
@blueprint.response(200, page_schema(WorkerSchema))
def list_workers(arguments: dict[str, Any]) -> Answer:
    """List workers, newest first."""
    with read_only(tenant()) as session:
        page = workers.list_page(session, actor(), page_request(arguments), team_id=arguments.get("team_id"))
    return page_answer(page, present_worker)


@blueprint.route("/workers/<uuid:worker_id>", methods=["GET"])
@requires(Permission.CREWS_READ)
@blueprint.response(200, WorkerSchema)
def get_worker(worker_id: UUID) -> dict[str, Any]:
    """Get one worker."""
    with read_only(tenant()) as session:
        return present_worker(workers.get(session, actor(), worker_id))


@blueprint.route("/workers/<uuid:worker_id>", methods=["PATCH"])
@requires(Permission.CREWS_WRITE)
@blueprint.arguments(WorkerChangesSchema)
@blueprint.response(200, WorkerSchema)
@refuses(409)
def change_worker(body: dict[str, Any], worker_id: UUID) -> dict[str, Any]:
    """Change a worker, give them a team or an account, or take it away with null.

    409 `crews.user_taken` when the user is another worker's; 422 `crews.not_a_worker` for a user with another role.
    """
    with transaction(tenant()) as session:
        return present_worker(workers.change(session, actor(), worker_id, **body, now=now()))


@blueprint.route("/blackouts", methods=["POST"])
@requires(Permission.CREWS_WRITE)
@blueprint.arguments(BlackoutInSchema)
@blueprint.response(201, BlackoutSchema)
def create_blackout(body: dict[str, Any]) -> Answer:
    """Say when a team, a worker, or the whole company does not work. Orders that are there stay."""
    return create_once(lambda session: present_blackout(blackouts.create(session, actor(), **body, now=now())))


@blueprint.route("/blackouts", methods=["GET"])
@requires(Permission.CREWS_READ)
@blueprint.arguments(BlackoutListArguments, location="query")
@blueprint.response(200, page_schema(BlackoutSchema))
def list_blackouts(arguments: dict[str, Any]) -> Answer:
    """List blackouts, the one that ends last first."""
    with read_only(tenant()) as session:
        page = blackouts.list_page(
            session,
            actor(),
            page_request(arguments),
            team_id=arguments.get("team_id"),
            worker_id=arguments.get("worker_id"),
            from_at=arguments.get("from_at"),
            to_at=arguments.get("to_at"),
        )
    return page_answer(page, present_blackout)


@blueprint.route("/blackouts/<uuid:blackout_id>", methods=["DELETE"])
@requires(Permission.CREWS_WRITE)
@blueprint.response(204)
def delete_blackout(blackout_id: UUID) -> None:
    """Take a blackout back."""
    with transaction(tenant()) as session:
        blackouts.remove(session, actor(), blackout_id, now=now())
