"""Stripe sends an event often, at once, and while we are ill: the payment is recorded once."""

import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tests.faults.owner import Owner, Placed
from tests.faults.system import System
from tests.faults.waiting import eventually

RUNS = ("api", "worker", "worker_2", "beat")
AMOUNT = 12900


def payment_of(placed: Placed) -> dict[str, Any]:
    """The fields of a `payment_intent.succeeded` for the order, with ids that every copy shares."""
    metadata = {"org_id": placed.org_id, "order_id": placed.id}
    intent = {"id": f"pi_{secrets.token_hex(8)}", "amount": AMOUNT, "currency": "cad", "metadata": metadata}
    return {"type": "payment_intent.succeeded", "id": f"evt_{secrets.token_hex(8)}", "object": intent}


def statuses(deliveries: list[dict[str, Any]]) -> list[int]:
    return [delivery.get("status", 0) for delivery in deliveries]


def event_state(system: System, event: dict[str, Any]) -> list[str]:
    return [row[0] for row in system.sql("SELECT state FROM stripe_events WHERE id = %s", event["id"])]


def is_handled(system: System, event: dict[str, Any]) -> bool:
    """A worker that ended when it lost Redis is started again, as a supervisor does."""
    return system.supervise("worker", "worker_2") and event_state(system, event) == ["handled"]


def assert_paid_once(system: System, owner: Owner, placed: Placed, event: dict[str, Any]) -> None:
    eventually(lambda: is_handled(system, event), "the event is handled")
    system.wait_idle()
    assert [payment["amount"] for payment in owner.payments(placed)] == [{"amount": AMOUNT, "currency": "cad"}]
    assert owner.order(placed)["paid"] == {"amount": AMOUNT, "currency": "cad"}
    history = system.sql("SELECT event FROM order_history WHERE order_id = %s AND event = 'payment'", placed.id)
    assert len(history) == 1


@contextmanager
def order_held_by_somebody(system: System, placed: Placed) -> Iterator[None]:
    """While this lasts, whoever wants to change the order waits for its lock."""
    with system.connection() as connection, connection.cursor() as cursor:
        cursor.execute("SELECT FROM orders WHERE id = %s FOR UPDATE", (placed.id,))
        yield


def test_five_copies_one_after_another_pay_once(system: System, owner: Owner) -> None:
    placed = owner.place_order()
    event = payment_of(placed)
    assert statuses(system.stripe_sends(**event, times=5)) == [200] * 5
    assert_paid_once(system, owner, placed, event)


def test_copies_at_once_pay_once(system: System, owner: Owner) -> None:
    for _ in range(5):
        placed = owner.place_order()
        event = payment_of(placed)
        assert statuses(system.stripe_sends(**event, times=6, concurrency=6)) == [200] * 6
        assert_paid_once(system, owner, placed, event)


def test_two_events_about_one_payment_pay_once(system: System, owner: Owner) -> None:
    placed = owner.place_order()
    first = payment_of(placed)
    second = first | {"id": f"evt_{secrets.token_hex(8)}"}
    for event in (first, second):
        assert statuses(system.stripe_sends(**event)) == [200]
    assert_paid_once(system, owner, placed, first)
    assert_paid_once(system, owner, placed, second)


def test_a_message_delivered_five_times_to_two_workers_pays_once(system: System, owner: Owner) -> None:
    placed = owner.place_order()
    event = payment_of(placed)
    system.kill("worker", "worker_2", "beat")
    assert statuses(system.stripe_sends(**event)) == [200]
    system.publish_again("stripe_events.handle", "stripe", times=4, event_id=event["id"])
    system.start("worker", "worker_2", "beat")
    assert_paid_once(system, owner, placed, event)
    assert "task.crashed" not in system.output("worker", "worker_2")


def test_a_webhook_is_taken_while_redis_is_dead_and_handled_after(system: System, owner: Owner) -> None:
    placed = owner.place_order()
    event = payment_of(placed)
    system.redis_server.stop()
    started = time.monotonic()
    assert statuses(system.stripe_sends(**event, times=2)) == [200, 200]
    assert time.monotonic() - started < 6.0
    assert event_state(system, event) == ["received"]
    system.let_time_pass()
    system.redis_server.start()
    assert_paid_once(system, owner, placed, event)


def test_a_webhook_is_refused_while_postgres_is_down_and_taken_when_stripe_tries_again(
    system: System, owner: Owner
) -> None:
    placed = owner.place_order()
    event = payment_of(placed)
    system.postgres.stop()
    assert statuses(system.stripe_sends(**event)) == [503]
    system.postgres.start()
    assert event_state(system, event) == []
    assert statuses(system.stripe_sends(**event, retry=True))[-1] == 200
    system.settle()
    system.let_time_pass()  # a worker may have met the lost connection first; then the event is tried again
    assert_paid_once(system, owner, placed, event)


def test_an_event_whose_workers_died_while_handling_it_pays_once(system: System, owner: Owner) -> None:
    placed = owner.place_order()
    event = payment_of(placed)
    with order_held_by_somebody(system, placed):
        assert statuses(system.stripe_sends(**event)) == [200]
        eventually(system.waits_for_lock, "a worker waits for the order")
        system.kill("worker", "worker_2")
    assert owner.payments(placed) == []
    assert event_state(system, event) == ["handling"]
    system.let_time_pass()
    system.start("worker", "worker_2")
    assert_paid_once(system, owner, placed, event)


def test_an_event_that_meets_a_locked_order_is_handled_later(system: System, owner: Owner) -> None:
    """The wait for a row lock is 3 s; then the handler gives up, and the sweep brings the event back."""
    placed = owner.place_order()
    event = payment_of(placed)
    with order_held_by_somebody(system, placed):
        assert statuses(system.stripe_sends(**event)) == [200]
        eventually(system.waits_for_lock, "a worker waits for the order")
        eventually(lambda: not system.waits_for_lock(), "it gives up")
        assert event_state(system, event) == ["handling"]
    system.let_time_pass()
    assert_paid_once(system, owner, placed, event)
