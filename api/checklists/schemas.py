from typing import Any

from marshmallow import fields, validate

from api.core.schemas import Flag, InSchema, Instant, OutSchema, Text
from shared.core.orm import columns_of

MOST_ITEMS = 200


class TemplateItemSchema(InSchema):
    """One thing to do. An order with a `required` one that is not ticked is not completed without a reason."""

    text = Text(required=True, limit=500, metadata={"example": "Lock the back door"})
    required = Flag(required=True)


class ChecklistTemplateInSchema(InSchema):
    items = fields.List(
        fields.Nested(TemplateItemSchema),
        required=True,
        validate=validate.Length(max=MOST_ITEMS),
        metadata={"description": "In the order of the work; an empty list for no checklist from now on."},
    )


class ChecklistTemplateSchema(OutSchema):
    id = fields.UUID(required=True)
    service_id = fields.UUID(required=True)
    version = fields.Integer(required=True)
    items = fields.List(fields.Nested(TemplateItemSchema), required=True)
    created_at = Instant(required=True)


class ChecklistItemSchema(OutSchema):
    id = fields.UUID(required=True)
    position = fields.Integer(required=True, metadata={"description": "From 0"})
    text = fields.String(required=True)
    required = fields.Boolean(required=True)
    done_at = Instant(required=True, allow_none=True)
    done_by = fields.String(
        required=True, allow_none=True, metadata={"description": "The id of a user, or the name of another caller"}
    )


class ChecklistSchema(OutSchema):
    data = fields.List(fields.Nested(ChecklistItemSchema), required=True)


_TEMPLATE, _ITEM = (tuple(schema().fields) for schema in (ChecklistTemplateSchema, ChecklistItemSchema))


def present_template(template: Any) -> dict[str, Any]:
    """A template as `ChecklistTemplateSchema` says: its columns have the names of the fields."""
    columns = columns_of(template)
    return {name: columns[name] for name in _TEMPLATE}


def present_item(item: Any) -> dict[str, Any]:
    """An item as `ChecklistItemSchema` says."""
    columns = columns_of(item)
    return {name: columns[name] for name in _ITEM}
