"""Orders that time does something to: holds that run out, and appointments that come near."""

from shared.core import clock
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.orders import holds, jobs, reminders
from worker.core.periodic import once_per_slot
from worker.core.task import task

BATCH = 100
REMINDERS_BATCH = 500


@task(jobs.EXPIRE_HOLDS)
@once_per_slot(jobs.EXPIRE_HOLDS.name, lambda settings: settings.sweep_interval_seconds)
def expire_holds() -> dict[str, int]:
    """Give up orders whose deposit was not paid in time."""
    with transaction(PLATFORM) as session:
        return holds.expire_due(session, now=clock.utc_now(), limit=BATCH)


@task(jobs.REMIND)
@once_per_slot(jobs.REMIND.name, lambda settings: settings.email_scan_interval_seconds)
def remind() -> dict[str, int]:
    """Promise reminders of orders that begin soon."""
    with transaction(PLATFORM) as session:
        return reminders.remind_due(session, org_id=None, now=clock.utc_now(), limit=REMINDERS_BATCH)
