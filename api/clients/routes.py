"""Clients: the people an organization works for."""

from typing import Any
from uuid import UUID

from api.clients.schemas import ClientInSchema, ClientSchema, present
from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.idempotency import Answer, create_once
from api.core.pagination import page_answer, page_request, page_schema
from api.core.schemas import PageArguments
from shared.clients import service as clients
from shared.core.permissions import Permission
from shared.core.transaction import read_only

blueprint = Blueprint("clients", __name__, url_prefix="/v1/clients", description=__doc__)


@blueprint.route("", methods=["POST"])
@requires(Permission.CLIENTS_WRITE)
@blueprint.arguments(ClientInSchema)
@blueprint.response(201, ClientSchema)
def create_client(body: dict[str, Any]) -> Answer:
    """Add a client.

    409 `clients.email_taken` when the organization has one with this address.
    """
    return create_once(lambda session: present(clients.create(session, actor(), **body, now=now())))


@blueprint.route("", methods=["GET"])
@requires(Permission.CLIENTS_READ)
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, page_schema(ClientSchema))
def list_clients(arguments: dict[str, Any]) -> Answer:
    """List clients, newest first."""
    with read_only(tenant()) as session:
        page = clients.list_page(session, actor(), page_request(arguments))
    return page_answer(page, present)


@blueprint.route("/<uuid:client_id>", methods=["GET"])
@requires(Permission.CLIENTS_READ)
@blueprint.response(200, ClientSchema)
def get_client(client_id: UUID) -> dict[str, Any]:
    """Get one client."""
    with read_only(tenant()) as session:
        return present(clients.get(session, actor(), client_id))
