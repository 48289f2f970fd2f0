from marshmallow import fields

from api.core.schemas import OutSchema


class EmailScanSchema(OutSchema):
    reminders = fields.Integer(required=True, metadata={"description": "Mails that are promised now", "example": 3})
    requeued = fields.Integer(
        required=True, metadata={"description": "Mails that were late and are tried now", "example": 1}
    )
