"""The shape of each setting. What takes two of them to tell, or the world, is in `shared/organizations/settings.py`."""

from typing import Any

from marshmallow import fields, validate

from api.core.hours import BusinessHoursSchema
from api.core.schemas import Flag, InSchema, Instant, Line, MailAddress, OutSchema, Text
from shared.core.money import MAX_AMOUNT
from shared.core.orm import columns_of
from shared.core.retention_settings import RetentionSettings
from shared.organizations.model import Plan
from shared.organizations.origins import LONGEST_ORIGIN, MOST_ORIGINS
from shared.organizations.settings import DepositReason

MOST_TAX_RATES = 10
MOST_HOURS = 720
"""A month: more notice than that is a typing mistake."""
STEPS = (15, 20, 30, 60)
"""Minutes between the starts that are offered: whole hours begin with one."""
MOST_BUFFER, SHORTEST_HOLD, LONGEST_HOLD = 240, 5, 1440
MOST_DAYS_AHEAD = 1_000
"""Minutes."""
MOST_DAYS_KEPT = 36_500

_PERCENT = r"(100(\.0{1,4})?|[1-9]?[0-9](\.[0-9]{1,4})?)"


def _whole(most: int, least: int = 0, **kwargs: Any) -> fields.Integer:
    return fields.Integer(required=True, strict=True, validate=validate.Range(min=least, max=most), **kwargs)


def _amount(description: str) -> fields.Integer:
    return _whole(MAX_AMOUNT, allow_none=True, metadata={"description": f"{description}, in minor units; or null."})


class DepositPolicySchema(InSchema):
    """`percent` of the total, within `minimum` and `maximum`, when any of `required_for` holds."""

    percent = _whole(100, metadata={"example": 25})
    minimum = _amount("The least deposit")
    maximum = _amount("The largest deposit")
    required_for = fields.List(
        fields.Enum(DepositReason, by_value=True), required=True, metadata={"uniqueItems": True, "example": ["always"]}
    )
    total_above = _amount("Given exactly when `required_for` lists `total_above`")


class CancellationTermsSchema(InSchema):
    """Free until `free_hours` before the start, then `partial_fee_percent` until `partial_hours`, then everything."""

    free_hours = _whole(MOST_HOURS, metadata={"example": 48})
    partial_hours = _whole(MOST_HOURS, metadata={"example": 24})
    partial_fee_percent = _whole(100, metadata={"example": 50})


class CancellationPolicySchema(InSchema):
    """Terms for services that are easy to fill again, and for heavy ones."""

    standard = fields.Nested(CancellationTermsSchema, required=True)
    heavy = fields.Nested(CancellationTermsSchema, required=True)


class ReminderPolicySchema(InSchema):
    """Whether clients are reminded, and how long before the start."""

    hours_before = _whole(168, 1, metadata={"example": 24})
    enabled = Flag(required=True)


class SchedulingPolicySchema(InSchema):
    """Which starts are offered: from `min_notice_hours` from now on, for the next `max_days_ahead` days, every
    `step_minutes`, with `buffer_minutes` kept free around each order. A start that was asked for is held for
    `hold_minutes`."""

    min_notice_hours = _whole(MOST_HOURS, metadata={"example": 24})
    max_days_ahead = _whole(MOST_DAYS_AHEAD, 1, metadata={"example": 365})
    step_minutes = fields.Integer(required=True, strict=True, validate=validate.OneOf(STEPS), metadata={"example": 30})
    buffer_minutes = _whole(MOST_BUFFER, metadata={"example": 30})
    hold_minutes = _whole(LONGEST_HOLD, SHORTEST_HOLD, metadata={"example": 30})


def _days(description: str, example: int | None) -> fields.Integer:
    shown = {"description": f"{description}; null for as long as the installation does", "example": example}
    return _whole(MOST_DAYS_KEPT, 1, allow_none=True, metadata=shown)


class RetentionPolicySchema(InSchema):
    """For how many whole days things are kept; not more than the installation keeps them."""

    lead_days = _days("Leads that are lost or untouched", 180)
    message_days = _days("What mails said", 30)
    export_days = _days("Events for other systems, once they are delivered or given up", 14)
    session_days = _days("Sessions of staff that are over, and rows of files whose content is gone", 14)
    photo_days = _days("Photos, once their order has ended", 730)


class RetentionInForceSchema(OutSchema):
    """For how many days things are kept now: the shorter of what the organization and the installation say. Null is for
    ever."""

    lead_days = fields.Integer(required=True, allow_none=True)
    message_days = fields.Integer(required=True, allow_none=True)
    export_days = fields.Integer(required=True, allow_none=True)
    session_days = fields.Integer(required=True, allow_none=True)
    photo_days = fields.Integer(required=True, allow_none=True)


class TaxRateSchema(InSchema):
    """One tax. `percent` is a decimal number in a string, 0 to 100 with up to four decimals."""

    name = Line(required=True, limit=100, metadata={"example": "GST"})
    percent = fields.String(
        required=True,
        validate=validate.Regexp(rf"{_PERCENT}\Z", error="Is not a number such as 9.975, from 0 to 100."),
        metadata={"example": "9.975"},
    )


_A_DEPOSIT = {"percent": 25, "minimum": 5000, "maximum": None, "required_for": ["always"], "total_above": None}


class OrganizationChangesSchema(InSchema):
    name = Line(limit=200, metadata={"example": "Bright & Tidy"})
    timezone = Line(limit=64, metadata={"example": "America/Edmonton", "description": "IANA"})
    locale = Line(limit=64, metadata={"example": "en-CA", "description": "BCP 47"})
    business_hours = fields.Nested(BusinessHoursSchema)
    deposit_policy = fields.Nested(DepositPolicySchema, metadata={"example": _A_DEPOSIT})
    cancellation_policy = fields.Nested(CancellationPolicySchema)
    reminder_policy = fields.Nested(ReminderPolicySchema)
    scheduling_policy = fields.Nested(SchedulingPolicySchema)
    retention_policy = fields.Nested(RetentionPolicySchema)
    portal_origins = fields.List(
        Line(limit=LONGEST_ORIGIN),
        validate=validate.Length(max=MOST_ORIGINS),
        metadata={
            "example": ["https://book.example.com"],
            "description": "Your web pages that call `/v1/public/{org_slug}` from a browser: exact origins, `https`, or"
            " `http` on localhost. Kept as browsers spell them.",
        },
    )
    tax_rates = fields.List(fields.Nested(TaxRateSchema), validate=validate.Length(max=MOST_TAX_RATES))
    contact_email = MailAddress(
        allow_none=True, metadata={"example": "office@example.com", "description": "Answers to mails go here."}
    )
    contact_address = Text(shortest=0, limit=500, metadata={"example": "12 Elm Street\nCalgary"})
    mail_sender_name = Line(
        allow_none=True, limit=200, metadata={"description": "Sender of mails; null for the organization's name."}
    )
    brand_color = fields.String(
        allow_none=True,
        validate=validate.Regexp(r"#[0-9A-Fa-f]{6}\Z", error="Is not a colour such as #0b6b57."),
        metadata={"example": "#0b6b57", "description": "The colour of mails: `#rrggbb`; null for a green of ours."},
    )
    require_mfa = Flag(metadata={"description": "Owners and admins must use a second factor."})


class OrganizationSchema(OutSchema):
    id = fields.UUID(required=True)
    slug = fields.String(required=True)
    name = fields.String(required=True)
    plan = fields.Enum(Plan, by_value=True, required=True)
    currency = fields.String(required=True, metadata={"description": "ISO 4217, lower case"})
    timezone = fields.String(required=True)
    locale = fields.String(required=True)
    business_hours = fields.Nested(BusinessHoursSchema, required=True)
    deposit_policy = fields.Nested(DepositPolicySchema, required=True)
    cancellation_policy = fields.Nested(CancellationPolicySchema, required=True)
    reminder_policy = fields.Nested(ReminderPolicySchema, required=True)
    scheduling_policy = fields.Nested(SchedulingPolicySchema, required=True)
    retention_policy = fields.Nested(RetentionPolicySchema, required=True)
    retention_in_force = fields.Nested(RetentionInForceSchema, required=True)
    portal_origins = fields.List(fields.String(), required=True)
    tax_rates = fields.List(fields.Nested(TaxRateSchema), required=True)
    contact_email = fields.String(required=True, allow_none=True)
    contact_address = fields.String(required=True)
    mail_sender_name = fields.String(required=True, allow_none=True)
    brand_color = fields.String(required=True, allow_none=True)
    require_mfa = fields.Boolean(required=True)
    version = fields.Integer(required=True)
    created_at = Instant(required=True)


_SHOWN = tuple(name for name in OrganizationSchema().fields if name != "retention_in_force")


def present(organization: Any, installation: RetentionSettings) -> dict[str, Any]:
    """An organization as `OrganizationSchema` says: its columns have the names of the fields."""
    columns = columns_of(organization)
    shown = {name: columns[name] for name in _SHOWN}
    return shown | {"retention_in_force": installation.days_kept(columns["retention_policy"])}
