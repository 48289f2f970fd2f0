"""Copies of what is held on a person, from the request to their end."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select, update
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.clients import service as clients
from shared.clients.model import ClientExport, ClientExportState
from shared.core import jobs, pages
from shared.core.actor import Actor
from shared.core.errors import NotFound, code
from shared.core.ids import new_id
from shared.core.orm import Reader, table_of
from shared.core.outbox import PUBLISH_GRACE, claiming, lock_due
from shared.privacy.jobs import COLLECT

NOT_FOUND = code("privacy.export_not_found", "No such export")

KEPT = timedelta(days=7)
"""How long a copy can be read."""
LEASE = timedelta(minutes=2)
"""How long a worker has for one copy before the sweep gives it to another: the hard time limit of a task."""
MAX_ATTEMPTS = 5

_exports = table_of(ClientExport)
_export = _exports.c
_SHOWN = [column for column in _exports.columns if column.name != "bundle"]
_CLAIM = claiming(_exports, waiting=ClientExportState.QUEUED, working=ClientExportState.COLLECTING)


def request_export(session: Session, actor: Actor, client_id: UUID, *, now: datetime) -> Row[Any]:
    """Promise a copy of all that is held on the client. Raises `NotFound`, or `Conflict` for one that was merged or
    erased."""
    clients.lock(session, actor, client_id)
    values = {
        "org_id": actor.org_id,
        "id": new_id(),
        "client_id": client_id,
        "state": ClientExportState.QUEUED,
        "created_at": now,
        "next_attempt_at": now + PUBLISH_GRACE,
    }
    row = session.execute(insert(_exports).values(values).returning(*_SHOWN)).one()
    audit.record(session, actor, "clients.export", client_id, now=now, after={"client_export_id": str(row.id)})
    jobs.enqueue(session, COLLECT, org_id=actor.org_id, client_export_id=row.id)
    return row


def list_page(session: Reader, actor: Actor, client_id: UUID, request: pages.PageRequest) -> pages.Page:
    """Copies that were asked for, the last first, without what is in them. Raises `NotFound` for the client."""
    clients.get(session, actor, client_id)
    query = select(*_SHOWN).where(_export.org_id == actor.org_id, _export.client_id == client_id)
    return pages.fetch_page(session, query, request, pages.by_id(_export.id))


def get(session: Reader, actor: Actor, client_id: UUID, export_id: UUID) -> Row[Any]:
    """One copy with its bundle, None until it is ready and when it has expired. Raises `NotFound`."""
    mine = (_export.org_id == actor.org_id, _export.client_id == client_id, _export.id == export_id)
    found = session.execute(select(_exports).where(*mine)).one_or_none()
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such export of this client.")
    return found


def claim(session: Session, org_id: UUID, export_id: UUID, *, now: datetime) -> Row[Any] | None:
    """Take the copy for collecting, for the length of the lease. None when there is nothing to do."""
    mine = {"of_org": org_id, "of_row": export_id, "lease_until": now + LEASE}
    return session.execute(_CLAIM, mine).one_or_none()


def mark_ready(session: Session, claimed: Row[Any], bundle: dict[str, Any], *, now: datetime) -> bool:
    """Keep what was collected. False when the claim is over: the person was erased meanwhile, or another worker has
    it."""
    mine = (
        _export.org_id == claimed.org_id,
        _export.id == claimed.id,
        _export.state == ClientExportState.COLLECTING,
        _export.attempts == claimed.attempts,
    )
    until = now + KEPT
    ready = (
        update(_exports)
        .where(*mine)
        .values(
            state=ClientExportState.READY,
            bundle=bundle,
            ready_at=now,
            expires_at=until,
            next_attempt_at=until,
            last_error=None,
        )
    )
    return session.scalar(ready.returning(_export.id)) is not None


def sweep(session: Session, *, now: datetime, limit: int) -> dict[str, int]:
    """Forget bundles whose time is over, and enqueue copies whose message or worker was lost. Returns counts."""
    counts = {"expired": 0, "requeued": 0, "dead": 0}
    due = {ClientExportState.QUEUED, ClientExportState.COLLECTING, ClientExportState.READY}
    for export in lock_due(session, ClientExport, due, now=now, limit=limit):
        if export.state == ClientExportState.READY:
            export.state, export.bundle, export.next_attempt_at = ClientExportState.EXPIRED, None, None
            counts["expired"] += 1
        elif export.attempts >= MAX_ATTEMPTS:
            export.state, export.next_attempt_at = ClientExportState.DEAD, None
            export.last_error = "the worker died or failed, every time"
            counts["dead"] += 1
        else:
            export.state, export.next_attempt_at = ClientExportState.QUEUED, now + PUBLISH_GRACE
            jobs.enqueue(session, COLLECT, org_id=export.org_id, client_export_id=export.id)
            counts["requeued"] += 1
    return counts
