"""What photos take, counted before it is taken: reserved with the upload, released when the object is gone."""

from collections import Counter
from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Row, delete, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import Insert, insert
from sqlalchemy.orm import Session

from shared.core.errors import Conflict, code
from shared.core.orm import Reader, table_of
from shared.order_photos.model import OrderPhoto, PhotoUsage
from shared.storage_deletes.model import StorageDelete

LIMIT_REACHED = code("billing.limit_reached", "The limit of your plan is reached")

_usage = table_of(PhotoUsage)
_photos = table_of(OrderPhoto)
_deletes = table_of(StorageDelete)


def take(session: Session, org_id: UUID, backend: str, size: int, *, limit: int) -> None:
    """Reserve `size` bytes. Uploads of one organization wait for each other here, for as long as a transaction takes,
    so that together they cannot pass the limit (while ORDER_STORAGE_BACKEND is being changed, those to two backends
    could). Raises `Conflict` (`LIMIT_REACHED`).
    """
    counted = _adding(org_id, backend, size).returning(_usage.c.bytes).cte("counted")
    others = select(func.sum(_usage.c.bytes)).where(_usage.c.org_id == org_id, _usage.c.backend != backend)
    used = session.scalar(select(counted.c.bytes + func.coalesce(others.scalar_subquery(), 0))) or 0
    if used > limit:
        detail = f"Your photos take {used - size:,} of {limit:,} bytes; this one has {size:,}."
        raise Conflict(LIMIT_REACHED, detail, limit=limit, usage=int(used - size))


def add(session: Session, org_id: UUID, backend: str, size: int) -> None:
    """Count `size` bytes more, or fewer when it is negative."""
    session.execute(_adding(org_id, backend, size))


def _adding(org_id: UUID, backend: str, size: int) -> Insert:
    counting = insert(_usage).values(org_id=org_id, backend=backend, bytes=max(size, 0))
    more = func.greatest(_usage.c.bytes + size, 0)
    return counting.on_conflict_do_update(constraint="pk_photo_usage", set_={"bytes": more})


def release(session: Session, gone: Iterable[Row[Any]]) -> None:
    """Give back what objects held that are gone (rows with org_id, backend, held_bytes); always in one order, so that
    two workers do not wait for each other."""
    freed: Counter[tuple[UUID, str]] = Counter()
    for row in gone:
        freed[row.org_id, row.backend] += row.held_bytes
    for (org_id, backend), size in sorted(freed.items()):
        if size:
            add(session, org_id, backend, -size)


def organizations(session: Reader) -> list[UUID]:
    """Who has photos, or has had some."""
    found = union_all(select(_usage.c.org_id), select(_photos.c.org_id).distinct()).subquery()
    return list(session.execute(select(found.c.org_id).distinct()).scalars())


def recount(session: Session, org_id: UUID) -> int:
    """Set the counters of one organization to what its rows hold. Returns by how many bytes they were wrong.

    Locks the counters first: who takes or releases meanwhile waits, and is counted after.
    """
    counters = select(_usage).where(_usage.c.org_id == org_id).order_by(_usage.c.backend)
    before = {row.backend: row.bytes for row in session.execute(counters.with_for_update())}
    held = union_all(
        *(
            select(table.c.backend, table.c.held_bytes).where(table.c.org_id == org_id, table.c.held_bytes > 0)
            for table in (_photos, _deletes)
        )
    ).subquery()
    sums = select(literal(org_id).label("org_id"), held.c.backend, func.sum(held.c.held_bytes)).group_by(held.c.backend)
    now = {row.backend: int(row[2]) for row in session.execute(sums)}
    wrong = {name for name in before.keys() | now.keys() if before.get(name, 0) != now.get(name, 0)}
    if wrong:
        session.execute(delete(_usage).where(_usage.c.org_id == org_id))
        for backend, size in now.items():
            add(session, org_id, backend, size)
    return sum(abs(before.get(name, 0) - now.get(name, 0)) for name in wrong)


def bytes_by_backend(session: Reader) -> dict[str, int]:
    """What the photos of all organizations take, for metrics: one row per organization and backend is read."""
    sums = select(_usage.c.backend, func.sum(_usage.c.bytes)).group_by(_usage.c.backend)
    return {row[0]: int(row[1]) for row in session.execute(sums)}
