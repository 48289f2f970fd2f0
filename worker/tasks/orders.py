"""Orders that time does something to: appointments that come near."""

from collections.abc import Iterator
from functools import partial

from shared.core import clock
from shared.core.tenancy import Scope
from shared.core.transaction import transaction
from shared.messages import sending
from shared.orders import jobs, reminders
from worker.core.boot import services
from worker.core.periodic import Counts, Run, periodic, until_nothing
from worker.core.task import task

BATCH = 500


@task(jobs.REMIND)
@periodic("email_scan")
def scan(run: Run) -> Iterator[Counts]:
    """Promise reminders of orders that begin soon, and try again mails that are late."""
    yield from until_nothing(partial(_remind, run.scope))
    yield from until_nothing(partial(_send_late, run.scope))


def _remind(scope: Scope) -> Counts:
    with transaction(scope) as session:
        return reminders.remind_due(session, now=clock.utc_now(), limit=BATCH)


def _send_late(scope: Scope) -> Counts:
    if services().mailer is None:
        return {"requeued": 0}
    with transaction(scope) as session:
        return sending.sweep(session, services().settings, now=clock.utc_now(), limit=BATCH)
