"""What a new order names, read in one statement. Only what it does name is joined: to plan a join of everything costs
Postgres more than all else about the order.
"""

from functools import cache
from typing import Any

from sqlalchemy import Label, Select, Uuid, and_, bindparam, exists, null, select

from shared.catalog.model import Estimate, Service
from shared.clients.model import Client
from shared.core.orm import table_of
from shared.crews.model import Team
from shared.leads.model import Lead
from shared.orders.model import Order
from shared.orders.states import OrderState
from shared.organizations.model import Organization

_organizations, _clients, _leads = table_of(Organization), table_of(Client), table_of(Lead)
_estimates, _services, _teams, _orders = table_of(Estimate), table_of(Service), table_of(Team), table_of(Order)


def _named(table: Any, parameter: str) -> Any:
    return and_(table.c.org_id == _organizations.c.id, table.c.id == bindparam(parameter, type_=Uuid()))


HAS_ORDERED = select(
    exists().where(
        _orders.c.org_id == bindparam("org_id", type_=Uuid()),
        _orders.c.client_id == bindparam("client_id", type_=Uuid()),
        _orders.c.state.in_([OrderState.CONFIRMED, OrderState.IN_PROGRESS, OrderState.COMPLETED]),
    )
)
"""Whether a client has an order that was promised. Asked apart, by the few who need to know it."""

_ALWAYS = (
    _organizations.c.currency,
    _organizations.c.deposit_policy,
    _organizations.c.cancellation_policy,
    _organizations.c.scheduling_policy,
    _clients.c.id.label("client_id"),
    _clients.c.name.label("client_name"),
    _clients.c.email,
)
_WHEN_NAMED: dict[str, tuple[Label[Any], ...]] = {
    "estimate_id": (
        _estimates.c.id.label("estimate_id"),
        _estimates.c.minutes.label("minutes"),
        _estimates.c.lines.label("lines"),
        _estimates.c.total_amount.label("total_amount"),
        _estimates.c.currency.label("estimate_currency"),
        _estimates.c.valid_until.label("valid_until"),
        _estimates.c.frequency.label("frequency"),
    ),
    "service_id": (
        _services.c.id.label("service_id"),
        _services.c.name.label("service_name"),
        _services.c.is_heavy.label("is_heavy"),
        _services.c.is_active.label("is_on_sale"),
    ),
    "team_id": (_teams.c.id.label("team_id"),),
    "lead_id": (_leads.c.id.label("lead_id"),),
}


@cache
def look_up(named: frozenset[str]) -> Select[Any]:
    """One row: the organization, and what an order names by these identifiers (`client_id` is always among them), or
    None for what there is not; the service is that of an estimate, if there is one. Takes `org_id` and the identifiers.
    """
    joined = named | {"service_id"} if "estimate_id" in named else named
    columns = [
        column if name in joined else null().label(column.name)
        for name, group in _WHEN_NAMED.items()
        for column in group
    ]
    of_client = and_(_named(_clients, "client_id"), _clients.c.merged_into_id.is_(None), _clients.c.erased_at.is_(None))
    query = select(*_ALWAYS, *columns).select_from(_organizations).outerjoin(_clients, of_client)
    if "estimate_id" in named:
        query = query.outerjoin(_estimates, _named(_estimates, "estimate_id"))
    if "estimate_id" in named:
        of_estimate = and_(_services.c.org_id == _estimates.c.org_id, _services.c.id == _estimates.c.service_id)
        query = query.outerjoin(_services, of_estimate)
    elif "service_id" in named:
        query = query.outerjoin(_services, _named(_services, "service_id"))
    if "team_id" in named:
        query = query.outerjoin(_teams, and_(_named(_teams, "team_id"), _teams.c.is_active))
    if "lead_id" in named:
        query = query.outerjoin(_leads, _named(_leads, "lead_id"))
    return query.where(_organizations.c.id == bindparam("org_id", type_=Uuid()))
