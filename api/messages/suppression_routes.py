"""Addresses that get no mail, or no reminders: why, and writing to a bounced one again."""

from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.openapi import refuses
from api.core.pagination import Answer, page_answer, page_request, page_schema
from api.messages.suppression_schemas import MailSuppressionListArguments, MailSuppressionSchema, present
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.messages import suppressions

blueprint = Blueprint("mail_suppressions", __name__, url_prefix="/v1/mail-suppressions", description=__doc__)


@blueprint.route("", methods=["GET"])
@requires(Permission.MAIL_SUPPRESSIONS_READ)
@blueprint.arguments(MailSuppressionListArguments, location="query")
@blueprint.response(200, page_schema(MailSuppressionSchema))
def list_mail_suppressions(arguments: dict[str, Any]) -> Answer:
    """List addresses that the organization no longer writes to, or sends no reminders to, the newest first."""
    wanted = {name: arguments.get(name) for name in ("reason", "email")}
    with read_only(tenant()) as session:
        page = suppressions.list_page(session, actor(), page_request(arguments), **wanted)
    return page_answer(page, present)


@blueprint.route("/<uuid:mail_suppression_id>", methods=["DELETE"])
@requires(Permission.MAIL_SUPPRESSIONS_WRITE)
@blueprint.response(204)
@refuses(409)
def lift_mail_suppression(mail_suppression_id: UUID) -> None:
    """Write to an address again at which mail has bounced. 409 `mail_suppressions.not_liftable` where the reader wants
    no such mail."""
    with transaction(tenant()) as session:
        suppressions.lift(session, actor(), mail_suppression_id, now=now())
