"""Estimates over HTTP: asked for by staff and by the public alike."""

from typing import Any

from marshmallow import ValidationError, fields, validate

from api.core.schemas import InSchema, Instant, MoneySchema, OutSchema
from shared.catalog.estimates import EstimateRequest, WantedAddon
from shared.catalog.rules import Frequency
from shared.core.orm import columns_of

MOST_INPUTS, MOST_ADDONS, MOST_PIECES = 50, 50, 1000


class WantedAddonSchema(InSchema):
    addon_id = fields.UUID(required=True)
    quantity = fields.Integer(
        load_default=1, strict=True, validate=validate.Range(min=1, max=MOST_PIECES), metadata={"example": 1}
    )


def _check_number(inputs: dict[str, Any]) -> None:
    if len(inputs) > MOST_INPUTS:
        raise ValidationError(f"Holds more than {MOST_INPUTS}.")


class EstimateInSchema(InSchema):
    service_id = fields.UUID(required=True)
    inputs = fields.Dict(
        load_default=dict,
        validate=_check_number,
        metadata={
            "maxProperties": MOST_INPUTS,
            "example": {"bedrooms": 3, "area_m2": "82.5", "condition": "normal"},
            "description": "What the price book asks about the job: a whole number, a decimal number in a string, or"
            " the name of a choice.",
            "additionalProperties": {"type": ["integer", "string"]},
        },
    )
    addons = fields.List(fields.Nested(WantedAddonSchema), load_default=list, validate=validate.Length(max=MOST_ADDONS))
    frequency = fields.Enum(Frequency, by_value=True, load_default=Frequency.ONCE)


class SignedMoneySchema(MoneySchema):
    """Money that may be less than nothing, such as a line that makes something cheaper."""

    amount = fields.Integer(required=True, metadata={"example": -1500})


class EstimateLineSchema(OutSchema):
    """A part of the subtotal."""

    rule = fields.String(required=True, metadata={"description": "Where in the price book it comes from"})
    name = fields.String(required=True)
    quantity = fields.String(required=True, allow_none=True, metadata={"description": "How many, or which choice"})
    amount = fields.Nested(SignedMoneySchema, required=True)


class EstimateTaxSchema(OutSchema):
    name = fields.String(required=True)
    percent = fields.String(required=True)
    amount = fields.Nested(MoneySchema, required=True)


class ExplanationSchema(OutSchema):
    """A rule, what it looked at, and what came of it: for people, not to be parsed."""

    rule = fields.String(required=True)
    input = fields.String(required=True)
    effect = fields.String(required=True)


class EstimateAddonSchema(OutSchema):
    addon_id = fields.UUID(required=True)
    quantity = fields.Integer(required=True)


class EstimateSchema(OutSchema):
    """`subtotal` is the sum of the lines, `total` is subtotal - discount + tax, `tax` the sum of `taxes`."""

    id = fields.UUID(required=True)
    service_id = fields.UUID(required=True)
    price_book_version = fields.Integer(required=True)
    frequency = fields.Enum(Frequency, by_value=True, required=True)
    inputs = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    addons = fields.List(fields.Nested(EstimateAddonSchema), required=True)
    lines = fields.List(fields.Nested(EstimateLineSchema), required=True)
    minutes = fields.Integer(required=True, metadata={"description": "How long the visit takes"})
    crew_size = fields.Integer(required=True)
    subtotal = fields.Nested(MoneySchema, required=True)
    discount = fields.Nested(MoneySchema, required=True)
    tax = fields.Nested(MoneySchema, required=True)
    taxes = fields.List(fields.Nested(EstimateTaxSchema), required=True)
    total = fields.Nested(MoneySchema, required=True)
    explain = fields.List(fields.Nested(ExplanationSchema), required=True)
    valid_until = Instant(required=True)
    created_at = Instant(required=True)


def wanted_estimate(body: dict[str, Any]) -> EstimateRequest:
    """The domain's words for the body of a request."""
    return EstimateRequest(**{**body, "addons": [WantedAddon(**each) for each in body["addons"]]})


def present_estimate(estimate: Any) -> dict[str, Any]:
    """An estimate as `EstimateSchema` says."""
    columns = columns_of(estimate)

    def money(amount: int) -> dict[str, Any]:
        return {"amount": amount, "currency": columns["currency"]}

    return {
        "id": columns["id"],
        "service_id": columns["service_id"],
        "price_book_version": columns["price_book_version"],
        "frequency": columns["frequency"],
        "inputs": columns["inputs"],
        "addons": [{"addon_id": addon, "quantity": quantity} for addon, quantity in columns["addons"].items()],
        "lines": [line | {"amount": money(line["amount"])} for line in columns["lines"]],
        "minutes": columns["minutes"],
        "crew_size": columns["crew_size"],
        "subtotal": money(columns["subtotal_amount"]),
        "discount": money(columns["discount_amount"]),
        "tax": money(columns["tax_amount"]),
        "taxes": [tax | {"amount": money(tax["amount"])} for tax in columns["taxes"]],
        "total": money(columns["total_amount"]),
        "explain": columns["explain"],
        "valid_until": columns["valid_until"],
        "created_at": columns["created_at"],
    }
