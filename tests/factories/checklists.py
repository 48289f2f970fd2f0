"""Checklist templates, made through the domain."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.checklists import templates
from shared.core.transaction import transaction
from tests.factories.organizations import Company

ITEMS = [
    {"text": "Clean the windows", "required": False},
    {"text": "Lock the back door", "required": True},
    {"text": "Leave the key", "required": True},
]


def make_checklist_template(company: Company, service_id: UUID, items: list[dict[str, Any]] | None = None) -> UUID:
    """The template in force for a service; without `items`, three."""
    wanted = ITEMS if items is None else items
    with transaction(company.scope) as session:
        found: UUID = templates.replace(session, company.owner, service_id, wanted, now=datetime.now(UTC)).id
    return found
