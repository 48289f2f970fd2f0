"""Is it alive, is it ready? For load balancers and people on call."""

from flask import current_app, make_response
from flask.typing import ResponseReturnValue

from api.core.access import public
from api.core.blueprint import Blueprint
from api.core.context import services
from api.health.probes import readiness
from api.health.schemas import ReadinessSchema
from shared.core.health import Readiness, Status

blueprint = Blueprint("health", __name__, description=__doc__)

_EXTENSION = "crewline-readiness"


@blueprint.route("/healthz", methods=["GET"])
@public
@blueprint.response(200, {"type": "string"}, content_type="text/plain")
def healthz() -> ResponseReturnValue:
    """200 while the process serves requests. Touches nothing else, so a fault elsewhere never restarts it."""
    return make_response(("ok\n", 200, {"Content-Type": "text/plain; charset=utf-8", "Cache-Control": "no-store"}))


@blueprint.route("/readyz", methods=["GET"])
@public
@blueprint.response(200, ReadinessSchema)
@blueprint.alt_response(503, schema=ReadinessSchema, description="A check failed")
def readyz() -> ResponseReturnValue:
    """200 when requests and their jobs can be served, 503 when not; a warning is still 200.

    Checks the database, that its migration is the code's, Redis, and a heartbeat through every queue (a warning, or a
    failure with JOB_HEARTBEAT_REQUIRED=true). Answers within 2 s whatever hangs; a second old at most.
    """
    checker: Readiness = current_app.extensions.setdefault(_EXTENSION, readiness(services()))
    report = checker.report()
    body = {"status": report.status, "checks": {name: check.status for name, check in report.checks.items()}}
    return body, 503 if report.status == Status.FAIL else 200, {"Cache-Control": "no-store"}
