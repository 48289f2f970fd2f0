"""What a company sells: services, and add-ons to them. Both work alike, so each function is told which of the two.

The key is what price books call the item. It never changes, and an item is never deleted: what is not sold any more is
not active, and old estimates still name it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Table, insert, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.catalog.model import Addon, Service
from shared.core import pages
from shared.core.actor import Actor
from shared.core.database_errors import conflict_on
from shared.core.errors import NotFound, code
from shared.core.ids import new_id
from shared.core.orm import Reader, table_of

SERVICE_NOT_FOUND = code("catalog.service_not_found", "No such service")
ADDON_NOT_FOUND = code("catalog.addon_not_found", "No such add-on")
KEY_TAKEN = code("catalog.key_taken", "The key is taken")

conflict_on("uq_services_org_id_key", KEY_TAKEN, "This organization has a service with this key.")
conflict_on("uq_addons_org_id_key", KEY_TAKEN, "This organization has an add-on with this key.")


@dataclass(frozen=True, slots=True)
class Kind:
    """One of the two; `called` is its name in the audit log."""

    model: type[Service | Addon]
    called: str

    @property
    def table(self) -> Table:
        return table_of(self.model)

    def missing(self) -> NotFound:
        if self.model is Service:
            return NotFound(SERVICE_NOT_FOUND, "There is no such service.")
        return NotFound(ADDON_NOT_FOUND, "There is no such add-on.")


SERVICE, ADDON = Kind(Service, "service"), Kind(Addon, "addon")


def create(session: Session, actor: Actor, kind: Kind, *, key: str, now: datetime, **values: Any) -> Row[Any]:
    """Add an item with `key`, and its other columns as `values`. Raises `Conflict` when the key is taken."""
    given = {"org_id": actor.org_id, "id": new_id(), "key": key, **values, "created_at": now, "updated_at": now}
    made = session.execute(insert(kind.table).values(**given).returning(kind.table)).one()
    audit.record(session, actor, f"catalog.create_{kind.called}", made.id, now=now, after={"key": key, **values})
    return made


def get(session: Reader, actor: Actor, kind: Kind, item_id: UUID) -> Row[Any]:
    """One item's columns, active or not. Raises `NotFound`."""
    item = kind.table.c
    found = session.execute(select(kind.table).where(item.org_id == actor.org_id, item.id == item_id)).one_or_none()
    if found is None:
        raise kind.missing()
    return found


def list_page(
    session: Reader, actor: Actor, kind: Kind, request: pages.PageRequest, *, is_active: bool | None = None
) -> pages.Page:
    """Items, newest first."""
    item = kind.table.c
    query = select(kind.table).where(item.org_id == actor.org_id)
    if is_active is not None:
        query = query.where(item.is_active == is_active)
    return pages.fetch_page(session, query, request, pages.by_id(item.id))


def change(session: Session, actor: Actor, kind: Kind, item_id: UUID, *, now: datetime, **changes: Any) -> Any:
    """Change columns of an item, all but the key; what stays as it is leaves no trace. Raises `NotFound`."""
    item = _lock(session, actor, kind, item_id)
    before = {name: getattr(item, name) for name in changes}
    after = {name: value for name, value in changes.items() if value != before[name]}
    if after:
        for name, value in after.items():
            setattr(item, name, value)
        item.updated_at = now
        before = {name: before[name] for name in after}
        action = f"catalog.change_{kind.called}"
        audit.record(session, actor, action, item_id, now=now, before=before, after=after)
    return item


def _lock(session: Session, actor: Actor, kind: Kind, item_id: UUID) -> Any:
    """The item, locked until the end of the transaction against changes, but not against rows that point to it."""
    model = kind.model
    mine = select(model).where(model.org_id == actor.org_id, model.id == item_id).with_for_update(key_share=True)
    item = session.scalar(mine.execution_options(populate_existing=True))
    if item is None:
        raise kind.missing()
    return item
