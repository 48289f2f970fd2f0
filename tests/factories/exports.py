"""Events for other systems in any state, and where an organization's go."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import update
from sqlalchemy.dialects.postgresql import insert

from shared.core.ids import new_id
from shared.core.orm import table_of
from shared.core.sealing import seal
from shared.core.transaction import transaction
from shared.exports.model import Export, WebhookEndpoint
from tests.factories.organizations import Company

SECRET = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"
OLD_SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
URL = "https://hooks.example.com/crewline"
LEAD: dict[str, Any] = {
    "id": "0199a000-0000-7000-8000-0000000003e9",
    "state": "new",
    "source": "public",
    "created_at": "2026-11-24T16:00:00+00:00",
    "name": "Anna Berg",
    "email": "anna@berg.test",
    "phone": "+14035550123",
    "address": "12 Elm Street",
    "postal_code": "T2P 1J9",
    "preferred_times": "Mondays, when Tom is out",
    "notes": "The key is under the mat",
    "inputs": {"rooms": 3},
    "utm": {"id": "anna@berg.test"},
    "referral_code": "TOM-BERG",
    "service_id": None,
}
"""What `lead.created` says."""


def make_export(
    company: Company,
    *,
    event: str = "order.confirmed",
    about: UUID | None = None,
    payload: dict[str, Any] | None = None,
    **values: Any,
) -> UUID:
    """An event that waits, or as `values` say; `about` is what it tells of. Nothing is enqueued."""
    now, resource_id = datetime.now(UTC), about or new_id()
    said = {"id": str(resource_id), "state": "confirmed"} if payload is None else payload
    given = {"event": event, "resource_id": resource_id, "payload": said, "created_at": now, "next_attempt_at": now}
    row = Export(**{"org_id": company.org_id, "id": new_id(), **given, **values})
    with transaction(company.scope) as session:
        session.add(row)
    return row.id


def change_export(company: Company, export_id: UUID, **values: Any) -> UUID:
    """Change columns of an event, as a worker or time would."""
    with transaction(company.scope) as session:
        mine = (Export.org_id == company.org_id, Export.id == export_id)
        session.execute(update(Export).where(*mine).values(**values))
    return export_id


def make_dead_export(company: Company, *, error: str = "503 Service Unavailable", **more: Any) -> UUID:
    """An event that was given up."""
    now = datetime.now(UTC)
    ended = {"state": "dead", "attempts": 9, "next_attempt_at": None, "last_error": error, "last_status": 503}
    return make_export(company, **{**ended, "dead_at": now, **more})


def make_endpoint(company: Company, **values: Any) -> None:
    """The company's own endpoint, or as `values` say. `secret` and `previous_secret` are sealed."""
    settings, now = company.services.settings, datetime.now(UTC)
    values = {"url": URL, "secret": SECRET, "created_at": now, "updated_at": now} | values
    for name in ("secret", "previous_secret"):
        if values.get(name):
            values[f"sealed_{name}"] = seal(settings, str(values[name]))
        values.pop(name, None)
    with transaction(company.scope) as session:
        making = insert(table_of(WebhookEndpoint)).values(org_id=company.org_id, **values)
        session.execute(making.on_conflict_do_update(index_elements=["org_id"], set_=values))
