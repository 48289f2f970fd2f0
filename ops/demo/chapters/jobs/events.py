"""Events that arrive, and how well the receiver knows which to believe."""

from ops.demo.chapters.jobs.receiving import Receiving
from ops.demo.story import expect


def deliver(acme: Receiving) -> None:
    """An order is placed and confirmed: its events are there, signed."""
    order_id = acme.place_order()
    acme.owner.move(f"/v1/orders/{order_id}", "confirm", "confirmed")
    found = acme.wait_for(order_id, "order.created", "order.confirmed")
    verdicts = {each["verdict"] for each in found}
    expect(verdicts <= {"genuine", "duplicate"}, f"the receiver thinks that they are {verdicts}")
    acme.story.proved(
        "An order is placed and confirmed: the receiver has both events, and finds their signatures genuine",
        *(f"{each['type']:<16} {each['id']}" for each in found),
    )


def drill(acme: Receiving) -> None:
    """Good and bad deliveries on purpose: a scorecard for the receiver's developer."""
    answer = acme.owner.call("POST", "/v1/webhook-endpoints/test", params={"wait": "true"})
    expect(answer.status_code == 200, f"the drill answered {answer.status_code}: {answer.text}")
    card = answer.json()["details"]
    expect(card["passed"] == card["total"], f"the receiver failed some: {card}")
    acme.story.proved(
        f"A drill: the receiver takes what it should and refuses the rest, {card['passed']} of {card['total']}",
        *(f"{each['case']:<22} expected {each['expected']}, was answered {each['status']}" for each in card["cases"]),
    )
