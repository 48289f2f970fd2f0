"""Jobs that run again and again: how they do, what became of their runs, and asking for one by hand."""

from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, current, now, services, tenant
from api.core.job_runs import JobRunSchema, RunArguments, find_run, present_run, run_by_hand
from api.core.pagination import Answer, page_answer, page_request, page_schema
from api.job_runs.schemas import JobListSchema, JobRunListArguments, present_job
from shared import schedule
from shared.core.permissions import Permission
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only
from shared.job_runs import overview, reading

blueprint = Blueprint("job_runs", __name__, url_prefix="/v1/admin", description=__doc__)


@blueprint.route("/jobs", methods=["GET"])
@requires(Permission.JOBS_READ, or_bearer="metrics_token")
@blueprint.response(200, JobListSchema)
def list_jobs() -> dict[str, Any]:
    """List every job: why it is there, how often it runs, when it ran last and is due next, and whether it fails.

    With METRICS_TOKEN as bearer token it is the operator's view, with counts and errors of runs of the whole
    installation.
    """
    caller, jobs = current().actor, schedule.table(services().settings)
    names, own = [job.name for job in jobs], {}
    if caller is not None:
        with read_only(tenant()) as session:
            own = overview.read_last(session, caller.org_id, names)
    with read_only(PLATFORM) as session:
        health = overview.read_health(session, names)
    is_operator = caller is None
    shown = [present_job(job, health[job.name], own.get(job.name), to_operator=is_operator, now=now()) for job in jobs]
    return {"data": shown}


@blueprint.route("/jobs/runs", methods=["GET"])
@requires(Permission.JOBS_READ)
@blueprint.arguments(JobRunListArguments, location="query")
@blueprint.response(200, page_schema(JobRunSchema))
def list_job_runs(arguments: dict[str, Any]) -> Answer:
    """List the runs of the caller's own organization, the last that was asked for first."""
    which = {name: arguments.get(name) for name in ("job", "state")}
    with read_only(tenant()) as session:
        return page_answer(reading.list_page(session, actor(), page_request(arguments), **which), present_run)


@blueprint.route("/jobs/<uuid:job_run_id>", methods=["GET"])
@requires(Permission.JOBS_READ)
@blueprint.response(200, JobRunSchema)
def get_job_run(job_run_id: UUID) -> dict[str, Any]:
    """Get one run: of the own organization, or of the whole installation, without counts and errors then."""
    return find_run(job_run_id)


@blueprint.route("/cleanup", methods=["POST"])
@requires(Permission.JOBS_RUN)
@blueprint.arguments(RunArguments, location="query")
@blueprint.response(202, JobRunSchema)
@blueprint.alt_response(200, schema=JobRunSchema)
def run_cleanup(arguments: dict[str, Any]) -> Answer:
    """Clean up now: holds, sessions, links and keys that are over, and uploads that never ended.

    Whoever asks within the same minute gets the same run; a run of the whole installation that is going on will do as
    well. 200 instead of 202 when the run is over.
    """
    return run_by_hand("cleanup", **arguments)


@blueprint.route("/email-scan", methods=["POST"])
@requires(Permission.JOBS_RUN)
@blueprint.arguments(RunArguments, location="query")
@blueprint.response(202, JobRunSchema)
@blueprint.alt_response(200, schema=JobRunSchema)
def run_email_scan(arguments: dict[str, Any]) -> Answer:
    """Promise the reminders that are due, and try again mails that are late. As for `run_cleanup`.

    Again is harmless: an order is reminded of once for each time at which it is to begin, whoever looks.
    """
    return run_by_hand("email_scan", **arguments)


@blueprint.route("/retention/cleanup", methods=["POST"])
@requires(Permission.JOBS_RUN)
@blueprint.arguments(RunArguments, location="query")
@blueprint.response(202, JobRunSchema)
@blueprint.alt_response(200, schema=JobRunSchema)
def run_retention(arguments: dict[str, Any]) -> Answer:
    """Forget now what has been kept for long enough; `dry_run` says how much that is. As for `run_cleanup`."""
    return run_by_hand("retention", **arguments)


@blueprint.route("/storage-janitor", methods=["POST"])
@requires(Permission.JOBS_RUN)
@blueprint.arguments(RunArguments, location="query")
@blueprint.response(202, JobRunSchema)
@blueprint.alt_response(200, schema=JobRunSchema)
def run_storage_janitor(arguments: dict[str, Any]) -> Answer:
    """Delete files now that are to be deleted and are due. As for `run_cleanup`."""
    return run_by_hand("storage_janitor", **arguments)
