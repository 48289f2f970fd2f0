"""Clients: the people an organization works for, and their places."""

from typing import Any
from uuid import UUID

from api.clients.schemas import (
    ClientAddressChangesSchema,
    ClientAddressInSchema,
    ClientAddressSchema,
    ClientChangesSchema,
    ClientInSchema,
    ClientListArguments,
    ClientSchema,
    MergeSchema,
)
from api.clients.schemas import present as present_client
from api.clients.schemas import present_address as present_any_address
from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.idempotency import Answer, create_once
from api.core.openapi import refuses
from api.core.pagination import page_answer, page_request, page_schema
from api.core.schemas import PageArguments
from shared.clients import addresses, holding, merging
from shared.clients import service as clients
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.leads import service as leads
from shared.orders import merging as orders
from shared.recurrences import merging as recurrences

blueprint = Blueprint("clients", __name__, url_prefix="/v1/clients", description=__doc__)


def present(client: Any) -> dict[str, Any]:
    """A client, as much of it as the caller may see."""
    return present_client(client, shows_access=actor().may(Permission.CLIENTS_WRITE))


def present_address(address: Any) -> dict[str, Any]:
    """An address, as much of it as the caller may see."""
    return present_any_address(address, shows_access=actor().may(Permission.CLIENTS_WRITE))


@blueprint.route("", methods=["POST"])
@requires(Permission.CLIENTS_WRITE)
@blueprint.arguments(ClientInSchema)
@blueprint.response(201, ClientSchema)
def create_client(body: dict[str, Any]) -> Answer:
    """Add a client.

    409 `clients.email_taken` or `clients.phone_taken` when the organization has one with this address or number.
    """
    return create_once(lambda session: present(clients.create(session, actor(), **body, now=now())))


@blueprint.route("", methods=["GET"])
@requires(Permission.CLIENTS_READ)
@blueprint.arguments(ClientListArguments, location="query")
@blueprint.response(200, page_schema(ClientSchema))
def list_clients(arguments: dict[str, Any]) -> Answer:
    """List clients, newest first, without those who were merged or erased."""
    filters = {name: arguments.get(name) for name in ("q", "email", "phone")}
    with read_only(tenant()) as session:
        page = clients.list_page(session, actor(), page_request(arguments), **filters)
    return page_answer(page, present)


@blueprint.route("/<uuid:client_id>", methods=["GET"])
@requires(Permission.CLIENTS_READ)
@blueprint.response(200, ClientSchema)
def get_client(client_id: UUID) -> dict[str, Any]:
    """Get one client.

    One that was merged into another names it in `merged_into_id`; one that was erased has `erased_at` and no data.
    """
    with read_only(tenant()) as session:
        return present(clients.get(session, actor(), client_id))


@blueprint.route("/<uuid:client_id>", methods=["PATCH"])
@requires(Permission.CLIENTS_WRITE)
@blueprint.arguments(ClientChangesSchema)
@blueprint.response(200, ClientSchema)
@refuses(409)
def update_client(body: dict[str, Any], client_id: UUID) -> dict[str, Any]:
    """Change a client; fields that are not given stay as they are.

    409 `clients.merged` (with `merged_into_id`) or `clients.erased` when there is nobody to change any more.
    """
    with transaction(tenant()) as session:
        changed = clients.change(session, actor(), client_id, **body, now=now())
    return present(changed)


@blueprint.route("/<uuid:client_id>/merge", methods=["POST"])
@requires(Permission.CLIENTS_WRITE)
@blueprint.arguments(MergeSchema)
@blueprint.response(200, ClientSchema)
def merge_clients(body: dict[str, Any], client_id: UUID) -> dict[str, Any]:
    """Merge the client that the body names into the one of the URL.

    Addresses, leads, orders and recurrences move. The client of the URL keeps what is known about it; gaps are filled,
    and another name, address or number goes into its notes. It cannot be undone. 409 when they are the same, or one of
    them was merged or erased before.
    """
    with transaction(tenant()) as session:
        kept, gone = merging.lock_both(session, actor(), client_id, body["client_id"])
        leads.move_client(session, actor(), gone.id, kept.id, now=now())
        orders.move_client(session, actor(), gone.id, kept.id, now=now())
        recurrences.move_client(session, actor(), gone.id, kept.id, now=now())
        merged = merging.merge(session, actor(), kept, gone, now=now())
    return present(merged)


@blueprint.route("/<uuid:client_id>/legal-hold", methods=["POST"])
@requires(Permission.CLIENTS_ERASE)
@blueprint.response(200, ClientSchema)
@refuses(409)
def hold_client(client_id: UUID) -> dict[str, Any]:
    """Put a client under legal hold: nothing that is held on them is removed, however old it is. Again is harmless.

    409 `clients.merged` (with `merged_into_id`) or `clients.erased` when there is nobody to hold any more.
    """
    with transaction(tenant()) as session:
        return present(holding.place(session, actor(), client_id, now=now()))


@blueprint.route("/<uuid:client_id>/legal-hold/release", methods=["POST"])
@requires(Permission.CLIENTS_ERASE)
@blueprint.response(200, ClientSchema)
@refuses(409)
def release_client(client_id: UUID) -> dict[str, Any]:
    """Take back the legal hold of a client and of everybody who was merged into them. Again is harmless.

    409 `clients.merged` (with `merged_into_id`) or `clients.erased` when there is nobody to release any more.
    """
    with transaction(tenant()) as session:
        return present(holding.release(session, actor(), client_id, now=now()))


@blueprint.route("/<uuid:client_id>/addresses", methods=["GET"])
@requires(Permission.CLIENTS_READ)
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, page_schema(ClientAddressSchema))
def list_client_addresses(arguments: dict[str, Any], client_id: UUID) -> Answer:
    """List the places of a client, the last added first."""
    with read_only(tenant()) as session:
        page = addresses.list_page(session, actor(), client_id, page_request(arguments))
    return page_answer(page, present_address)


@blueprint.route("/<uuid:client_id>/addresses", methods=["POST"])
@requires(Permission.CLIENTS_WRITE)
@blueprint.arguments(ClientAddressInSchema)
@blueprint.response(201, ClientAddressSchema)
def create_client_address(body: dict[str, Any], client_id: UUID) -> Answer:
    """Add a place to a client."""
    return create_once(
        lambda session: present_address(addresses.create(session, actor(), client_id, **body, now=now()))
    )


@blueprint.route("/<uuid:client_id>/addresses/<uuid:client_address_id>", methods=["PATCH"])
@requires(Permission.CLIENTS_WRITE)
@blueprint.arguments(ClientAddressChangesSchema)
@blueprint.response(200, ClientAddressSchema)
def update_client_address(body: dict[str, Any], client_id: UUID, client_address_id: UUID) -> dict[str, Any]:
    """Change a place of a client; fields that are not given stay as they are."""
    with transaction(tenant()) as session:
        changed = addresses.change(session, actor(), client_id, client_address_id, **body, now=now())
    return present_address(changed)


@blueprint.route("/<uuid:client_id>/addresses/<uuid:client_address_id>", methods=["DELETE"])
@requires(Permission.CLIENTS_WRITE)
@blueprint.response(204)
def remove_client_address(client_id: UUID, client_address_id: UUID) -> None:
    """Remove a place of a client; orders keep their own copy of where they are."""
    with transaction(tenant()) as session:
        addresses.remove(session, actor(), client_id, client_address_id, now=now())
