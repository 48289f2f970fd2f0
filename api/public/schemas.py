"""What a company shows to anybody."""

from typing import Any

from marshmallow import fields

from api.core.hours import BusinessHoursSchema
from api.core.schemas import Flag, InSchema, Instant, Line, MailAddress, MoneySchema, OutSchema, Phone, PostalCode, Text
from shared.catalog.public import Offered
from shared.leads.states import LeadState
from shared.orders.states import OrderState


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


class BookingSchema(InSchema):
    """At least one of `email` and `phone`."""

    estimate_id = fields.UUID(required=True, metadata={"description": "The price, the length and the crew"})
    scheduled_start = Instant(required=True, metadata={"description": "A start that `slots` offers"})
    name = Line(required=True, limit=200, metadata={"example": "Anna Berg"})
    email = MailAddress(load_default=None, allow_none=True, metadata={"example": "anna@example.com"})
    phone = Phone(load_default=None, allow_none=True)
    address = Text(required=True, limit=500, metadata={"example": "12 Elm Street, Calgary"})
    postal_code = PostalCode(load_default="", may_be_empty=True)
    notes = Text(load_default="", shortest=0, limit=10_000)
    access_notes = Text(load_default="", shortest=0, limit=2_000, metadata={"description": "How to get in"})
    photo_consent = Flag(load_default=False, metadata={"description": "The client agrees to photos."})


class TakenOrderSchema(OutSchema):
    """An order that was booked."""

    id = fields.UUID(required=True)
    number = fields.Integer(required=True)
    state = fields.Enum(OrderState, by_value=True, required=True)
    title = fields.String(required=True)
    scheduled_start = Instant(required=True)
    scheduled_end = Instant(required=True)
    total = fields.Nested(MoneySchema, required=True)
    deposit = fields.Nested(MoneySchema, required=True)
    hold_until = Instant(
        required=True, allow_none=True, metadata={"description": "Until then the deposit has to be paid."}
    )


_OF_ORDER = ("id", "number", "state", "title", "scheduled_start", "scheduled_end", "hold_until")


def present_taken_order(order: Any) -> dict[str, Any]:
    """An order as `TakenOrderSchema` says: nothing about who goes, or what the company knew of the client."""
    amounts = {
        name: {"amount": getattr(order, f"{name}_amount"), "currency": order.currency} for name in ("total", "deposit")
    }
    return {name: getattr(order, name) for name in _OF_ORDER} | amounts


class TakenLeadSchema(OutSchema):
    """A request that has arrived. Nothing else is told: whoever sent it knows the rest, and nobody else may."""

    id = fields.UUID(required=True)
    state = fields.Enum(LeadState, by_value=True, required=True)


def present_taken_lead(lead: Any) -> dict[str, Any]:
    """A lead as `TakenLeadSchema` says."""
    return {"id": lead.id, "state": lead.state}
