from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.audit.model import AuditEntry
from shared.core import pages
from shared.core.actor import Actor
from shared.core.ids import lowest_id_at, new_id
from shared.core.later import LaterInsert
from shared.core.orm import Reader, table_of

APART = timedelta(hours=1)
"""How far an entry's identifier may be from its `created_at`: more than any request or task lasts, or a clock is set
back. `created_at` is when the request came in, the identifier is made when the entry is written."""

_entries = table_of(AuditEntry)
_later = LaterInsert(_entries)
_ALL = select(*(column for column in _entries.columns if column.name != "org_id"))


def record(
    session: Session,
    actor: Actor,
    action: str,
    resource_id: UUID,
    *,
    now: datetime,
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write down that `actor` did `action` (`orders.confirm`) to a row of the feature that it is named after."""
    entry = {
        "org_id": actor.org_id,
        "id": new_id(),
        "actor_id": actor.user_id,
        "actor_label": actor.label,
        "action": action,
        "resource": action.partition(".")[0],
        "resource_id": resource_id,
        "before": before or {},
        "after": after or {},
        "request_id": actor.request_id,
        "address": actor.address,
        "created_at": now,
    }
    _later.add(session, entry)


def list_page(
    session: Reader,
    actor: Actor,
    request: pages.PageRequest,
    *,
    actor_id: UUID | None = None,
    action: str | None = None,
    resource: str | None = None,
    resource_id: UUID | None = None,
    created_from: datetime | None = None,
    created_to: datetime | None = None,
) -> pages.Page:
    """Entries, the last written first; `created_from` is included, `created_to` is not.

    Identifiers carry the time, so that a range of times is a range in whichever index serves the other filters.
    """
    entry = _entries.c
    query = _ALL.where(entry.org_id == actor.org_id)
    equal = {"actor_id": actor_id, "action": action, "resource": resource, "resource_id": resource_id}
    query = query.where(*(entry[name] == value for name, value in equal.items() if value is not None))
    if created_from:
        query = query.where(entry.created_at >= created_from, entry.id >= lowest_id_at(created_from - APART))
    if created_to:
        query = query.where(entry.created_at < created_to, entry.id < lowest_id_at(created_to + APART))
    return pages.fetch_page(session, query, request, pages.by_id(entry.id))
