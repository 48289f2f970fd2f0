"""Each move of the table as a request, and the way to each state."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import update
from werkzeug.test import TestResponse

from shared.core.transaction import transaction
from shared.orders import holds
from shared.orders.model import Order
from shared.orders.states import Move, OrderState
from tests.checked_client import CheckedClient
from tests.factories.orders import make_order
from tests.factories.organizations import Company

WAYS: dict[OrderState, list[Move]] = {
    OrderState.PENDING: [],
    OrderState.CONFIRMED: [Move.CONFIRM],
    OrderState.IN_PROGRESS: [Move.CONFIRM, Move.START],
    OrderState.COMPLETED: [Move.CONFIRM, Move.START, Move.COMPLETE],
    OrderState.CANCELLED: [Move.CANCEL],
    OrderState.NO_SHOW: [Move.CONFIRM, Move.NO_SHOW],
}
BY_REQUEST = [move for move in Move if move is not Move.EXPIRE]


def body_of(move: Move) -> dict[str, Any]:
    """What the move's request carries."""
    later = (datetime.now(UTC) + timedelta(days=9)).replace(microsecond=0)
    bodies: dict[Move, dict[str, Any]] = {
        Move.CANCEL: {"reason": "The client is ill"},
        Move.RESCHEDULE: {"scheduled_start": later.isoformat()},
        Move.ASSIGN: {"team_id": None},
        Move.CHANGE: {"title": "Autumn cleaning"},
    }
    return bodies.get(move, {})


def ask(client: CheckedClient, headers: dict[str, str], order_id: object, move: Move, **more: str) -> TestResponse:
    """Make the move over HTTP."""
    method, path = ("PATCH", "") if move is Move.CHANGE else ("POST", f"/{move.replace('_', '-')}")
    asked = headers | ({"If-Match": "*"} if move is Move.CHANGE else {}) | more
    return client.open(f"/v1/orders/{order_id}{path}", method=method, json=body_of(move), headers=asked)


def change_row(company: Company, order_id: object, **values: Any) -> None:
    """Change columns of an order, as time or another part of the system would."""
    with transaction(company.scope) as session:
        session.execute(update(Order).where(Order.org_id == company.org_id, Order.id == order_id).values(**values))


def let_it_begin(company: Company, order_id: object) -> None:
    """The appointment was a minute ago."""
    start = datetime.now(UTC) - timedelta(minutes=1)
    end = start + timedelta(hours=2)
    change_row(company, order_id, scheduled_start=start, scheduled_end=end, blocked_until=end)


def let_the_hold_run_out(company: Company, order_id: object) -> dict[str, int]:
    """The deposit was not paid in time, and the job looks."""
    change_row(company, order_id, hold_until=datetime.now(UTC) - timedelta(minutes=1))
    with transaction(company.scope) as session:
        return holds.expire_due(session, now=datetime.now(UTC), limit=10)


def order_in(client: CheckedClient, company: Company, state: OrderState, **changes: Any) -> UUID:
    """An order that has come to `state` by moves of the API."""
    order_id = make_order(company, **changes)
    for move in WAYS[state]:
        if move is Move.NO_SHOW:
            let_it_begin(company, order_id)
        answer = ask(client, company.headers(), order_id, move)
        assert answer.status_code == 200, answer.get_data(as_text=True)
    return order_id
