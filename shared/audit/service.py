from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Session

from shared.audit.model import AuditEntry
from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.core.later import LaterInsert
from shared.core.orm import table_of

_entries = LaterInsert(table_of(AuditEntry))


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
    _entries.add(session, entry)
