"""What a company shows to anybody."""

from typing import Any

from marshmallow import fields

from api.core.hours import BusinessHoursSchema
from api.core.schemas import OutSchema
from shared.catalog.public import Offered
from shared.leads.states import LeadState


class OfferedSchema(OutSchema):
    """A service, or an add-on. `key` is its name for ever."""

    id = fields.UUID(required=True)
    key = fields.String(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True)


class CompanySchema(OutSchema):
    slug = fields.String(required=True)
    name = fields.String(required=True)
    timezone = fields.String(required=True, metadata={"description": "IANA"})
    currency = fields.String(required=True, metadata={"description": "ISO 4217, lower case"})
    locale = fields.String(required=True, metadata={"description": "BCP 47"})
    business_hours = fields.Nested(BusinessHoursSchema, required=True)
    services = fields.List(fields.Nested(OfferedSchema), required=True)
    addons = fields.List(fields.Nested(OfferedSchema), required=True)


_SHOWN = ("slug", "name", "timezone", "currency", "locale", "business_hours")


def present_company(company: Any, offer: Offered) -> dict[str, Any]:
    """A company as `CompanySchema` says."""
    return {name: getattr(company, name) for name in _SHOWN} | {
        "services": [row._asdict() for row in offer.services],
        "addons": [row._asdict() for row in offer.addons],
    }


class TakenLeadSchema(OutSchema):
    """A request that has arrived. Nothing else is told: whoever sent it knows the rest, and nobody else may."""

    id = fields.UUID(required=True)
    state = fields.Enum(LeadState, by_value=True, required=True)


def present_taken_lead(lead: Any) -> dict[str, Any]:
    """A lead as `TakenLeadSchema` says."""
    return {"id": lead.id, "state": lead.state}
