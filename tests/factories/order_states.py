"""Orders in any state, without the way that leads there."""

from uuid import UUID

from sqlalchemy import text

from shared.core.transaction import transaction
from tests.factories.organizations import Company


def set_order_state(company: Company, order_id: UUID, state: str) -> UUID:
    """Put an order into `state`; returns its identifier."""
    with transaction(company.scope) as session:
        session.execute(text("UPDATE orders SET state = :state WHERE id = :id"), {"state": state, "id": order_id})
    return order_id
