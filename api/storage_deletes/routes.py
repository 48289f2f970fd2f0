"""Deletes of stored files: what waits, what is stuck, and trying again."""

from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.openapi import refuses
from api.core.pagination import Answer, page_answer, page_request, page_schema
from api.storage_deletes.schemas import StorageDeleteListArguments, StorageDeleteSchema, present
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.storage_deletes import service as storage_deletes

blueprint = Blueprint("storage_deletes", __name__, url_prefix="/v1/admin/storage-deletes", description=__doc__)


@blueprint.route("", methods=["GET"])
@requires(Permission.STORAGE_DELETES_READ)
@blueprint.arguments(StorageDeleteListArguments, location="query")
@blueprint.response(200, page_schema(StorageDeleteSchema))
def list_storage_deletes(arguments: dict[str, Any]) -> Answer:
    """List files of the organization that are to be deleted, the newest first; by default those that are stuck."""
    with read_only(tenant()) as session:
        page = storage_deletes.list_deletes(session, actor(), arguments["state"], page_request(arguments))
    return page_answer(page, present)


@blueprint.route("/<uuid:storage_delete_id>/retry", methods=["POST"])
@requires(Permission.STORAGE_DELETES_WRITE)
@blueprint.response(200, StorageDeleteSchema)
@refuses(409)
def retry_storage_delete(storage_delete_id: UUID) -> dict[str, Any]:
    """Try a stuck delete again, from the beginning. 409 `storage_deletes.not_stuck` when it is tried anyway."""
    with transaction(tenant()) as session:
        return present(storage_deletes.try_again(session, actor(), storage_delete_id, now=now()))
