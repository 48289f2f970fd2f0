"""Estimates: a price worked out by the book in force, and kept as it was: a later book changes nothing in it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import Row, bindparam, insert, select
from sqlalchemy.orm import Session

from shared.audit import service as audit
from shared.catalog.amounts import MOST_MINUTES
from shared.catalog.answers import read_answers
from shared.catalog.book import UNKNOWN_ADDON
from shared.catalog.model import Estimate
from shared.catalog.offers import AddonOffer, Offer, find_addons, find_offer
from shared.catalog.pricing import Extra, Priced, price
from shared.catalog.reading import BAD_VALUE, Fault, Node
from shared.catalog.rules import Frequency
from shared.catalog.sheet import written
from shared.core.actor import Actor
from shared.core.errors import Invalid, NotFound, code, invalid_field
from shared.core.ids import new_id
from shared.core.money import MAX_AMOUNT
from shared.core.orm import Reader, table_of

NOT_FOUND = code("catalog.estimate_not_found", "No such estimate")
ADDON_NOT_OFFERED = code("catalog.addon_not_offered", "The add-on does not go with the service")
TOO_LONG = code("catalog.too_long", "The visit takes too long")
TOO_EXPENSIVE = code("catalog.too_expensive", "The price is out of range")

VALID_FOR = timedelta(days=14)
"""How long the price can be ordered at."""

_estimates = table_of(Estimate)
_COLUMNS = [column for column in _estimates.columns if column.name != "org_id"]
_ONE = select(*_COLUMNS).where(_estimates.c.org_id == bindparam("org_id"), _estimates.c.id == bindparam("estimate_id"))
_STORE = insert(_estimates).returning(*_COLUMNS)


@dataclass(frozen=True, slots=True)
class WantedAddon:
    """So many pieces of an add-on."""

    addon_id: UUID
    quantity: int


@dataclass(frozen=True, slots=True)
class EstimateRequest:
    """What shall be estimated. An input is an integer, a decimal number in a string, or the name of a choice."""

    service_id: UUID
    inputs: Mapping[str, Any] = field(default_factory=dict)
    addons: Sequence[WantedAddon] = ()
    frequency: Frequency = Frequency.ONCE


def make(session: Session, actor: Actor, wanted: EstimateRequest, *, now: datetime) -> Row[Any]:
    """Work out a price and keep it; its columns. Three statements.

    Raises `Invalid` with everything that is wrong with the request, `Conflict` when the book in force does not price
    the service.
    """
    offer = find_offer(session, actor, wanted.service_id)
    faults: dict[str, Fault] = {}
    inputs = read_answers(wanted.inputs, offer.rules.inputs, faults)
    on_sale = find_addons(session, actor, offer, {each.addon_id for each in wanted.addons})
    extras = _extras(wanted.addons, on_sale, faults)
    _refuse(list(faults.values()))
    priced = price(offer.service, offer.rules, offer.terms, inputs=inputs, extras=extras, frequency=wanted.frequency)
    _refuse_excess(priced)
    values = _described(wanted, offer, inputs) | _worked_out(priced)
    values |= {"org_id": actor.org_id, "id": new_id(), "valid_until": now + VALID_FOR, "created_at": now}
    made = session.execute(_STORE, values).one()
    after = {"service_id": wanted.service_id, "total_amount": priced.total, "price_book_version": offer.version}
    audit.record(session, actor, "catalog.make_estimate", made.id, now=now, after=after)
    return made


def find(session: Reader, actor: Actor, estimate_id: UUID) -> Row[Any] | None:
    """One estimate's columns, or None. It can be read after `valid_until` as well."""
    return session.execute(_ONE, {"org_id": actor.org_id, "estimate_id": estimate_id}).one_or_none()


def get(session: Reader, actor: Actor, estimate_id: UUID) -> Row[Any]:
    """One estimate's columns. Raises `NotFound`."""
    found = find(session, actor, estimate_id)
    if found is None:
        raise NotFound(NOT_FOUND, "There is no such estimate.")
    return found


def _extras(wanted: Sequence[WantedAddon], on_sale: Mapping[UUID, AddonOffer], faults: dict[str, Fault]) -> list[Extra]:
    """The add-ons that can be had; whatever is wrong goes to `faults`."""
    extras: dict[UUID, Extra] = {}
    for number, each in enumerate(wanted):
        place = Node({"addon_id": each.addon_id, "quantity": each.quantity}, f"/addons/{number}", faults)
        offer = on_sale.get(each.addon_id)
        if offer is None:
            place["addon_id"].fault(UNKNOWN_ADDON, "This organization does not sell such an add-on.")
        elif offer.rules is None:
            place["addon_id"].fault(ADDON_NOT_OFFERED, "This add-on does not go with the service.")
        elif each.addon_id in extras:
            place["addon_id"].fault(BAD_VALUE, "Is listed already.")
        else:
            quantity = place["quantity"].integer(least=1, most=offer.rules.most)
            extras[each.addon_id] = Extra(offer.addon, offer.rules, quantity)
    return list(extras.values())


def _refuse(faults: Sequence[Fault]) -> None:
    if faults:
        detail = " ".join(fault.detail for fault in faults)
        raise Invalid(faults[0].code, detail, errors=[fault.as_error() for fault in faults])


def _refuse_excess(priced: Priced) -> None:
    """What no appointment and no payment could hold."""
    if priced.minutes > MOST_MINUTES:
        detail = f"The visit would take {priced.minutes} minutes; {MOST_MINUTES} are the most."
        raise invalid_field("/inputs", TOO_LONG, detail)
    if max(priced.total, priced.subtotal, *(abs(line.amount) for line in priced.lines)) > MAX_AMOUNT:
        raise invalid_field("/inputs", TOO_EXPENSIVE, "The price would be out of range.")


def _described(wanted: EstimateRequest, offer: Offer, inputs: Mapping[str, Decimal | str]) -> dict[str, Any]:
    """The columns that say what was estimated, by which book."""
    return {
        "price_book_id": offer.price_book_id,
        "price_book_version": offer.version,
        "service_id": wanted.service_id,
        "frequency": wanted.frequency,
        "inputs": {name: written(value) if isinstance(value, Decimal) else value for name, value in inputs.items()},
        "addons": {str(each.addon_id): each.quantity for each in wanted.addons},
        "currency": offer.terms.currency,
    }


def _worked_out(priced: Priced) -> dict[str, Any]:
    """The columns that say what came out."""
    return {
        "lines": [asdict(line) for line in priced.lines],
        "taxes": [asdict(tax) for tax in priced.taxes],
        "explain": [asdict(explanation) for explanation in priced.explain],
        "minutes": priced.minutes,
        "crew_size": priced.crew_size,
        "subtotal_amount": priced.subtotal,
        "discount_amount": priced.discount,
        "tax_amount": priced.tax,
        "total_amount": priced.total,
    }
