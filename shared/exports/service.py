from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy.orm import Session

from shared.core import jobs
from shared.core.actor import Actor
from shared.core.ids import new_id
from shared.core.later import LaterInsert
from shared.core.orm import table_of
from shared.exports.events import Event
from shared.exports.jobs import DELIVER
from shared.exports.model import Export, ExportState

_exports = LaterInsert(table_of(Export))


def record(
    session: Session, actor: Actor, event: Event, resource_id: UUID, payload: dict[str, Any], *, now: datetime
) -> None:
    """Promise that other systems are told of `event`, in the transaction of the change that it tells about.

    `payload` is kept as it is now, in JSON: times in RFC 3339, identifiers as text.
    """
    row = {
        "org_id": actor.org_id,
        "id": new_id(),
        "event": event,
        "resource_id": resource_id,
        "payload": orjson.loads(orjson.dumps(payload)),
        "state": ExportState.PENDING,
        "attempts": 0,
        "next_attempt_at": now,
        "last_error": None,
        "created_at": now,
        "delivered_at": None,
        "last_status": None,
        "dead_at": None,
        "replays": 0,
        "auto_replays": 0,
        "auto_replayed_at": None,
        "owed_since": now,
    }
    _exports.add(session, row)
    jobs.enqueue(session, DELIVER, org_id=actor.org_id)
