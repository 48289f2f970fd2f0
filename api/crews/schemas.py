from typing import Any

from marshmallow import ValidationError, fields, validate, validates_schema

from api.core.hours import BusinessHoursSchema
from api.core.schemas import Flag, InSchema, Instant, Line, MailAddress, OutSchema, PageArguments, Phone, Text
from shared.core.orm import columns_of

MOST_PREFIXES = 200


class _ChangesSchema(InSchema):
    @validates_schema
    def _something(self, data: dict[str, Any], **_: Any) -> None:
        if not data:
            raise ValidationError("Send at least one field.")


def _name(example: str, **kwargs: Any) -> Line:
    return Line(limit=200, metadata={"example": example}, **kwargs)


def _hours(**kwargs: Any) -> fields.Nested:
    return fields.Nested(
        BusinessHoursSchema,
        allow_none=True,
        metadata={"description": "A day without periods is closed; null for the business hours of the company."},
        **kwargs,
    )


def _postal_prefixes(**kwargs: Any) -> fields.List[Any]:
    prefix = fields.String(
        validate=validate.Regexp(r"[A-Z0-9]{1,10}\Z", error="Write 1 to 10 capital letters or digits, such as T2P."),
        metadata={"example": "T2P"},
    )
    return fields.List(
        prefix,
        validate=validate.Length(max=MOST_PREFIXES),
        metadata={"description": "Where the team works, as beginnings of postal codes; empty for everywhere."},
        **kwargs,
    )


def _email(**kwargs: Any) -> MailAddress:
    return MailAddress(allow_none=True, metadata={"example": "wanda@example.com"}, **kwargs)


class TeamInSchema(InSchema):
    name = _name("North", required=True)
    hours = _hours(load_default=None)
    postal_prefixes = _postal_prefixes(load_default=list)
    is_active = Flag(load_default=True)


class TeamChangesSchema(_ChangesSchema):
    name = _name("North")
    hours = _hours()
    postal_prefixes = _postal_prefixes()
    is_active = Flag()


class TeamSchema(OutSchema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    hours = _hours(required=True)
    postal_prefixes = fields.List(fields.String(), required=True)
    is_active = fields.Boolean(required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


def _user_id(**kwargs: Any) -> fields.UUID:
    return fields.UUID(allow_none=True, metadata={"description": "Their account; its role is worker."}, **kwargs)


class WorkerInSchema(InSchema):
    name = _name("Wanda Worker", required=True)
    email = _email(load_default=None)
    phone = Phone(load_default=None, allow_none=True)
    team_id = fields.UUID(load_default=None, allow_none=True)
    user_id = _user_id(load_default=None)
    is_active = Flag(load_default=True)


class WorkerChangesSchema(_ChangesSchema):
    name = _name("Wanda Worker")
    email = _email()
    phone = Phone(allow_none=True)
    team_id = fields.UUID(allow_none=True)
    user_id = _user_id()
    is_active = Flag()


class WorkerListArguments(PageArguments):
    team_id = fields.UUID()


class WorkerSchema(OutSchema):
    id = fields.UUID(required=True)
    name = fields.String(required=True)
    email = fields.String(required=True, allow_none=True)
    phone = fields.String(required=True, allow_none=True)
    team_id = fields.UUID(required=True, allow_none=True)
    user_id = fields.UUID(required=True, allow_none=True)
    is_active = fields.Boolean(required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class BlackoutInSchema(InSchema):
    """With neither a team nor a worker, the whole company does not work."""

    team_id = fields.UUID(load_default=None, allow_none=True)
    worker_id = fields.UUID(load_default=None, allow_none=True)
    starts_at = Instant(required=True)
    ends_at = Instant(required=True, metadata={"description": "366 days after the start at most"})
    reason = Text(load_default="", shortest=0, limit=500, metadata={"example": "Holidays"})


class BlackoutListArguments(PageArguments):
    team_id = fields.UUID()
    worker_id = fields.UUID()
    from_at = Instant(data_key="from", metadata={"description": "Ends after this moment"})
    to_at = Instant(data_key="to", metadata={"description": "Starts before this moment"})


class BlackoutSchema(OutSchema):
    id = fields.UUID(required=True)
    team_id = fields.UUID(required=True, allow_none=True)
    worker_id = fields.UUID(required=True, allow_none=True)
    starts_at = Instant(required=True)
    ends_at = Instant(required=True)
    reason = fields.String(required=True)
    created_at = Instant(required=True)


_TEAM, _WORKER, _BLACKOUT = (tuple(schema().fields) for schema in (TeamSchema, WorkerSchema, BlackoutSchema))


def present_team(team: Any) -> dict[str, Any]:
    """A team as `TeamSchema` says: its columns have the names of the fields, here and below."""
    columns = columns_of(team)
    return {name: columns[name] for name in _TEAM}


def present_worker(worker: Any) -> dict[str, Any]:
    """A worker as `WorkerSchema` says."""
    columns = columns_of(worker)
    return {name: columns[name] for name in _WORKER}


def present_blackout(blackout: Any) -> dict[str, Any]:
    """A blackout as `BlackoutSchema` says."""
    columns = columns_of(blackout)
    return {name: columns[name] for name in _BLACKOUT}
