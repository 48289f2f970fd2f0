"""Privacy: a copy of all that is held on a client, and forgetting them."""

from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.idempotency import Answer, create_once
from api.core.pagination import page_answer, page_request, page_schema
from api.core.schemas import PageArguments
from api.privacy.schemas import (
    ClientExportBundleSchema,
    ClientExportSchema,
    EraseSchema,
    ErasureSchema,
    present,
    present_bundle,
    present_erasure,
)
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.privacy import erasing
from shared.privacy import service as privacy

blueprint = Blueprint("privacy", __name__, url_prefix="/v1/clients", description=__doc__)


@blueprint.route("/<uuid:client_id>/export", methods=["POST"])
@requires(Permission.CLIENTS_ERASE)
@blueprint.response(202, ClientExportSchema)
def export_client(client_id: UUID) -> Answer:
    """Ask for a copy of everything that is held on a client.

    It is collected in the background: read the URL of `Location` until its state is `ready`. It can be read for seven
    days.
    """
    export, status, headers = create_once(
        lambda session: present(privacy.request_export(session, actor(), client_id, now=now())), status=202
    )
    return export, status, headers | {"Location": f"/v1/clients/{client_id}/exports/{export['id']}"}


@blueprint.route("/<uuid:client_id>/exports", methods=["GET"])
@requires(Permission.CLIENTS_ERASE)
@blueprint.arguments(PageArguments, location="query")
@blueprint.response(200, page_schema(ClientExportSchema))
def list_client_exports(arguments: dict[str, Any], client_id: UUID) -> Answer:
    """List the copies that were asked for, the last first."""
    with read_only(tenant()) as session:
        page = privacy.list_page(session, actor(), client_id, page_request(arguments))
    return page_answer(page, present)


@blueprint.route("/<uuid:client_id>/exports/<uuid:client_export_id>", methods=["GET"])
@requires(Permission.CLIENTS_ERASE)
@blueprint.response(200, ClientExportBundleSchema)
def get_client_export(client_id: UUID, client_export_id: UUID) -> dict[str, Any]:
    """Get one copy, with everything in it once it is ready."""
    with read_only(tenant()) as session:
        return present_bundle(privacy.get(session, actor(), client_id, client_export_id), now=now())


@blueprint.route("/<uuid:client_id>/erase", methods=["POST"])
@requires(Permission.CLIENTS_ERASE)
@blueprint.arguments(EraseSchema)
@blueprint.response(200, ErasureSchema)
def erase_client(body: dict[str, Any], client_id: UUID) -> dict[str, Any]:
    """Forget a client, for good: names, addresses, notes, leads, mails and photos. It cannot be undone.

    Orders and payments stay, without anything that tells whose they were. 409 `privacy.open_orders` with the numbers of
    orders that have to be cancelled or completed first; 409 `privacy.legal_hold` for one under legal hold; 409
    `clients.merged` for one that is part of another client.
    """
    with transaction(tenant()) as session:
        erased = erasing.erase(session, actor(), client_id, reason=body["reason"], now=now())
    return present_erasure(erased)
