"""The life of an order: every arrow of the diagram, and every move that is not one."""

from typing import Any
from uuid import UUID

import pytest

from ops import order_life_docs
from shared.orders.history import EXPORTED
from shared.orders.states import ARROWS, OCCUPYING, WHO, Move, OrderState, allowed_from
from tests.checked_client import CheckedClient
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.orders.steps import BY_REQUEST, WAYS, ask, let_it_begin, let_the_hold_run_out, order_in
from tests.rows import footprint, row, rows

MAILS = {
    (Move.CONFIRM, "pending"): "order_confirmed",
    (Move.COMPLETE, "in_progress"): "order_completed",
    (Move.CANCEL, "pending"): "order_cancelled",
    (Move.CANCEL, "confirmed"): "order_cancelled",
    (Move.CANCEL, "in_progress"): "order_cancelled",
    (Move.EXPIRE, "pending"): "order_cancelled",
    (Move.RESCHEDULE, "confirmed"): "order_rescheduled",
}
"""The mail that belongs to a move from a state. A client is not told of the new time of what was never promised."""

ALL_ARROWS = [(move, source, target) for move, ways in ARROWS.items() for source, target in ways.items()]
REFUSED = [(move, state) for move in BY_REQUEST for state in OrderState if state not in ARROWS[move]]


def _traces(company: Company, order_id: UUID) -> dict[str, Any]:
    """What is written about the order, by table."""
    about = {"org": company.org_id, "id": order_id}
    return {
        "history": [
            each["event"]
            for each in rows(
                "SELECT event FROM order_history WHERE org_id = :org AND order_id = :id ORDER BY id", **about
            )
        ],
        "audit": rows("SELECT * FROM audit_entries WHERE org_id = :org AND resource_id = :id ORDER BY id", **about),
        "exports": rows("SELECT * FROM exports WHERE org_id = :org AND resource_id = :id ORDER BY id", **about),
        "mails": [
            each["kind"]
            for each in rows("SELECT kind FROM messages WHERE org_id = :org AND resource_id = :id ORDER BY id", **about)
        ],
    }


@pytest.mark.parametrize(("move", "source", "target"), ALL_ARROWS, ids=str)
def test_every_arrow_leads_where_the_diagram_says_and_is_written_down_once(
    client: CheckedClient, company: Company, move: Move, source: OrderState, target: OrderState
) -> None:
    order_id = order_in(client, company, source)
    if move is Move.NO_SHOW:
        let_it_begin(company, order_id)
    before = _traces(company, order_id)
    if move is Move.EXPIRE:
        assert let_the_hold_run_out(company, order_id) == {"expired": 1, "kept": 0}
    else:
        answer = ask(client, company.headers(), order_id, move, **{"X-Request-Id": "arrow-1"})
        assert answer.status_code == 200, answer.get_data(as_text=True)
    shown = client.get(f"/v1/orders/{order_id}", headers=company.headers()).get_json()
    assert (shown["state"], shown["allowed"]) == (target, allowed_from(target))
    after = _traces(company, order_id)
    assert after["history"] == [*before["history"], move]
    (entry,) = after["audit"][len(before["audit"]) :]
    assert entry["action"] == f"orders.{move}"
    assert entry["request_id"] == (None if move is Move.EXPIRE else "arrow-1")
    (export,) = after["exports"][len(before["exports"]) :]
    assert (export["event"], export["state"]) == (EXPORTED[move], "pending")
    assert (export["payload"]["state"], export["payload"]["version"]) == (target, shown["version"])
    mail = MAILS.get((move, str(source)))
    assert after["mails"] == before["mails"] + ([mail] if mail else [])


@pytest.mark.parametrize(("move", "state"), REFUSED, ids=str)
def test_every_other_move_is_refused_and_says_what_is_allowed(
    client: CheckedClient, company: Company, jobs: JobsProbe, move: Move, state: OrderState
) -> None:
    order_id, _ = order_in(client, company, state), company.headers()
    jobs.enqueued()
    before = footprint(company.org_id)
    answer = ask(client, company.headers(), order_id, move)
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (409, "orders.wrong_state")
    assert (problem["state"], problem["allowed"]) == (state, allowed_from(state))
    assert footprint(company.org_id) == before
    assert jobs.enqueued() == []


@pytest.mark.parametrize("state", [state for state in OrderState if state is not OrderState.PENDING])
def test_a_hold_runs_out_for_pending_orders_only(client: CheckedClient, company: Company, state: OrderState) -> None:
    order_id = order_in(client, company, state)
    assert let_the_hold_run_out(company, order_id) == {"expired": 0, "kept": 0}
    assert row("SELECT state FROM orders WHERE id = :id", id=order_id)["state"] == state


def test_the_table_is_whole() -> None:
    assert set(ARROWS) == set(Move) == set(WHO)
    assert set(WAYS) == set(OrderState)
    reached = {target for ways in ARROWS.values() for target in ways.values()}
    assert reached == set(OrderState)
    assert all(allowed_from(state) for state in OCCUPYING)
    assert all(allowed_from(state) == [] for state in set(OrderState) - set(OCCUPYING))


def test_the_committed_diagram_is_drawn_from_the_table() -> None:
    assert order_life_docs.PAGE.read_text() == order_life_docs.render(), "run `make settings-docs`"
    for move, source, target in ALL_ARROWS:
        assert (f"    {source} --> {target}: {move}\n" in order_life_docs.render()) == (source != target)
