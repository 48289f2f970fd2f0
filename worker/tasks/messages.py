"""Sending mail: claim the row, send outside any transaction, record what came of it and claim the next."""

import time
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from shared.core import clock
from shared.core.errors import Refusal, Unavailable
from shared.core.jobs import Queue
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import transaction
from shared.integrations.mail import UNTRIED, Mailer
from shared.messages import jobs, sending
from shared.messages.rendering import UnrenderableError, render
from shared.organizations import service as organizations
from worker.core.backlog import is_backed_up
from worker.core.boot import services
from worker.core.periodic import once_per_slot
from worker.core.task import task

SWEEP_BATCH = 500
LONGEST_TURN_SECONDS = 10.0
"""After this long other organizations have their turn. With the longest wait for a mail server it stays well under the
lease, and under the soft time limit of a task."""


@task(jobs.SEND)
def send(org_id: str) -> dict[str, Any]:
    """Send what is queued of an organization, for one turn; nothing while mail is off or its server rests."""
    mailer = services().mailer
    if mailer is None:
        return {"outcome": "mail is off"}
    if mailer.is_resting:
        return {"outcome": "the mail server rests"}
    counts = _take_turn(mailer, Tenant(UUID(org_id)))
    return dict(counts) if counts else {"outcome": "nothing to do"}


@task(jobs.SWEEP)
@once_per_slot(jobs.SWEEP.name, lambda settings: settings.sweep_interval_seconds)
def sweep() -> dict[str, int]:
    """Bring back mails whose message or worker was lost, and those whose retry is due."""
    if services().mailer is None or is_backed_up(Queue.EMAIL):
        return {}
    with transaction(PLATFORM) as session:
        return sending.sweep(session, services().settings, now=clock.utc_now(), limit=SWEEP_BATCH)


def _take_turn(mailer: Mailer, scope: Tenant) -> dict[str, int]:
    """Send mail after mail until nothing is queued, the server cannot be reached or time is up. Returns how many ended
    in each state."""
    settings = services().settings
    ends_at = time.monotonic() + LONGEST_TURN_SECONDS
    counts: dict[str, int] = {}
    with transaction(scope) as session:
        claimed = sending.claim(session, scope.org_id, settings, now=clock.utc_now())
        organization = organizations.get(session, scope.org_id)
    while claimed is not None:
        outcome, goes_on = _deliver(mailer, claimed, organization)
        counts[outcome.state] = counts.get(outcome.state, 0) + 1
        with transaction(scope) as session:
            if goes_on and not mailer.is_resting and time.monotonic() < ends_at:
                claimed = sending.record_and_claim(session, claimed, outcome, settings, now=clock.utc_now())
                continue
            sending.record(session, claimed, outcome)
            if not mailer.is_resting:
                sending.ask_for_rest(session, scope.org_id)
        break
    return counts


def _deliver(mailer: Mailer, claimed: Row[Any], organization: Row[Any]) -> tuple[sending.Outcome, bool]:
    """Render and send. Returns what came of it, and whether the next mail is worth a try now."""
    settings = services().settings
    if claimed.suppressed_by is not None:
        return sending.suppressed(claimed), True
    if claimed.not_after is not None and claimed.not_after <= clock.utc_now():
        return sending.dead(claimed, "It is too late for this mail."), True
    try:
        mail = render(claimed, organization, settings)
    except UnrenderableError as error:  # one dead mail, not a blocked queue
        return sending.dead(claimed, str(error)), True
    try:
        provider_id = mailer.send(mail)
    except Unavailable as refusal:
        return sending.failed(claimed, settings, refusal, now=clock.utc_now()), refusal.code not in UNTRIED
    except Refusal as refusal:
        return sending.dead(claimed, refusal.detail), True
    return sending.sent(claimed, provider_id, now=clock.utc_now()), True
