from marshmallow import fields

from api.core.schemas import OutSchema
from shared.core.health import Status


class ReadinessSchema(OutSchema):
    status = fields.Enum(Status, by_value=True, required=True)
    checks = fields.Dict(
        keys=fields.String(),
        values=fields.Enum(Status, by_value=True),
        required=True,
        metadata={"example": {"database": "pass", "migrations": "pass", "redis": "pass", "heartbeats": "pass"}},
    )
