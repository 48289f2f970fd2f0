"""Strangers in front of a browser: an estimate, a request, a booking, and two who want the same time."""

import secrets
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from ops.demo.chapters.week.company import Company, Found, first, money
from ops.demo.story import eventually, expect

SERVICE_LINES = 3


def estimate(company: Company) -> Found:
    """What does it cost? Nobody has to say who they are for that."""
    anna = company.stranger()
    shown = anna.look()
    offered = {service["key"]: service["id"] for service in shown["services"]}
    body: Found = {
        "service_id": offered[company.service["key"]],
        "inputs": {"bedrooms": 3, "area_m2": "82.5"},
        "addons": [{"addon_id": company.addon["id"], "quantity": 1}],
    }
    made: Found = anna.leave("/estimates", body)
    lines = sum(line["amount"]["amount"] for line in made["lines"])
    total = made["subtotal"]["amount"] - made["discount"]["amount"] + made["tax"]["amount"]
    expect(lines == made["subtotal"]["amount"], "the lines are not the subtotal")
    expect(total == made["total"]["amount"], "the parts are not the total")
    company.story.proved(
        f"A stranger asks {shown['name']} for an estimate: {money(made['total'])}, {made['minutes']} minutes",
        *(f"{line['name']}: {money(line['amount'])}" for line in made["lines"]),
        *(f"because of {each['rule']}: {each['input']} -> {each['effect']}" for each in made["explain"]),
    )
    wrong = anna.send("/estimates", body | {"inputs": {"bedrooms": "many", "pool": 1}})
    expect(wrong.status_code == 422, f"a wrong estimate answered {wrong.status_code}")
    company.story.proved(
        "What does not fit is refused, each with its path",
        *(f"{fault['pointer']}: {fault['detail']}" for fault in wrong.json()["errors"]),
    )
    return made


def request(company: Company, priced: Found) -> Found:
    """A lead: left by a stranger, worked on by the office, won by an order."""
    story, owner, email = company.story, company.owner, company.address("Anna")
    body = {
        "name": "Anna Berg",
        "email": email,
        "address": "12 Elm Street, Calgary",
        "postal_code": company.postal_code,
        "preferred_times": "Weekdays after 15:00",
        "estimate_id": priced["id"],
        "utm": {"source": "newsletter"},
    }
    left = company.stranger().leave("/leads", body)
    mail = company.mail(email, "We have received your request")
    story.proved("She leaves a request, and gets a mail", f"“{mail['subject']}” to {email}")
    path = f"/v1/leads/{left['id']}"
    owner.move(path, "contact", "contacted")
    owner.move(path, "quote", "quoted", {"estimate_id": priced["id"]})
    slots = owner.get(f"/v1/slots?estimate_id={priced['id']}&team_id={company.teams[0]['id']}")["data"]
    start = first(slots, "no slots are offered")["start"]
    order: Found = owner.create(f"{path}/convert", {"scheduled_start": start, "team_id": company.teams[0]["id"]})
    lead = owner.get(path)
    expect(lead["state"] == "won" and lead["client_id"] == order["client_id"], f"the lead is {lead['state']}")
    expect(order["total"] == priced["total"], "the order has another price than the estimate")
    company.confirm(order)
    mail = company.mail(email, "Confirmed")
    story.proved(
        f"Contacted, quoted, converted: the lead is won by order {order['number']}, at the estimate's price",
        f"deposit {money(order['deposit'])}: {', '.join(order['deposit_reasons'])}; staff confirm without it",
        f"“{mail['subject']}”",
    )
    return order


def book(company: Company, priced: Found) -> Found:
    """A booking that is held until its deposit is paid, which confirms it."""
    story, owner, clara = company.story, company.owner, company.stranger()
    found = clara.look("/slots", estimate_id=priced["id"], postal_code=company.postal_code)
    soon, later = (datetime.now(company.zone) + timedelta(hours=hours) for hours in (26, 46))
    fitting = [slot for slot in found["data"] if soon < datetime.fromisoformat(slot["start"]) < later]
    slot = first(fitting, "no slots are offered tomorrow")
    body = _booking(company, "Clara", priced) | {"scheduled_start": slot["start"]}
    taken: Found = clara.leave("/orders", body)
    expect(taken["state"] == "pending" and taken["hold_until"], f"the booking is {taken['state']}")
    mail = company.mail(body["email"], "")
    story.proved(
        f"Another stranger sees {len(found['data'])} slots of {found['minutes']} minutes and books one",
        f"{slot['local_start'][:16]} {found['timezone']}",
        f"held until {company.shown(taken['hold_until'])} for a deposit of {money(taken['deposit'])}",
        f"“{mail['subject']}”",
    )
    _pay(company, taken)
    path = f"/v1/orders/{taken['id']}"
    order: Found = eventually(
        lambda: (shown := owner.get(path))["state"] == "confirmed" and shown,
        "the paid deposit did not confirm the order",
    )
    mail = company.mail(body["email"], "Confirmed")
    expect(order["paid"] == taken["deposit"], f"{order['paid']} was paid")
    story.proved("The deposit is paid at Stripe, and that confirms the order", f"“{mail['subject']}”")
    return order


def race(company: Company, priced: Found) -> tuple[Found, Found]:
    """Two people want the last team that is free at a time."""
    story, owner, north = company.story, company.owner, company.teams[0]["id"]
    place = {"estimate_id": priced["id"], "postal_code": company.postal_code}
    offered = owner.get("/v1/slots", params=place)["data"]
    rare = first([slot for slot in offered if slot["team_ids"] == [north]], "every slot is offered by two teams")
    bodies = [_booking(company, name, priced) | {"scheduled_start": rare["start"]} for name in ("Dora", "Emil")]
    with ThreadPoolExecutor(2) as both:
        answers = list(both.map(lambda body: company.stranger().send("/orders", body), bodies))
    statuses = sorted(answer.status_code for answer in answers)
    expect(statuses == [201, 409], f"two bookings of one slot answered {statuses}: {[a.text for a in answers]}")
    won = next(answer for answer in answers if answer.status_code == 201).json()
    place_of_loser = next(number for number, answer in enumerate(answers) if answer.status_code == 409)
    refusal = answers[place_of_loser].json()
    expect(refusal["code"] == "orders.slot_taken", f"the loser got {refusal['code']}")
    expect(len(refusal["alternatives"]) == 3, f"the loser got {len(refusal['alternatives'])} alternatives")
    story.proved(
        f"Two people book {company.shown(rare['start'])} at once: order {won['number']}, and 409 {refusal['code']}",
        "instead: " + ", ".join(company.shown(other["start"]) for other in refusal["alternatives"]),
    )
    instead = bodies[place_of_loser] | {"scheduled_start": refusal["alternatives"][0]["start"]}
    second = company.stranger().leave("/orders", instead)
    story.proved(f"The other one takes the nearest of them: order {second['number']}")
    return won, second


def _booking(company: Company, name: str, priced: Found) -> Found:
    return {
        "estimate_id": priced["id"],
        "name": f"{name} Field",
        "email": company.address(name),
        "address": "12 Elm Street, Calgary",
        "postal_code": company.postal_code,
        "access_notes": "The key is under the mat",
        "photo_consent": True,
    }


def _pay(company: Company, order: Found) -> None:
    """What Stripe does when the deposit is paid."""
    intent: dict[str, Any] = {
        "id": f"pi_{secrets.token_hex(12)}",
        **order["deposit"],
        "metadata": {"org_id": company.owner.get("/v1/auth/me")["org_id"], "order_id": order["id"]},
    }
    event = {
        "id": f"evt_{secrets.token_hex(12)}",
        "type": "payment_intent.succeeded",
        "object": intent,
        "retry": True,
    }
    sent = company.world.sandbox("POST", "/api/stripe/events", json=event)
    statuses = [delivery.get("status") for delivery in sent["deliveries"]]
    expect(200 in statuses, f"Stripe's event was answered by {statuses}")
