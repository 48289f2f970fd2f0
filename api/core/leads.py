"""The body of a request for work, as staff and the public form send it."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from api.core.schemas import InSchema, Line, MailAddress, Phone, PostalCode, Text
from shared.leads.service import NewLead

MOST_INPUTS = 50
LONGEST_INPUT = 500
LARGEST_INPUT = 1_000_000_000


class Inputs(fields.Dict):
    """What an estimate would need: names with texts or whole numbers. Anything finer is a decimal in a text."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(
            keys=Line(limit=100),
            validate=validate.Length(max=MOST_INPUTS),
            metadata={
                "example": {"bedrooms": 3, "area": "82.5"},
                "additionalProperties": {"type": ["string", "integer"]},
                "description": f"Up to {MOST_INPUTS} names, each with a text or a whole number",
            },
            **kwargs,
        )

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> Any:
        found = super()._deserialize(value, attr, data, **kwargs)
        faults = {str(name): [fault] for name, each in found.items() if (fault := _fault_of(each))}
        if faults:
            raise ValidationError(faults)
        return found


def _fault_of(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return "Is neither a text nor a whole number; write a decimal as a text."
    if isinstance(value, str):
        return None if len(value) <= LONGEST_INPUT and "\x00" not in value else "Is too long or cannot be stored."
    return None if abs(value) <= LARGEST_INPUT else "Is too large."


class UtmSchema(InSchema):
    """Where the person comes from, as links of campaigns say it."""

    source = Line(limit=200, metadata={"example": "newsletter"})
    medium = Line(limit=200, metadata={"example": "email"})
    campaign = Line(limit=200, metadata={"example": "spring"})
    term = Line(limit=200)
    content = Line(limit=200)


class LeadChangesSchema(InSchema):
    name = Text(limit=200, metadata={"example": "Anna Berg"})
    email = MailAddress(allow_none=True, metadata={"example": "anna@example.com"})
    phone = Phone(allow_none=True)
    address = Text(shortest=0, limit=500, metadata={"example": "12 Elm Street, Calgary"})
    postal_code = PostalCode(may_be_empty=True)
    preferred_times = Text(shortest=0, limit=1_000, metadata={"example": "Weekdays after 15:00"})
    notes = Text(shortest=0, limit=10_000)
    service_id = fields.UUID(allow_none=True)
    estimate_id = fields.UUID(allow_none=True)
    inputs = Inputs()


class LeadInSchema(LeadChangesSchema):
    """At least one of `email` and `phone`."""

    name = Text(required=True, limit=200, metadata={"example": "Anna Berg"})
    email = MailAddress(
        required=True,
        allow_none=True,
        metadata={"example": "anna@example.com", "description": "Null when only the phone number is known"},
    )
    phone = Phone(load_default=None, allow_none=True)
    utm = fields.Nested(UtmSchema)
    referral_code = Line(allow_none=True, limit=100, metadata={"example": "FRIEND-10"})


def new_lead(body: dict[str, Any]) -> NewLead:
    """The domain's words for the body of a new lead."""
    return NewLead(**body)
