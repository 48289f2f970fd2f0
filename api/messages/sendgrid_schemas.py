from marshmallow import fields

from api.core.schemas import OutSchema


class ReceivedEventsSchema(OutSchema):
    received = fields.Boolean(required=True)
