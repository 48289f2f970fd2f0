"""Objects that are to be deleted, in any state."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from shared.core.ids import new_id
from shared.core.transaction import transaction
from shared.storage_deletes.model import StorageDelete
from tests.factories.order_photos import image_bytes, put_object
from tests.factories.organizations import Company


def make_storage_delete(
    company: Company,
    *,
    state: str = "waiting",
    due: timedelta | None = timedelta(0),
    attempts: int = 0,
    held_bytes: int = 0,
    backend: str = "local",
    owner_id: UUID | None = None,
    with_object: bool = True,
) -> StorageDelete:
    """A row whose time comes `due` from now, and its object if there is to be one."""
    now, owner_id = datetime.now(UTC), owner_id or new_id()
    row = StorageDelete(
        org_id=company.org_id,
        owner_id=owner_id,
        backend=backend,
        storage_key=f"orders/{company.org_id}/{new_id()}/{owner_id}.png",
        held_bytes=held_bytes,
        state=state,
        attempts=attempts,
        created_at=now,
        next_attempt_at=None if due is None or state == "stuck" else now + due,
    )
    with transaction(company.scope) as session:
        session.add(row)
    if with_object:
        put_object(company, row.storage_key, image_bytes())
    return row
