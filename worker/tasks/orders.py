"""Orders that time does something to: appointments that come near."""

from collections.abc import Iterator
from functools import partial

from shared.core import clock
from shared.core.orm import Reader
from shared.core.tenancy import Scope
from shared.core.transaction import read_only, transaction
from shared.messages import sending
from shared.orders import jobs, reminders
from worker.core.boot import services
from worker.core.periodic import Counts, Run, periodic, until_nothing
from worker.core.task import task

BATCH = 500
NONE_LATE = {"requeued": 0, "dead": 0}
"""While mail is off, none is."""


@task(jobs.REMIND)
@periodic("email_scan")
def scan(run: Run) -> Iterator[Counts]:
    """Promise reminders of orders that begin soon, and try again mails that are late."""
    if run.dry_run:
        yield _count(run.scope)
        return
    yield from until_nothing(partial(_remind, run.scope))
    yield from until_nothing(partial(_send_late, run.scope))


def _count(scope: Scope) -> Counts:
    with read_only(scope) as session:
        counts = reminders.count_due(session, now=clock.utc_now())
        return counts | _late(session)


def _late(session: Reader) -> Counts:
    if services().mailer is None:
        return dict(NONE_LATE)
    return sending.count_late(session, services().settings, now=clock.utc_now())


def _remind(scope: Scope) -> Counts:
    with transaction(scope) as session:
        return reminders.remind_due(session, now=clock.utc_now(), limit=BATCH)


def _send_late(scope: Scope) -> Counts:
    if services().mailer is None:
        return dict(NONE_LATE)
    with transaction(scope) as session:
        return sending.sweep(session, services().settings, now=clock.utc_now(), limit=BATCH)
