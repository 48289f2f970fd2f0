"""A company's own pages: what it offers, what that costs, and requests from people who have no account.

Every URL names the company. Browsers may call from the company's `portal_origins`.
"""

from typing import Any

from api.core.access import public
from api.core.alternatives import offering_alternatives
from api.core.blueprint import Blueprint
from api.core.captcha import passes_captcha
from api.core.context import actor, now, tenant
from api.core.estimates import EstimateInSchema, EstimateSchema, present_estimate, wanted_estimate
from api.core.idempotency import Answer, create_once
from api.core.leads import LeadInSchema, new_lead
from api.core.openapi import refuses
from api.core.public_scope import company, serve_companies
from api.core.slots import SlotArguments, SlotsSchema, slot_query
from api.core.slots import present as present_slots
from api.public.schemas import (
    BookingSchema,
    CompanySchema,
    TakenLeadSchema,
    TakenOrderSchema,
    present_company,
    present_taken_lead,
    present_taken_order,
)
from shared.catalog import estimates
from shared.catalog.public import offered
from shared.core.transaction import read_only
from shared.leads import service as leads
from shared.orders import slots
from shared.orders.booking import Booking, book

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


@blueprint.route("/slots", methods=["GET"])
@public
@blueprint.arguments(SlotArguments, location="query")
@blueprint.response(200, SlotsSchema)
@refuses(422)
def list_public_slots(arguments: dict[str, Any]) -> dict[str, Any]:
    """List the times at which a visit can start.

    Each can be booked as long as nobody else has booked it. Without a `postal_code` only teams that work everywhere are
    asked. 422 `orders.range_too_long` for more than 31 days.
    """
    query = slot_query({"postal_code": ""} | arguments)
    with read_only(tenant()) as session:
        return present_slots(slots.find(session, actor(), query, now=now()))


@blueprint.route("/orders", methods=["POST"])
@public
@blueprint.arguments(BookingSchema)
@blueprint.response(201, TakenOrderSchema)
@passes_captcha("orders")
def create_public_order(body: dict[str, Any], captcha: str) -> Answer:  # noqa: ARG001 - the check is what counts
    """Book a time that is offered, at the price of an estimate. The person gets a mail.

    An order that needs a deposit is held for half an hour. 409 `orders.slot_taken`, with three `alternatives`, when
    nobody is free; 400 `captcha.refused`, 503 `captcha.unavailable` as for requests.
    """
    booking = Booking(**body)
    start, area = booking.scheduled_start, booking.postal_code
    with offering_alternatives(start, None, estimate_id=booking.estimate_id, postal_code=area):
        return create_once(lambda session: present_taken_order(book(session, actor(), booking, now=now())))
