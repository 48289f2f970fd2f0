"""Sending mail: claim the row, send outside any transaction, record what came of it and claim the next."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from jinja2 import TemplateError
from sqlalchemy import Row
from sqlalchemy.orm import Session

from shared.core import clock
from shared.core.errors import Refusal, Unavailable
from shared.core.jobs import Queue
from shared.core.tenancy import PLATFORM, Tenant
from shared.core.transaction import transaction
from shared.integrations.mail import UNTRIED, Mailer
from shared.messages import jobs, sending
from shared.messages.model import MessageState
from shared.messages.rendering import render
from shared.organizations import service as organizations
from worker.core.backlog import is_backed_up
from worker.core.boot import services
from worker.core.periodic import once_per_slot
from worker.core.task import task

SWEEP_BATCH = 500
LONGEST_TURN_SECONDS = 10.0
"""After this long other organizations have their turn. With the longest wait for a mail server it stays well under the
lease, and under the soft time limit of a task."""

Record = Callable[[Session], MessageState]


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
        claimed = sending.claim_next(session, scope.org_id, settings, now=clock.utc_now())
        organization = organizations.get(session, scope.org_id)
    while claimed is not None:
        record, goes_on = _deliver(mailer, claimed, organization)
        goes_on = goes_on and time.monotonic() < ends_at
        with transaction(scope) as session:
            state = str(record(session))
            if goes_on:
                claimed = sending.claim_next(session, scope.org_id, settings, now=clock.utc_now())
            else:
                claimed = None
                if not mailer.is_resting:
                    sending.ask_for_rest(session, scope.org_id)
        counts[state] = counts.get(state, 0) + 1
    return counts


def _deliver(mailer: Mailer, claimed: Row[Any], organization: Row[Any]) -> tuple[Record, bool]:
    """Render and send. Returns what is to be recorded, and whether the next mail is worth a try now."""
    settings = services().settings
    if claimed.suppressed_by is not None:
        return partial(sending.mark_suppressed, claimed=claimed), True
    if claimed.not_after is not None and claimed.not_after <= clock.utc_now():
        return partial(sending.mark_dead, claimed=claimed, error="It is too late for this mail."), True
    try:
        mail = render(claimed, organization, settings)
    except (TemplateError, ValueError, TypeError, LookupError, ArithmeticError) as error:
        # A poisonous row becomes one dead mail, not a blocked queue.
        return partial(sending.mark_dead, claimed=claimed, error=f"{type(error).__name__}: {error}"), True
    try:
        provider_id = mailer.send(mail)
    except Unavailable as refusal:
        failed = partial(sending.mark_failed, claimed=claimed, settings=settings, refusal=refusal, now=clock.utc_now())
        return failed, refusal.code not in UNTRIED
    except Refusal as refusal:
        return partial(sending.mark_dead, claimed=claimed, error=refusal.detail), True
    return partial(sending.mark_sent, claimed=claimed, provider_id=provider_id, now=clock.utc_now()), True
