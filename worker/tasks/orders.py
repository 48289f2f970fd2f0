"""Holds that run out."""

from shared.core import clock
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.orders import holds, jobs
from worker.core.periodic import once_per_slot
from worker.core.task import task

BATCH = 100


@task(jobs.EXPIRE_HOLDS)
@once_per_slot(jobs.EXPIRE_HOLDS.name, lambda settings: settings.sweep_interval_seconds)
def expire_holds() -> dict[str, int]:
    """Give up orders whose deposit was not paid in time."""
    with transaction(PLATFORM) as session:
        return holds.expire_due(session, now=clock.utc_now(), limit=BATCH)
