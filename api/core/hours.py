"""The opening hours of a week, as a company and its teams have them. What takes two of the times to tell is in
`shared/organizations/settings.py`."""

from typing import Any

from marshmallow import fields, validate

from api.core.schemas import InSchema
from shared.organizations.settings import DAYS

MOST_PERIODS = 10

_OPENS = r"([01][0-9]|2[0-3]):[0-5][0-9]"
_CLOSES = rf"({_OPENS}|24:00)"


def _time(pattern: str, example: str) -> fields.String:
    checked = validate.Regexp(rf"{pattern}\Z", error="Is not a time of day such as 08:00.")
    return fields.String(required=True, validate=checked, metadata={"example": example})


class OpeningPeriodSchema(InSchema):
    """From `opens` until `closes` on one day, on the organization's clocks. `24:00` is the end of the day."""

    opens = _time(_OPENS, "08:00")
    closes = _time(_CLOSES, "17:00")


def _periods() -> fields.List[Any]:
    return fields.List(fields.Nested(OpeningPeriodSchema), required=True, validate=validate.Length(max=MOST_PERIODS))


BusinessHoursSchema = InSchema.from_dict({day: _periods() for day in DAYS}, name="BusinessHoursSchema")
