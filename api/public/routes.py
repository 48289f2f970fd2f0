"""A company's own pages: what it offers, what that costs, and requests from people who have no account.

Every URL names the company. Browsers may call from the company's `portal_origins`.
"""

from typing import Any

from api.core.access import public
from api.core.blueprint import Blueprint
from api.core.captcha import passes_captcha
from api.core.context import actor, now, tenant
from api.core.estimates import EstimateInSchema, EstimateSchema, present_estimate, wanted_estimate
from api.core.idempotency import Answer, create_once
from api.core.leads import LeadInSchema, new_lead
from api.core.public_scope import company, serve_companies
from api.public.schemas import CompanySchema, TakenLeadSchema, present_company, present_taken_lead
from shared.catalog import estimates
from shared.catalog.public import offered
from shared.core.transaction import read_only
from shared.leads import service as leads

blueprint = serve_companies(Blueprint("public", __name__, url_prefix="/v1/public/<org_slug>", description=__doc__))


@blueprint.route("", methods=["GET"])
@public
@blueprint.response(200, CompanySchema)
def get_company() -> dict[str, Any]:
    """Get what a company shows to anybody: its hours, services and add-ons. 404 when there is no such company."""
    with read_only(tenant()) as session:
        return present_company(company(), offered(session, actor()))


@blueprint.route("/leads", methods=["POST"])
@public
@blueprint.arguments(LeadInSchema)
@blueprint.response(201, TakenLeadSchema)
@passes_captcha("leads")
def create_public_lead(body: dict[str, Any], captcha: str) -> Answer:
    """Ask a company for work. The person gets a mail that the request has arrived.

    400 `captcha.refused` when the captcha has to be solved again, 503 `captcha.unavailable` while it cannot be checked.
    """
    wanted = new_lead(body)
    return create_once(
        lambda session: present_taken_lead(
            leads.create(session, actor(), wanted, source="public", captcha=captcha, now=now())
        )
    )


@blueprint.route("/estimates", methods=["POST"])
@public
@blueprint.arguments(EstimateInSchema)
@blueprint.response(201, EstimateSchema)
def create_public_estimate(body: dict[str, Any]) -> Answer:
    """Work out what a job costs. A request or an order can name the estimate for 14 days.

    422 with a pointer to each input or add-on that cannot be had; 409 `catalog.no_price` while it has no price.
    """
    wanted = wanted_estimate(body)
    return create_once(lambda session: present_estimate(estimates.make(session, actor(), wanted, now=now())))
