"""Copies of what is held on a person: collected in the background, forgotten in time."""

from collections.abc import Iterator
from uuid import UUID

from shared.core import clock
from shared.core.actor import system
from shared.core.jobs import Queue
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import read_only, transaction
from shared.privacy import collecting, jobs
from shared.privacy import service as privacy
from worker.core.backlog import is_backed_up
from worker.core.periodic import Counts, Run, periodic, until_nothing
from worker.core.task import task

SWEEP_BATCH = 500


@task(jobs.COLLECT)
def collect(org_id: str, client_export_id: str) -> dict[str, str]:
    """Collect one copy, unless it is there or somebody else is at it. One that fails is brought back by the sweep, when
    the lease has run out."""
    scope = Tenant(UUID(org_id))
    with transaction(scope) as session:
        claimed = privacy.claim(session, scope.org_id, UUID(client_export_id), now=clock.utc_now())
    if claimed is None:
        return {"outcome": "nothing to do"}
    with read_only(scope) as connection:
        actor = system(scope.org_id, "privacy")
        bundle = collecting.collect(connection, actor, claimed.client_id, now=clock.utc_now())
    with transaction(scope) as session:
        kept = privacy.mark_ready(session, claimed, bundle, now=clock.utc_now())
    return {"outcome": "ready" if kept else "too late"}


@task(jobs.SWEEP)
@periodic(jobs.SWEEP.name)
def sweep(_: Run) -> Iterator[Counts]:
    """Forget copies whose time is over, and bring back those whose message or worker was lost."""
    return until_nothing(_sweep)


def _sweep() -> Counts:
    if is_backed_up(Queue.MAINTENANCE):
        return {}
    with transaction(PLATFORM) as session:
        return privacy.sweep(session, now=clock.utc_now(), limit=SWEEP_BATCH)
