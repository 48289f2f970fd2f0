"""Catalog: services and add-ons, and the versions of the price book."""

from typing import Any
from uuid import UUID

from api.catalog.schemas import (
    AddonChangesSchema,
    AddonInSchema,
    AddonSchema,
    CatalogListArguments,
    PriceBookInSchema,
    PriceBookSchema,
    PriceBookSummarySchema,
    ServiceChangesSchema,
    ServiceInSchema,
    ServiceSchema,
    present_addon,
    present_book,
    present_service,
    present_summary,
)
from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.idempotency import Answer, create_once
from api.core.openapi import refuses
from api.core.pagination import page_answer, page_request, page_schema
from api.core.schemas import PageArguments
from shared.catalog import items, price_books
from shared.catalog.items import ADDON, SERVICE
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction

blueprint = Blueprint("catalog", __name__, url_prefix="/v1", description=__doc__)


@blueprint.route("/services", methods=["POST"])
@requires(Permission.CATALOG_WRITE)
@blueprint.arguments(ServiceInSchema)
@blueprint.response(201, ServiceSchema)
def create_service(body: dict[str, Any]) -> Answer:
    """Add a service. It can be estimated once a price book has rules for its key.

    409 `catalog.key_taken` when the organization has a service with this key.
    """
    return create_once(lambda session: present_service(items.create(session, actor(), SERVICE, **body, now=now())))


@blueprint.route("/services", methods=["GET"])
@requires(Permission.CATALOG_READ)
@blueprint.arguments(CatalogListArguments, location="query")
@blueprint.response(200, page_schema(ServiceSchema))
def list_services(arguments: dict[str, Any]) -> Answer:
    """List services, newest first."""
    with read_only(tenant()) as session:
        is_active = arguments.get("is_active")
        page = items.list_page(session, actor(), SERVICE, page_request(arguments), is_active=is_active)
    return page_answer(page, present_service)


@blueprint.route("/services/<uuid:service_id>", methods=["GET"])
@requires(Permission.CATALOG_READ)
@blueprint.response(200, ServiceSchema)
def get_service(service_id: UUID) -> dict[str, Any]:
    """Get one service, on sale or not."""
    with read_only(tenant()) as session:
        return present_service(items.get(session, actor(), SERVICE, service_id))


@blueprint.route("/services/<uuid:service_id>", methods=["PATCH"])
@requires(Permission.CATALOG_WRITE)
@blueprint.arguments(ServiceChangesSchema)
@blueprint.response(200, ServiceSchema)
def update_service(body: dict[str, Any], service_id: UUID) -> dict[str, Any]:
    """Change a service, or take it off sale with `is_active`. The key stays."""
    with transaction(tenant()) as session:
        return present_service(items.change(session, actor(), SERVICE, service_id, **body, now=now()))


@blueprint.route("/addons", methods=["POST"])
@requires(Permission.CATALOG_WRITE)
@blueprint.arguments(AddonInSchema)
@blueprint.response(201, AddonSchema)
def create_addon(body: dict[str, Any]) -> Answer:
    """Add an add-on. It can be had with the services that the price book lists it for.

    409 `catalog.key_taken` when the organization has an add-on with this key.
    """
    return create_once(lambda session: present_addon(items.create(session, actor(), ADDON, **body, now=now())))


@blueprint.route("/addons", methods=["GET"])
@requires(Permission.CATALOG_READ)
@blueprint.arguments(CatalogListArguments, location="query")
@blueprint.response(200, page_schema(AddonSchema))
def list_addons(arguments: dict[str, Any]) -> Answer:
    """List add-ons, newest first."""
    with read_only(tenant()) as session:
        is_active = arguments.get("is_active")
        page = items.list_page(session, actor(), ADDON, page_request(arguments), is_active=is_active)
    return page_answer(page, present_addon)


@blueprint.route("/addons/<uuid:addon_id>", methods=["GET"])
@requires(Permission.CATALOG_READ)
@blueprint.response(200, AddonSchema)
def get_addon(addon_id: UUID) -> dict[str, Any]:
    """Get one add-on, on sale or not."""
    with read_only(tenant()) as session:
        return present_addon(items.get(session, actor(), ADDON, addon_id))


@blueprint.route("/addons/<uuid:addon_id>", methods=["PATCH"])
@requires(Permission.CATALOG_WRITE)
@blueprint.arguments(AddonChangesSchema)
@blueprint.response(200, AddonSchema)
def update_addon(body: dict[str, Any], addon_id: UUID) -> dict[str, Any]:
    """Change an add-on, or take it off sale with `is_active`. The key stays."""
    with transaction(tenant()) as session:
        return present_addon(items.change(session, actor(), ADDON, addon_id, **body, now=now()))


@blueprint.route("/price-books", methods=["POST"])
@requires(Permission.CATALOG_WRITE)
@blueprint.arguments(PriceBookInSchema)
@blueprint.response(201, PriceBookSchema)
def upload_price_book(body: dict[str, Any]) -> Answer:
    """Put a new version of the price book in force. Old estimates stay as they are.

    A book prices every service and add-on that is on sale. One with faults is refused as a whole, 422
    `catalog.bad_price_book` with a pointer to every fault. A body may hold 5,000 values: about 60 services, each with
    8 inputs, a multiplier and 10 add-ons.
    """
    return create_once(lambda session: present_book(price_books.upload(session, actor(), **body, now=now())))


@blueprint.route("/price-books", methods=["GET"])
@requires(Permission.CATALOG_READ)
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, page_schema(PriceBookSummarySchema))
def list_price_books(arguments: dict[str, Any]) -> Answer:
    """List the versions of the price book without their rules, newest first."""
    with read_only(tenant()) as session:
        page = price_books.list_page(session, actor(), page_request(arguments))
    return page_answer(page, present_summary)


@blueprint.route("/price-books/current", methods=["GET"])
@requires(Permission.CATALOG_READ)
@blueprint.response(200, PriceBookSchema)
@refuses(404)
def get_current_price_book() -> dict[str, Any]:
    """Get the price book in force: the highest version. 404 `catalog.price_book_not_found` while there is none."""
    with read_only(tenant()) as session:
        return present_book(price_books.current(session, actor()))


@blueprint.route("/price-books/<uuid:price_book_id>", methods=["GET"])
@requires(Permission.CATALOG_READ)
@blueprint.response(200, PriceBookSchema)
def get_price_book(price_book_id: UUID) -> dict[str, Any]:
    """Get one version of the price book with its rules."""
    with read_only(tenant()) as session:
        return present_book(price_books.get(session, actor(), price_book_id))
