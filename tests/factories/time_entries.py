"""Time entries, made through the domain."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.core.transaction import transaction
from shared.time_entries import service as time_entries
from tests.factories.organizations import Company


def make_time_entry(
    company: Company, order_id: UUID, worker_id: UUID, *, ago: timedelta = timedelta(0), paused: bool = False
) -> UUID:
    """A running entry that was started so long `ago`, or one that is paused since now."""
    now = datetime.now(UTC)
    with transaction(company.scope) as session:
        entry_id: UUID = time_entries.start(session, company.owner, order_id, worker_id, now=now - ago).id
        if paused:
            time_entries.pause(session, company.owner, entry_id, now=now)
    return entry_id
