"""Sending mail: claim the row, send outside any transaction, record what came of it and claim the next."""

import time
from collections.abc import Iterator
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
from worker.core import turns
from worker.core.backlog import is_backed_up
from worker.core.boot import services
from worker.core.periodic import Counts, Run, periodic, until_nothing
from worker.core.task import task

MAILS = "mails"
SWEEP_BATCH = 500
LONGEST_TURN_SECONDS = 10.0
"""After this long other organizations have their turn. With the longest wait for a mail server it stays well under the
lease, and under the soft time limit of a task."""


@task(jobs.SEND)
def send(org_id: str) -> dict[str, Any]:
    """Send what is queued of an organization, for one turn; nothing while mail is off, its server rests, or the
    organization's next turn is asked for already."""
    scope = Tenant(UUID(org_id))
    if turns.is_asked_for(MAILS, scope.org_id):
        return {"outcome": "the next turn is asked for"}
    return _turn(scope)


@task(jobs.GO_ON)
def go_on(org_id: str) -> dict[str, Any]:
    """Send what was left of an organization when its last turn was over."""
    return _turn(Tenant(UUID(org_id)))


@task(jobs.SWEEP)
@periodic(jobs.SWEEP.name)
def sweep(_: Run) -> Iterator[Counts]:
    """Bring back mails whose message or worker was lost, and those whose retry is due."""
    return until_nothing(_sweep)


def _sweep() -> Counts:
    if services().mailer is None or is_backed_up(Queue.EMAIL):
        return {}
    with transaction(PLATFORM) as session:
        return sending.sweep(session, services().settings, now=clock.utc_now(), limit=SWEEP_BATCH)


def _turn(scope: Tenant) -> dict[str, Any]:
    mailer = services().mailer
    if mailer is None or mailer.is_resting:
        turns.forget(MAILS, scope.org_id)
        return {"outcome": "mail is off" if mailer is None else "the mail server rests"}
    counts = _take_turn(mailer, scope)
    return dict(counts) if counts else {"outcome": "nothing to do"}


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
        if not goes_on or mailer.is_resting or time.monotonic() >= ends_at:
            _end_turn(mailer, claimed, outcome, is_over=goes_on)
            return counts
        with transaction(scope) as session:
            claimed = sending.record_and_claim(session, claimed, outcome, settings, now=clock.utc_now())
    _hear_all_again(scope)
    return counts


def _end_turn(mailer: Mailer, claimed: Row[Any], outcome: sending.Outcome, *, is_over: bool) -> None:
    """Record the last mail, and have the rest sent later, unless the server rests: then the sweep asks for it.
    `is_over` says that the turn was long enough, not that the server is away."""
    scope, rests = Tenant(claimed.org_id), mailer.is_resting
    if is_over and not rests:
        turns.ask_for(MAILS, scope.org_id)
    with transaction(scope) as session:
        sending.record(session, claimed, outcome)
        is_left = not rests and sending.ask_for_rest(session, scope.org_id)
    if not is_left:
        _hear_all_again(scope)


def _hear_all_again(scope: Tenant) -> None:
    """No next turn is asked for. Messages that were passed over until now may have been about a mail that was promised
    after nothing was found."""
    if turns.forget(MAILS, scope.org_id):
        with transaction(scope) as session:
            sending.ask_for_rest(session, scope.org_id)


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
