"""Mails on their way to a server of the test's own: the programs' mailer, its tasks, and time that passes."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages import sending
from shared.wiring import Services, build_mailer
from tests.jobs_probe import JobsProbe
from tests.rows import row
from tests.variants import with_settings
from worker.core import boot

QUICK = {"smtp_timeout_seconds": 2.0}


def send_through(services: Services, port: int, **changes: Any) -> Services:
    """Tasks of this process send through the server at `port`, as with the settings `changes`."""
    changed = with_settings(services, **{"smtp_port": port} | QUICK | changes)
    changed = replace(changed, mailer=build_mailer(changed.settings))
    boot.use(changed)
    return changed


def mail(message_id: UUID) -> tuple[str, int]:
    """(state, attempts)."""
    found = row("SELECT state, attempts FROM messages WHERE id = :id", id=message_id)
    return found["state"], found["attempts"]


def last_error(message_id: UUID) -> str:
    return str(row("SELECT last_error FROM messages WHERE id = :id", id=message_id)["last_error"])


def later(services: Services, jobs: JobsProbe, after: timedelta = timedelta(hours=2)) -> None:
    """The sweep that comes `after` so long, and what it asks for."""
    with transaction(PLATFORM) as session:
        sending.sweep(session, services.settings, now=datetime.now(UTC) + after, limit=500)
    jobs.drain()
