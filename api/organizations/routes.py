"""Organization: what the company of the caller has settled for itself."""

from typing import Any

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, services, tenant
from api.core.etags import etag, expected_version
from api.core.idempotency import Answer
from api.core.openapi import requires_if_match
from api.organizations.schemas import OrganizationChangesSchema, OrganizationSchema, present
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.organizations import service as organizations

blueprint = Blueprint("organizations", __name__, url_prefix="/v1/organization", description=__doc__)


@blueprint.route("", methods=["GET"])
@requires(Permission.ORGANIZATIONS_READ)
@blueprint.response(200, OrganizationSchema)
def get_organization() -> Answer:
    """Get the settings of your organization. The `ETag` names their version."""
    with read_only(tenant()) as session:
        organization = organizations.get(session, actor().org_id)
    return present(organization, services().settings), 200, etag(organization.version)


@blueprint.route("", methods=["PATCH"])
@requires(Permission.ORGANIZATIONS_WRITE)
@blueprint.arguments(OrganizationChangesSchema)
@blueprint.response(200, OrganizationSchema)
@requires_if_match
def update_organization(body: dict[str, Any]) -> Answer:
    """Change settings of your organization.

    A field that is given replaces the old value as a whole; the others stay. `If-Match` is required: 428 without it,
    412 when it names another version, `*` for any.
    """
    with transaction(tenant()) as session:
        changed = organizations.change_settings(
            session,
            actor(),
            version=expected_version(),
            longest_kept=services().settings.longest_kept,
            now=now(),
            **body,
        )
    return present(changed, services().settings), 200, etag(changed.version)
