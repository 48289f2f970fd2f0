"""The audit log: who changed what, when, from where."""

from typing import Any

from api.audit.schemas import AuditEntrySchema, AuditListArguments, present
from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, tenant
from api.core.pagination import Answer, page_answer, page_request, page_schema
from shared.audit import service as audit
from shared.core.permissions import Permission
from shared.core.transaction import read_only

blueprint = Blueprint("audit", __name__, url_prefix="/v1/audit", description=__doc__)


@blueprint.route("", methods=["GET"])
@requires(Permission.AUDIT_READ)
@blueprint.arguments(AuditListArguments, location="query")
@blueprint.response(200, page_schema(AuditEntrySchema))
def list_audit_entries(arguments: dict[str, Any]) -> Answer:
    """List what was done in the organization, the last first."""
    with read_only(tenant()) as session:
        page = audit.list_page(
            session,
            actor(),
            page_request(arguments),
            actor_id=arguments.get("actor_id"),
            action=arguments.get("action"),
            resource=arguments.get("resource"),
            resource_id=arguments.get("resource_id"),
            created_from=arguments.get("created_from"),
            created_to=arguments.get("created_to"),
        )
    return page_answer(page, present)
