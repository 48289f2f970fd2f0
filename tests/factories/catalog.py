"""Services, add-ons, price books and estimates, made through the domain."""

from copy import deepcopy
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from api.catalog.schemas import A_BOOK
from shared.catalog import estimates, items, price_books
from shared.catalog.estimates import EstimateRequest
from shared.catalog.items import ADDON, SERVICE
from shared.core.transaction import transaction
from tests.factories.organizations import Company
from tests.rows import rows

INPUTS = {"bedrooms": 3, "condition": "normal"}
"""What `make_price_book` asks of every service, answered."""


def make_service(company: Company, key: str = "home_cleaning", **changes: Any) -> UUID:
    """A service on sale; no price book knows it yet."""
    return _make(company, SERVICE, key, changes)


def make_addon(company: Company, key: str = "oven", **changes: Any) -> UUID:
    """An add-on on sale; no price book knows it yet."""
    return _make(company, ADDON, key, changes)


def make_price_book(company: Company, rules: dict[str, Any] | None = None) -> UUID:
    """A new version in force: `rules`, or the same for every service of the company, with each of its add-ons."""
    with transaction(company.scope) as session:
        made = price_books.upload(session, company.owner, rules=rules or book_for(company), now=datetime.now(UTC))
        return made.id  # type: ignore[no-any-return]


def make_estimate(company: Company, service_id: UUID | None = None, **changes: Any) -> UUID:
    """An estimate by the price book in force; with a service, an add-on and a price book, where those are missing."""
    service_id = service_id or _first_service(company)
    if not _is_priced(company, service_id):
        make_price_book(company)
    wanted = {"service_id": service_id, "inputs": INPUTS} | changes
    with transaction(company.scope) as session:
        made = estimates.make(session, company.owner, EstimateRequest(**wanted), now=datetime.now(UTC))
        return made.id  # type: ignore[no-any-return]


def book_for(company: Company) -> dict[str, Any]:
    """The rules of the contract's example for all that the company sells."""
    book, keys = deepcopy(A_BOOK), {table: _keys(company, table) for table in ("services", "addons")}
    service = book["services"]["home_cleaning"] | {"addons": keys["addons"]}
    book["services"] = dict.fromkeys(keys["services"], service)
    book["addons"] = dict.fromkeys(keys["addons"], book["addons"]["oven"])
    return book


def _make(company: Company, kind: items.Kind, key: str, changes: dict[str, Any]) -> UUID:
    values = {"name": key.replace("_", " ").capitalize()} | changes
    with transaction(company.scope) as session:
        return items.create(session, company.owner, kind, key=key, **values, now=datetime.now(UTC)).id  # type: ignore[no-any-return]


def _keys(company: Company, table: str) -> list[str]:
    return [row["key"] for row in rows(f"SELECT key FROM {table} WHERE org_id = :org", org=company.org_id)]


def _first_service(company: Company) -> UUID:
    found = rows("SELECT id FROM services WHERE org_id = :org ORDER BY id LIMIT 1", org=company.org_id)
    if found:
        return found[0]["id"]  # type: ignore[no-any-return]
    make_addon(company)
    return make_service(company)


def _is_priced(company: Company, service_id: UUID) -> bool:
    sql = """
        SELECT rules -> 'services' ? key AS is_priced FROM price_books JOIN services USING (org_id)
        WHERE org_id = :org AND services.id = :service ORDER BY version DESC LIMIT 1
    """
    return any(row["is_priced"] for row in rows(sql, org=company.org_id, service=service_id))
