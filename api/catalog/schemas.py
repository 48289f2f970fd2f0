from typing import Any

from marshmallow import fields, validate

from api.core.schemas import Flag, InSchema, Instant, Line, OutSchema, PageArguments, Text
from shared.core.orm import columns_of

_KEY_HELP = "Its name in price books: 1 to 50 of a-z, 0-9 and _, a letter first. It never changes."
_ACTIVE_HELP = "Is on sale. What is not can no longer be estimated; old estimates stay."
_HEAVY_HELP = "Takes the stricter cancellation terms, and may ask for a deposit."

A_BOOK: dict[str, Any] = {
    "currency": "cad",
    "services": {
        "home_cleaning": {
            "base": {"price": "80.00", "minutes": 60},
            "inputs": {
                "bedrooms": {"price": "25.00", "minutes": 30, "included": 1, "max": 20},
                "area_m2": {
                    "name": "area",
                    "tiers": [
                        {"from": 50, "price": "0.60", "minutes": "0.5"},
                        {"from": 100, "price": "0.40", "minutes": "0.4"},
                    ],
                    "default": 0,
                },
                "condition": {"choices": {"normal": {}, "heavy": {"price": "10.00", "minutes": 15}}},
            },
            "multipliers": [
                {
                    "name": "deep clean",
                    "input": "condition",
                    "values": {"normal": "1", "heavy": "1.35"},
                    "applies_to": "both",
                }
            ],
            "addons": ["oven"],
            "minimum": "99.00",
            "crew": [{"from_minutes": 0, "size": 1}, {"from_minutes": 240, "size": 2}],
        }
    },
    "addons": {"oven": {"price": "35.00", "minutes": 30, "max": 3}},
    "frequency_discounts": {"weekly": "15", "every_two_weeks": "10", "monthly": "5"},
    "taxes": [{"name": "GST", "percent": "5"}],
}
"""The example of the contract. `ops/docs/prices.md` explains it, and works out an estimate with it."""


def _key(example: str) -> fields.String:
    checked = validate.Regexp(r"[a-z][a-z0-9_]{0,49}\Z", error=_KEY_HELP)
    return fields.String(required=True, validate=checked, metadata={"example": example, "description": _KEY_HELP})


class ServiceInSchema(InSchema):
    key = _key("window_cleaning")
    name = Line(required=True, limit=200, metadata={"example": "Window cleaning"})
    description = Text(load_default="", shortest=0, limit=2_000)
    is_heavy = Flag(load_default=False, metadata={"description": _HEAVY_HELP})
    is_active = Flag(load_default=True, metadata={"description": _ACTIVE_HELP})


class ServiceChangesSchema(InSchema):
    name = Line(limit=200, metadata={"example": "Window cleaning"})
    description = Text(shortest=0, limit=2_000)
    is_heavy = Flag(metadata={"description": _HEAVY_HELP})
    is_active = Flag(metadata={"description": _ACTIVE_HELP})


class AddonInSchema(InSchema):
    key = _key("fridge")
    name = Line(required=True, limit=200, metadata={"example": "Inside the fridge"})
    description = Text(load_default="", shortest=0, limit=2_000)
    is_active = Flag(load_default=True, metadata={"description": _ACTIVE_HELP})


class AddonChangesSchema(InSchema):
    name = Line(limit=200, metadata={"example": "Inside the fridge"})
    description = Text(shortest=0, limit=2_000)
    is_active = Flag(metadata={"description": _ACTIVE_HELP})


class CatalogListArguments(PageArguments):
    is_active = fields.Boolean(metadata={"description": "Only what is on sale, or only what is not"})


class AddonSchema(OutSchema):
    id = fields.UUID(required=True)
    key = fields.String(required=True)
    name = fields.String(required=True)
    description = fields.String(required=True)
    is_active = fields.Boolean(required=True)
    created_at = Instant(required=True)
    updated_at = Instant(required=True)


class ServiceSchema(AddonSchema):
    is_heavy = fields.Boolean(required=True)


class PriceBookInSchema(InSchema):
    rules = fields.Dict(
        required=True,
        metadata={
            "example": A_BOOK,
            "additionalProperties": {},
            "description": "What each service costs: see `ops/docs/prices.md`.",
        },
    )
    note = Text(load_default="", shortest=0, limit=500, metadata={"description": "Why there is a new version"})


class PriceBookSummarySchema(OutSchema):
    id = fields.UUID(required=True)
    version = fields.Integer(required=True, metadata={"description": "The highest one is in force."})
    currency = fields.String(required=True)
    note = fields.String(required=True)
    created_at = Instant(required=True)


class PriceBookSchema(PriceBookSummarySchema):
    rules = fields.Dict(required=True, metadata={"additionalProperties": {}})


_OF_SERVICE, _OF_ADDON = tuple(ServiceSchema().fields), tuple(AddonSchema().fields)
_OF_BOOK, _OF_SUMMARY = tuple(PriceBookSchema().fields), tuple(PriceBookSummarySchema().fields)


def _shown(row: Any, names: tuple[str, ...]) -> dict[str, Any]:
    """Columns that have the names of the fields."""
    columns = columns_of(row)
    return {name: columns[name] for name in names}


def present_service(service: Any) -> dict[str, Any]:
    """A service as `ServiceSchema` says."""
    return _shown(service, _OF_SERVICE)


def present_addon(addon: Any) -> dict[str, Any]:
    """An add-on as `AddonSchema` says."""
    return _shown(addon, _OF_ADDON)


def present_book(book: Any) -> dict[str, Any]:
    """A price book as `PriceBookSchema` says."""
    return _shown(book, _OF_BOOK)


def present_summary(book: Any) -> dict[str, Any]:
    """A price book without its rules, as `PriceBookSummarySchema` says."""
    return _shown(book, _OF_SUMMARY)
