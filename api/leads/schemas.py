from typing import Any

from marshmallow import fields
from webargs.fields import DelimitedList

from api.core.leads import UtmSchema
from api.core.schemas import InSchema, Instant, OutSchema, PageArguments, Text
from shared.core.orm import columns_of
from shared.leads.states import LeadState, allowed_from


class LeadListArguments(PageArguments):
    status = DelimitedList(
        fields.Enum(LeadState, by_value=True), metadata={"description": "Comma list of states", "example": "new"}
    )
    created_from = Instant(metadata={"description": "Made at this moment or later"})
    created_to = Instant(metadata={"description": "Made before this moment"})


class QuoteSchema(InSchema):
    estimate_id = fields.UUID(required=True)


class LoseSchema(InSchema):
    reason = Text(required=True, limit=500, metadata={"example": "Too expensive"})


class LeadSchema(OutSchema):
    id = fields.UUID(required=True)
    state = fields.Enum(LeadState, by_value=True, required=True)
    allowed = fields.List(fields.String(), required=True, metadata={"description": "What can be done with it now."})
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    address = fields.String(required=True)
    postal_code = fields.String(required=True)
    preferred_times = fields.String(required=True)
    notes = fields.String(required=True)
    service_id = fields.UUID(required=True, allow_none=True)
    estimate_id = fields.UUID(required=True, allow_none=True)
    inputs = fields.Dict(required=True)
    utm = fields.Nested(UtmSchema, required=True)
    referral_code = fields.String(required=True, allow_none=True)
    source = fields.String(required=True, metadata={"description": "`staff` or `public`"})
    captcha = fields.String(required=True, metadata={"description": "`passed`, `off` or `staff`"})
    client_id = fields.UUID(
        required=True, allow_none=True, metadata={"description": "Whose order came of it, once it is won"}
    )
    lost_reason = fields.String(required=True, allow_none=True)
    contacted_at = Instant(required=True, allow_none=True)
    erased_at = Instant(required=True, allow_none=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


_SHOWN = tuple(name for name in LeadSchema().fields if name != "allowed")


def present(lead: Any) -> dict[str, Any]:
    """A lead as `LeadSchema` says: its columns have the names of the fields."""
    columns = columns_of(lead)
    return {name: columns[name] for name in _SHOWN} | {"allowed": allowed_from(columns["state"])}
