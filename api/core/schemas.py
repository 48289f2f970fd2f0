"""Base of the schemas: strict input, and the few shapes that every feature shares."""

import re
from datetime import UTC, date, datetime
from typing import Any

from marshmallow import INCLUDE, RAISE, Schema, ValidationError, fields, validate

from shared.core import phone_numbers
from shared.core.money import MAX_AMOUNT
from shared.core.pages import DEFAULT_LIMIT, MAX_LIMIT

_FIRST_YEAR, _LAST_YEAR = 1900, 9000
"""Far from the ends of the calendar, where a time zone would carry a moment over the edge."""

_PLAIN_ADDRESS = re.compile(r"[!#-~]{1,64}@[^@\s]{1,189}")
_BREAKS = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_LONGEST_CODE = 12
_POSTAL_CODE = re.compile(r"[A-Z0-9](?:[ -]?[A-Z0-9]){1,11}")


class Text(fields.String):
    """A string that Postgres can store, stripped. `limit` is its longest length in characters."""

    def __init__(self, *, limit: int, shortest: int = 1, **kwargs: Any) -> None:
        super().__init__(validate=validate.Length(min=shortest, max=limit), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text: str = super()._deserialize(value, attr, data, **kwargs)
        if _UNSTORABLE.search(text):
            raise ValidationError("Contains characters that cannot be stored.")
        return text.strip()


class Line(Text):
    """A `Text` on one line, such as a name that goes into the header of a mail: no control characters."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        text = super()._deserialize(value, attr, data, **kwargs)
        if _BREAKS.search(value):  # as it was typed: stripping hides a break at the end
            raise ValidationError("Contains line breaks or other control characters.")
        return text


class MailAddress(fields.String):
    """An e-mail address that a mail can be sent to: printable ASCII in front of the `@`, without quotes (RFC 5321)."""

    def __init__(self, *, metadata: dict[str, Any], **kwargs: Any) -> None:
        super().__init__(validate=_check_mail_address, metadata={"format": "email", **metadata}, **kwargs)


def _check_mail_address(address: str) -> None:
    if not _PLAIN_ADDRESS.fullmatch(address):
        raise ValidationError(validate.Email.default_message)
    validate.Email()(address)


class Phone(fields.String):
    """A phone number as people write it in the international form; kept in E.164."""

    def __init__(self, *, metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:
        described = {"example": "+14035550123", "description": "With country code; answered in E.164."}
        super().__init__(metadata=described | (metadata or {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        try:
            return phone_numbers.spelled(super()._deserialize(value, attr, data, **kwargs))
        except ValueError as error:
            raise ValidationError(f"The number {error}.") from None


class PostalCode(fields.String):
    """A postal code of any country: 2 to 12 letters and digits, with single blanks or dashes between them; kept in
    upper case. With `may_be_empty`, `""` says that there is none."""

    def __init__(self, *, may_be_empty: bool = False, metadata: dict[str, Any] | None = None, **kwargs: Any) -> None:
        self._may_be_empty = may_be_empty
        super().__init__(metadata={"example": "T2P 1J9", "maxLength": 20} | (metadata or {}), **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> str:
        code = " ".join(super()._deserialize(value, attr, data, **kwargs).upper().split())
        if not ((_POSTAL_CODE.fullmatch(code) and len(code) <= _LONGEST_CODE) or (not code and self._may_be_empty)):
            raise ValidationError("Is not a postal code: 2 to 12 letters and digits, such as T2P 1J9.")
        return code


class Flag(fields.Boolean):
    """`true` or `false`, and nothing that is merely like it."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> bool:
        if value is not True and value is not False:
            raise self.make_error("invalid", input=value)
        return bool(super()._deserialize(value, attr, data, **kwargs))


class Instant(fields.AwareDateTime):
    """A moment: RFC 3339 with an offset or `Z`; kept and answered in UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> datetime:
        moment: datetime = super()._deserialize(value, attr, data, **kwargs)
        if not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
            raise ValidationError(f"Is not between the years {_FIRST_YEAR} and {_LAST_YEAR}.")
        return moment.astimezone(UTC)


class Day(fields.Date):
    """A date on the organization's calendar, as in RFC 3339."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        day: date = super()._deserialize(value, attr, data, **kwargs)
        if not _FIRST_YEAR <= day.year <= _LAST_YEAR:
            raise ValidationError(f"Is not between the years {_FIRST_YEAR} and {_LAST_YEAR}.")
        return day


class InSchema(Schema):
    """What comes in. An unknown field is an error, so that a typing mistake does not pass unseen."""

    class Meta:
        unknown = RAISE


class OutSchema(Schema):
    """What goes out: the documented contract. Views hand over finished dictionaries (each feature's `present`), which
    are many times faster than a dump; every answer in the tests is checked against the contract instead."""

    def dump(self, obj: Any, *, many: bool | None = None) -> Any:  # noqa: ARG002 - the base class's signature
        return obj


class MoneySchema(InSchema):
    """`amount` in minor units of `currency` (lower-case ISO 4217): 12900 cad is 129.00 Canadian dollars."""

    amount = fields.Integer(
        required=True, strict=True, validate=validate.Range(min=0, max=MAX_AMOUNT), metadata={"example": 12900}
    )
    currency = fields.String(required=True, validate=validate.Regexp(r"[a-z]{3}\Z"), metadata={"example": "cad"})


class PageArguments(InSchema):
    """Query parameters of every list."""

    limit = fields.Integer(load_default=DEFAULT_LIMIT, validate=validate.Range(min=1, max=MAX_LIMIT))
    cursor = fields.String(validate=validate.Length(min=1, max=500))


class ProblemErrorSchema(Schema):
    pointer = fields.String(required=True, metadata={"description": "JSON Pointer (RFC 6901) into the request"})
    code = fields.String(required=True)
    detail = fields.String(required=True)


class ProblemSchema(Schema):
    """A problem document, RFC 9457. Some codes add members of their own, such as `state` and `allowed`."""

    class Meta:
        unknown = INCLUDE

    type = fields.String(required=True)
    title = fields.String(required=True)
    status = fields.Integer(required=True)
    detail = fields.String(required=True)
    code = fields.String(required=True, metadata={"description": "Stable; decide on this, not on the texts."})
    request_id = fields.String(required=True)
    errors = fields.List(fields.Nested(ProblemErrorSchema))
