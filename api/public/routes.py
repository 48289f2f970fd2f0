"""A company's own pages: what it offers, and requests from people who have no account.

Every URL names the company. Browsers may call from the company's `portal_origins`.
"""

from typing import Any

from api.core.access import public
from api.core.blueprint import Blueprint
from api.core.context import actor, tenant
from api.core.public_scope import company, serve_companies
from api.public.schemas import CompanySchema, present_company
from shared.catalog.public import offered
from shared.core.transaction import read_only

blueprint = serve_companies(Blueprint("public", __name__, url_prefix="/v1/public/<org_slug>", description=__doc__))


@blueprint.route("", methods=["GET"])
@public
@blueprint.response(200, CompanySchema)
def get_company() -> dict[str, Any]:
    """Get what a company shows to anybody: its hours, services and add-ons. 404 when there is no such company."""
    with read_only(tenant()) as session:
        return present_company(company(), offered(session, actor()))
