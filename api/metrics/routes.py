"""Numbers for Prometheus: what waits, what is stuck or given up, what photos take, how jobs do. A scrape reads
counters, and rows that are few.

The text format is that of https://prometheus.io/docs/instrumenting/exposition_formats/.
"""

from flask import Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import now, services
from api.core.openapi import refuses
from api.metrics.exports import ExportNumbers
from api.metrics.jobs import JobNumbers
from api.metrics.mail import MailNumbers
from api.metrics.storage import StorageNumbers
from shared import schedule
from shared.core.errors import NotFound, code
from shared.core.permissions import Permission
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only
from shared.exports import counting as exports
from shared.job_runs import overview
from shared.messages import ledger
from shared.order_photos import queries as order_photos
from shared.order_photos import quota
from shared.storage_deletes import service as storage_deletes

SWITCHED_OFF = code("metrics.off", "Metrics are switched off here")

blueprint = Blueprint("metrics", __name__, url_prefix="/v1/metrics", description=__doc__)


@blueprint.route("", methods=["GET"])
@requires(Permission.METRICS_READ, or_bearer="metrics_token")
@blueprint.response(200, {"type": "string"}, content_type="text/plain")
@refuses(404)
def read_metrics() -> Response:
    """Read the installation's metrics, with METRICS_TOKEN as bearer token or as an admin. 404 while METRICS_ENABLED is
    off."""
    if not services().settings.metrics_enabled:
        raise NotFound(SWITCHED_OFF, "METRICS_ENABLED is off.")
    jobs = schedule.table(services().settings)
    with read_only(PLATFORM) as session:
        deletes = storage_deletes.count_by_backend(session, now=now())
        taken = quota.bytes_by_backend(session)
        under_way = order_photos.count_under_way(session)
        unfinished = ledger.count_unfinished(session, now=now())
        dead = ledger.count_dead(session, now=now())
        waiting_exports = exports.count_unfinished(session, services().settings, now=now())
        dead_exports = exports.count_dead(session, now=now())
        targets = exports.count_targets(session, now=now())
        health = overview.read_health(session, [job.name for job in jobs])
    registry = CollectorRegistry(auto_describe=False)
    registry.register(StorageNumbers(sorted(services().storages), deletes, taken, under_way))
    registry.register(MailNumbers(unfinished, dead))
    registry.register(ExportNumbers(waiting_exports, dead_exports, targets))
    registry.register(JobNumbers(jobs, health, now()))
    return Response(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
