from marshmallow import fields

from api.core.schemas import OutSchema


class ReceivedSchema(OutSchema):
    received = fields.Boolean(required=True)
