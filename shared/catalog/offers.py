"""What a company sells at the moment, and at what rules: the catalog and the price book in force, read for one service.

Only the rules that are needed leave the database: a book may be long.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, select, true
from sqlalchemy.dialects.postgresql import JSONB

from shared.catalog.book import read_addon, read_service, read_terms
from shared.catalog.model import Addon, PriceBook, Service
from shared.catalog.price_books import UNKNOWN_SERVICE
from shared.catalog.reading import Node
from shared.catalog.rules import AddonRules, Product, ServiceRules, Terms
from shared.core.actor import Actor
from shared.core.errors import Conflict, code, invalid_field
from shared.core.orm import Reader, table_of

NO_PRICE = code("catalog.no_price", "The service has no price yet")

_services, _addons, _books = table_of(Service), table_of(Addon), table_of(PriceBook)


def _rules_at(rules: Any, part: str, key: Any) -> Any:
    return rules[part].op("->", return_type=JSONB())(key).label("rules")


_mine = _books.c.org_id == bindparam("org_id")
_current = select(_books).where(_mine).order_by(_books.c.version.desc()).limit(1).subquery("current_book")
_SERVICE = (
    select(
        _services.c.key,
        _services.c.name,
        _current.c.id.label("price_book_id"),
        _current.c.version,
        _current.c.currency,
        _rules_at(_current.c.rules, "services", _services.c.key),
        _current.c.rules["frequency_discounts"].label("discounts"),
        _current.c.rules["taxes"].label("taxes"),
    )
    .select_from(_services.outerjoin(_current, true()))
    .where(_services.c.org_id == bindparam("org_id"), _services.c.id == bindparam("service_id"), _services.c.is_active)
)
_ADDONS = (
    select(_addons.c.id, _addons.c.key, _addons.c.name, _rules_at(_books.c.rules, "addons", _addons.c.key))
    .join(_books, (_books.c.org_id == _addons.c.org_id) & (_books.c.id == bindparam("price_book_id")))
    .where(
        _addons.c.org_id == bindparam("org_id"),
        _addons.c.id.in_(bindparam("addon_ids", expanding=True)),
        _addons.c.is_active,
    )
)


@dataclass(frozen=True, slots=True)
class Offer:
    """A service on sale, and what the book in force says about it."""

    service: Product
    rules: ServiceRules
    terms: Terms
    price_book_id: UUID
    version: int


@dataclass(frozen=True, slots=True)
class AddonOffer:
    """An add-on on sale. `rules` is None when it cannot be had with the service."""

    addon: Product
    rules: AddonRules | None


def find_offer(session: Reader, actor: Actor, service_id: UUID) -> Offer:
    """Raises `Invalid` when no such service is on sale, `Conflict` when the book in force does not price it."""
    row = session.execute(_SERVICE, {"org_id": actor.org_id, "service_id": service_id}).one_or_none()
    if row is None:
        raise invalid_field("/service_id", UNKNOWN_SERVICE, "This organization does not sell such a service.")
    if row.rules is None:
        raise Conflict(NO_PRICE, "The price book in force has no rules for this service. Upload one that has.")
    return Offer(
        service=Product(row.key, row.name),
        rules=read_service(_node(row.rules), row.currency),
        terms=read_terms(_node(row.discounts or {}), _node(row.taxes), row.currency),
        price_book_id=row.price_book_id,
        version=row.version,
    )


def find_addons(session: Reader, actor: Actor, offer: Offer, addon_ids: Collection[UUID]) -> dict[UUID, AddonOffer]:
    """Those of `addon_ids` that are on sale, by identifier."""
    if not addon_ids:
        return {}
    asked = {"org_id": actor.org_id, "price_book_id": offer.price_book_id, "addon_ids": list(addon_ids)}
    found = {}
    for row in session.execute(_ADDONS, asked):
        fits = row.key in offer.rules.addons
        rules = read_addon(_node(row.rules), offer.terms.currency) if fits else None
        found[row.id] = AddonOffer(Product(row.key, row.name), rules)
    return found


def _node(rules: Any) -> Node:
    """Rules that were checked when the book was uploaded."""
    return Node(rules, "", {})
