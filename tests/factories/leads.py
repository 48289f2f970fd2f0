"""Requests for work, made through the domain."""

from datetime import UTC, datetime
from itertools import count
from typing import Any
from uuid import UUID

from shared.core.transaction import transaction
from shared.leads import service as leads
from shared.leads.service import NewLead
from tests.factories.organizations import Company

_numbers = count(1)


def make_lead(company: Company, *, source: str = "public", captcha: str = "passed", **changes: Any) -> UUID:
    """A new lead; its mail and its job are promised, as they are with a real one."""
    values = {"name": "Cleo Park", "email": f"cleo-{next(_numbers)}@lead.test", "notes": "Two cats"} | changes
    with transaction(company.scope) as session:
        lead = leads.create(
            session, company.owner, NewLead(**values), source=source, captcha=captcha, now=datetime.now(UTC)
        )
    found: UUID = lead.id
    return found
