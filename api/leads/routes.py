"""Leads: people who have asked for work and have not ordered yet."""

from typing import Any
from uuid import UUID

from api.core.access import requires
from api.core.blueprint import Blueprint
from api.core.context import actor, now, tenant
from api.core.idempotency import Answer, create_once
from api.core.leads import LeadChangesSchema, LeadInSchema, new_lead
from api.core.openapi import refuses
from api.core.pagination import page_answer, page_request, page_schema
from api.leads.schemas import LeadListArguments, LeadSchema, LoseSchema, QuoteSchema, present
from shared.core.permissions import Permission
from shared.core.transaction import read_only, transaction
from shared.leads import service as leads

blueprint = Blueprint("leads", __name__, url_prefix="/v1/leads", description=__doc__)

_BY_STAFF = {"source": "staff", "captcha": "staff"}


@blueprint.route("", methods=["POST"])
@requires(Permission.LEADS_WRITE)
@blueprint.arguments(LeadInSchema)
@blueprint.response(201, LeadSchema)
def create_lead(body: dict[str, Any]) -> Answer:
    """Write down a request, for example from the phone; the person gets a mail that it has arrived."""
    return create_once(lambda session: present(leads.create(session, actor(), new_lead(body), **_BY_STAFF, now=now())))


@blueprint.route("", methods=["GET"])
@requires(Permission.LEADS_READ)
@blueprint.arguments(LeadListArguments, location="query")
@blueprint.response(200, page_schema(LeadSchema))
def list_leads(arguments: dict[str, Any]) -> Answer:
    """List leads, newest first."""
    with read_only(tenant()) as session:
        page = leads.list_page(
            session,
            actor(),
            page_request(arguments),
            states=arguments.get("status"),
            created_from=arguments.get("created_from"),
            created_to=arguments.get("created_to"),
        )
    return page_answer(page, present)


@blueprint.route("/<uuid:lead_id>", methods=["GET"])
@requires(Permission.LEADS_READ)
@blueprint.response(200, LeadSchema)
def get_lead(lead_id: UUID) -> dict[str, Any]:
    """Get one lead."""
    with read_only(tenant()) as session:
        return present(leads.get(session, actor(), lead_id))


@blueprint.route("/<uuid:lead_id>", methods=["PATCH"])
@requires(Permission.LEADS_WRITE)
@blueprint.arguments(LeadChangesSchema)
@blueprint.response(200, LeadSchema)
@refuses(409)
def update_lead(body: dict[str, Any], lead_id: UUID) -> dict[str, Any]:
    """Change what is known about a request; fields that are not given stay as they are."""
    with transaction(tenant()) as session:
        changed = leads.change(session, actor(), lead_id, **body, now=now())
    return present(changed)


@blueprint.route("/<uuid:lead_id>/contact", methods=["POST"])
@requires(Permission.LEADS_WRITE)
@blueprint.response(200, LeadSchema)
def contact_lead(lead_id: UUID) -> dict[str, Any]:
    """Note that somebody has spoken to the person.

    409 `leads.wrong_state` when the lead is not new.
    """
    with transaction(tenant()) as session:
        lead = leads.contact(session, actor(), lead_id, now=now())
    return present(lead)


@blueprint.route("/<uuid:lead_id>/quote", methods=["POST"])
@requires(Permission.LEADS_WRITE)
@blueprint.arguments(QuoteSchema)
@blueprint.response(200, LeadSchema)
def quote_lead(body: dict[str, Any], lead_id: UUID) -> dict[str, Any]:
    """Note that the person was told the price of an estimate; another one takes its place.

    409 `leads.wrong_state` when the lead is won or lost.
    """
    with transaction(tenant()) as session:
        lead = leads.quote(session, actor(), lead_id, estimate_id=body["estimate_id"], now=now())
    return present(lead)


@blueprint.route("/<uuid:lead_id>/lose", methods=["POST"])
@requires(Permission.LEADS_WRITE)
@blueprint.arguments(LoseSchema)
@blueprint.response(200, LeadSchema)
def lose_lead(body: dict[str, Any], lead_id: UUID) -> dict[str, Any]:
    """Note that nothing comes of it, and why.

    409 `leads.wrong_state` when it is over already. A lost lead is won all the same when an order names it.
    """
    with transaction(tenant()) as session:
        lead = leads.lose(session, actor(), lead_id, reason=body["reason"], now=now())
    return present(lead)
