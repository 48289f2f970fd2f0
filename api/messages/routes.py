"""Mails: what became of each, and sending those again that were given up."""

from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.idempotency import Answer, create_once
from api.core.messages import MessageSchema, present_message
from api.core.openapi import refuses
from api.core.pagination import page_answer, page_request, page_schema
from api.messages.schemas import (
    MessageDetailSchema,
    MessageListArguments,
    ReplayedSchema,
    ReplaySchema,
    present_detail,
    present_replayed,
)
from shared.core.errors import Invalid, code
from shared.core.permissions import Permission
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.messages import ledger, replaying

WHICH = code("messages.which", "Say which mails")

blueprint = Blueprint("messages", __name__, url_prefix="/v1/admin/messages", description=__doc__)


@blueprint.route("", methods=["GET"])
@requires(Permission.MESSAGES_READ)
@blueprint.arguments(MessageListArguments, location="query")
@blueprint.response(200, page_schema(MessageSchema))
def list_messages(arguments: dict[str, Any]) -> Answer:
    """List the organization's mails, the newest first; in every state, unless `state` says which.

    `state=dead` are those that were given up. `recipient` finds what became of the mails to one address.
    """
    request = page_request(arguments)
    filters = ledger.Filters(
        states=arguments.get("state"),
        kind=arguments.get("kind"),
        recipient=arguments.get("recipient"),
        resource_id=arguments.get("resource_id"),
        created_from=arguments.get("created_from"),
        created_to=arguments.get("created_to"),
    )
    if filters.recipient is None:
        with read_only(tenant()) as session:
            return page_answer(ledger.list_page(session, actor(), request, filters), present_message)
    with read_only(PLATFORM) as session:
        found = ledger.find_to(session, actor(), request, filters)
    with read_only(tenant()) as session:
        return page_answer(ledger.read_page(session, actor(), found), present_message)


@blueprint.route("/<uuid:message_id>", methods=["GET"])
@requires(Permission.MESSAGES_READ)
@blueprint.response(200, MessageDetailSchema)
def get_message(message_id: UUID) -> dict[str, Any]:
    """Get one mail, with what its template was given; passwords and links are not shown."""
    with read_only(tenant()) as session:
        return present_detail(ledger.get(session, actor(), message_id))


@blueprint.route("/<uuid:message_id>/replay", methods=["POST"])
@requires(Permission.MESSAGES_WRITE)
@blueprint.response(200, MessageSchema)
@refuses(409)
def replay_message(message_id: UUID) -> dict[str, Any]:
    """Send a mail again that was given up, to the same address, from the first try; or one that was kept from an
    address which may get mails again.

    409 `messages.not_dead`, with `state`, for any other. 409 as well when it would be of no use (`messages.too_late`)
    or wrong (`messages.withdrawn`), when what it said (`messages.forgotten`) or its password (`messages.password_gone`)
    is not kept, and while the address gets no such mails (`messages.suppressed`).
    """
    with transaction(tenant()) as session:
        return present_message(replaying.replay(session, actor(), message_id, now=now()))


@blueprint.route("/replay", methods=["POST"])
@requires(Permission.MESSAGES_WRITE)
@blueprint.arguments(ReplaySchema)
@blueprint.response(202, ReplayedSchema)
@refuses(404)
def replay_messages(body: dict[str, Any]) -> Answer:
    """Send many mails again: named ones, or all dead ones that fit, the oldest first.

    What the replay of one would refuse is skipped. Ask again while `remaining` is not 0. 404 `messages.not_found`, and
    nothing is sent, when one of `message_ids` is not a mail of the organization.
    """
    limit = body.pop("limit")
    if not body:
        raise Invalid(WHICH, "Give message_ids, kind, created_from, created_to or error_contains.")
    wanted = replaying.Wanted(**body)
    return create_once(
        lambda session: present_replayed(replaying.replay_all(session, actor(), wanted, limit=limit, now=now())),
        status=202,
    )
