"""What a legal hold keeps from being removed."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Table, false, func, or_, select
from sqlalchemy.orm import Session

from shared.clients.holding import LOCK
from shared.clients.model import Client
from shared.core import locks
from shared.core.orm import Reader, table_of
from shared.leads.model import Lead
from shared.orders.model import Order
from shared.payments.model import Payment
from shared.recurrences.model import Recurrence

_clients, _leads, _orders = table_of(Client), table_of(Lead), table_of(Order)
_payments, _recurrences = table_of(Payment), table_of(Recurrence)


@dataclass(frozen=True, slots=True)
class Held:
    """The clients of an organization under legal hold, with those who were merged with them. `emails` are in lower
    case."""

    org_id: UUID | None
    client_ids: list[UUID]
    emails: list[str]
    phones: list[str]

    def __bool__(self) -> bool:
        return bool(self.client_ids)

    def has_lead(self, lead: Any) -> ColumnElement[bool]:
        """Whether the columns `lead` are of a request of theirs: it names them, or has their address or number."""
        if not self:
            return false()
        same = or_(lead.client_id.in_(self.client_ids), func.lower(lead.email).in_(self.emails))
        return func.coalesce(same | lead.phone.in_(self.phones), False)

    def has_order(self, order_id: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether an order is theirs."""
        if not self:
            return false()
        return look_up(_orders, self.org_id, order_id, _orders.c.client_id.in_(self.client_ids))

    def is_about(self, resource_id: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether `resource_id` names them, or a row of theirs."""
        if not self:
            return false()
        recurrence, payment = _recurrences.c.client_id.in_(self.client_ids), self.has_order(_payments.c.order_id)
        return or_(
            func.coalesce(resource_id.in_(self.client_ids), False),
            self.has_order(resource_id),
            look_up(_leads, self.org_id, resource_id, self.has_lead(_leads.c)),
            look_up(_recurrences, self.org_id, resource_id, recurrence),
            look_up(_payments, self.org_id, resource_id, payment),
        )


NOBODY = Held(None, [], [], [])


def find(session: Reader, org_id: UUID | None) -> Held:
    """Who is under hold now. Nobody, for what belongs to no organization."""
    client = _clients.c
    held = (client.org_id == org_id, client.legal_hold_at.is_not(None))
    roots = select(func.coalesce(client.merged_into_id, client.id)).where(*held)
    joined = or_(client.id.in_(roots), client.merged_into_id.in_(roots))
    query = select(client.id, client.email, client.phone).where(client.org_id == org_id, joined)
    found = session.execute(query).all()
    emails = [row.email.lower() for row in found if row.email]
    return Held(org_id, [row.id for row in found], emails, [row.phone for row in found if row.phone])


def find_and_keep(session: Session, org_id: UUID) -> Held:
    """The same, and nobody comes under hold before the transaction ends."""
    locks.share(session, LOCK, org_id)
    return find(session, org_id)


def look_up(
    table: Table, org_id: UUID | None, row_id: ColumnElement[Any], condition: ColumnElement[bool]
) -> ColumnElement[bool]:
    """Whether `condition` holds for the row of `table` that `row_id` names; false when there is none.

    A look-up by key for each row, and never a join: no statistics make Postgres read the whole table.
    """
    found = select(condition).where(table.c.org_id == org_id, table.c.id == row_id)
    return func.coalesce(found.scalar_subquery(), false())
