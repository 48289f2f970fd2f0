"""What a lead points at in the catalog."""

from uuid import UUID

from sqlalchemy import select
from sqlalchemy.orm import Session

from shared.catalog.model import Estimate, Service
from shared.core.actor import Actor
from shared.core.errors import code, invalid_field
from shared.core.orm import table_of

UNKNOWN_SERVICE = code("leads.unknown_service", "No such service")
UNKNOWN_ESTIMATE = code("leads.unknown_estimate", "No such estimate")

_service, _estimate = table_of(Service).c, table_of(Estimate).c


def check(session: Session, actor: Actor, *, service_id: UUID | None, estimate_id: UUID | None) -> str | None:
    """The name of the service, if one is given. Raises `Invalid` for a service or an estimate that the organization
    does not have."""
    if service_id is None and estimate_id is None:
        return None
    name = select(_service.name).where(_service.org_id == actor.org_id, _service.id == service_id)
    estimate = select(_estimate.id).where(_estimate.org_id == actor.org_id, _estimate.id == estimate_id)
    found = session.execute(
        select(name.scalar_subquery().label("name"), estimate.scalar_subquery().label("estimate"))
    ).one()
    if service_id is not None and found.name is None:
        raise invalid_field("/service_id", UNKNOWN_SERVICE, "This organization has no such service.")
    if estimate_id is not None and found.estimate is None:
        raise invalid_field("/estimate_id", UNKNOWN_ESTIMATE, "This organization has no such estimate.")
    service: str | None = found.name
    return service
