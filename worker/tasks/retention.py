"""Forgetting what is over: what lives for hours, and what was kept for as long as it may be."""

from collections.abc import Iterator
from functools import partial

from shared.core import clock
from shared.core.tenancy import Scope
from shared.core.transaction import transaction
from shared.orders import holds
from shared.retention import jobs
from worker.core import forgetting
from worker.core.periodic import Counts, Run, periodic, until_nothing
from worker.core.task import task

HOLDS_BATCH = 100


@task(jobs.CLEANUP)
@periodic("cleanup")
def cleanup(run: Run) -> Iterator[Counts]:
    """Give up orders whose deposit was not paid in time, and take away what is over."""
    yield from until_nothing(partial(_expire_holds, run.scope))


@task(jobs.RETENTION)
@periodic("retention")
def forget(run: Run) -> Iterator[Counts]:
    """Forget what has been kept for long enough."""
    return forgetting.walk(run)


def _expire_holds(scope: Scope) -> Counts:
    with transaction(scope) as session:
        return holds.expire_due(session, now=clock.utc_now(), limit=HOLDS_BATCH)
