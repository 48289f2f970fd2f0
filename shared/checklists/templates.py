from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, insert, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.catalog.model import Service
from shared.checklists.model import ChecklistTemplate
from shared.core.actor import Actor
from shared.core.errors import NotFound, code
from shared.core.ids import new_id
from shared.core.orm import Reader, table_of

NOT_FOUND = code("checklists.template_not_found", "No such checklist template")
SERVICE_NOT_FOUND = code("checklists.service_not_found", "No such service")

_templates, _services = table_of(ChecklistTemplate), table_of(Service)


def find(session: Reader, actor: Actor, service_id: UUID) -> Row[Any] | None:
    """The columns of the version in force for a service, which may be without items; None when there never was one."""
    template = _templates.c
    mine = select(_templates).where(template.org_id == actor.org_id, template.service_id == service_id)
    return session.execute(mine.order_by(template.version.desc()).limit(1)).one_or_none()


def get(session: Reader, actor: Actor, service_id: UUID) -> Row[Any]:
    """The columns of the version in force for a service. Raises `NotFound`."""
    found = find(session, actor, service_id)
    if found is None:
        raise NotFound(NOT_FOUND, "There is no checklist template for this service.")
    return found


def replace(
    session: Session, actor: Actor, service_id: UUID, items: list[dict[str, Any]], *, now: datetime
) -> Row[Any]:
    """Put a new version of `items` (`{"text", "required"}`) in force; the same items again make none.

    Raises `NotFound` for an unknown service. Whoever comes at the same moment waits and makes the version after it.
    """
    _lock_service(session, actor, service_id)
    current = find(session, actor, service_id)
    if current is not None and current.items == items:
        return current
    values = {
        "org_id": actor.org_id,
        "id": new_id(),
        "service_id": service_id,
        "version": current.version + 1 if current is not None else 1,
        "items": items,
        "created_at": now,
    }
    made = session.execute(insert(_templates).values(values).returning(_templates)).one()
    after = {"service_id": service_id, "version": made.version, "items": items}
    audit.record(session, actor, "checklists.replace_template", made.id, now=now, after=after)
    return made


def _lock_service(session: Session, actor: Actor, service_id: UUID) -> None:
    """Not against orders and estimates, which only point to the service."""
    mine = select(_services.c.id).where(_services.c.org_id == actor.org_id, _services.c.id == service_id)
    if session.scalar(mine.with_for_update(key_share=True)) is None:
        raise NotFound(SERVICE_NOT_FOUND, "There is no such service.")
