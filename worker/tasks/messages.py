"""Sending mail: claim the row, send outside any transaction, record what came of it."""

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
from shared.integrations.mail import Mailer
from shared.messages import jobs
from shared.messages import service as messages
from shared.messages.rendering import render
from shared.organizations import service as organizations
from worker.core.backlog import is_backed_up
from worker.core.boot import services
from worker.core.periodic import once_per_slot
from worker.core.task import task

SWEEP_BATCH = 500


@task(jobs.SEND)
def send(org_id: str, message_id: str) -> dict[str, str]:
    """Send one mail, unless it is sent, somebody else is at it, or mail is switched off."""
    mailer, settings = services().mailer, services().settings
    if mailer is None:
        return {"outcome": "mail is off"}
    scope = Tenant(UUID(org_id))
    with transaction(scope) as session:
        claimed = messages.claim(session, scope.org_id, UUID(message_id), settings, now=clock.utc_now())
        if claimed is None:
            return {"outcome": "nothing to do"}
        organization = organizations.get(session, scope.org_id)
    record = _deliver(mailer, claimed, organization)
    with transaction(scope) as session:
        return {"outcome": record(session)}


@task(jobs.SWEEP)
@once_per_slot(jobs.SWEEP.name, lambda settings: settings.sweep_interval_seconds)
def sweep() -> dict[str, int]:
    """Bring back mails whose message or worker was lost, and those whose retry is due."""
    if services().mailer is None or is_backed_up(Queue.EMAIL):
        return {}
    with transaction(PLATFORM) as session:
        return messages.sweep(session, services().settings, now=clock.utc_now(), limit=SWEEP_BATCH)


def _deliver(mailer: Mailer, claimed: Row[Any], organization: Row[Any]) -> Callable[[Session], str]:
    """Render and send; returns what is to be recorded of it."""
    settings = services().settings
    try:
        mail = render(claimed, organization, settings)
    except (TemplateError, ValueError, TypeError, LookupError) as error:
        # A poisonous row becomes one dead mail, not a blocked queue.
        return partial(messages.mark_dead, claimed=claimed, error=f"{type(error).__name__}: {error}")
    try:
        mailer.send(mail)
    except Unavailable as refusal:
        tried_at = clock.utc_now()
        return partial(messages.mark_failed, claimed=claimed, settings=settings, error=refusal.detail, now=tried_at)
    except Refusal as refusal:
        return partial(messages.mark_dead, claimed=claimed, error=refusal.detail)
    return partial(messages.mark_sent, claimed=claimed, now=clock.utc_now())
