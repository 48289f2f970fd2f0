"""The dispatcher's work: the board, who goes where, another time, and orders that do not take place."""

import time
from datetime import UTC, datetime, timedelta

from ops.demo.chapters.week.company import Company, Found, money
from ops.demo.story import expect, fail

MINUTES = 30
SOON = timedelta(seconds=15)
TRIES = 5


def look_at_the_board(company: Company) -> None:
    """The week by team."""
    first = company.today()
    board = company.owner.get("/v1/schedule", params={"from": first, "to": first + timedelta(days=7)})
    ours = [team for team in board["teams"] if team["id"] in {made["id"] for made in company.teams}]
    expect(len(ours) == len(company.teams), "the board does not show the teams")
    expect(sum(len(team["orders"]) for team in ours) >= len(company.teams), "the board does not show the orders")
    company.story.proved(
        f"The dispatcher's board shows the week by team, on the clocks of {board['timezone']}",
        *(
            f"{team['name']} ({len(team['workers'])} workers): "
            + (
                ", ".join(f"{order['number']} {company.shown(order['scheduled_start'])}" for order in team["orders"])
                or "-"
            )
            for team in ours
        ),
    )


def assign(company: Company, order: Found) -> None:
    """Nobody is at two places."""
    owner, story, (north, south), (nora, nick, _) = company.owner, company.story, company.teams, company.workers
    path = f"/v1/orders/{order['id']}"
    owner.change("POST", f"{path}/assign", {"team_id": north["id"], "worker_ids": [nora["id"], nick["id"]]})
    start = datetime.fromisoformat(order["scheduled_start"])
    other = company.order(company.client("Bert"), "Windows", start, MINUTES, team_id=south["id"])
    twice = {"team_id": south["id"], "worker_ids": [nora["id"]]}
    refusal = owner.refused("POST", f"/v1/orders/{other['id']}/assign", 409, "orders.slot_taken", twice)
    story.proved(
        f"Two workers are sent to order {order['number']}; to be at another order at that time is refused",
        f"409 {refusal['code']}: {refusal['detail']}",
    )


def bring_forward(company: Company, order: Found) -> Found:
    """Another time, which the client is told."""
    start = datetime.now(UTC).replace(microsecond=0) + timedelta(minutes=5)
    path = f"/v1/orders/{order['id']}"
    moved: Found = company.owner.change("POST", f"{path}/reschedule", {"scheduled_start": start.isoformat()})
    expect(datetime.fromisoformat(moved["scheduled_start"]) == start, f"the order is at {moved['scheduled_start']}")
    mail = company.mail(company.address("Anna"), "New time")
    clock = f"{start.astimezone(company.zone):%I:%M}".lstrip("0")  # mails are written in English
    expect(clock in mail["text"], f"the mail does not say {clock}")
    company.story.proved("Anna asks for today instead; she gets a mail with the new time", f"“{mail['subject']}”")
    return moved


def nobody_there(company: Company) -> Found:
    """An order that is about to begin, and that nobody will open the door for."""
    frank = company.client("Frank")
    for _ in range(TRIES):
        order = _soon(company, frank)
        if order is not None:
            break
    else:
        fail("every order had begun before the API was back")
    company.story.proved(
        f"Order {order['number']} begins in some seconds; a no-show is refused before", "409 orders.too_early"
    )
    return order


def _soon(company: Company, client: Found) -> Found | None:
    """An order that has not begun; None when the API was away for so long that it has."""
    start = datetime.now(UTC) + SOON
    answer = company.place(client, "Gutters", start, MINUTES, team_id=company.teams[1]["id"])
    if not answer.ok:
        expect(answer.json()["code"] == "orders.bad_times", f"placing the order answered {answer.text}")
        return None
    order: Found = company.confirm(answer.json())
    early = company.owner.call("POST", f"/v1/orders/{order['id']}/no-show", json={})
    return order if not early.ok and early.json()["code"] == "orders.too_early" else None


def no_show(company: Company, order: Found) -> None:
    """The crew stood before a closed door."""
    left = datetime.fromisoformat(order["scheduled_start"]) - datetime.now(UTC)
    time.sleep(max(0.0, left.total_seconds() + 0.5))
    path = f"/v1/orders/{order['id']}"
    over = company.owner.move(path, "no-show", "no_show")
    expect(over["cancellation_fee"] == order["total"], f"the fee is {over['cancellation_fee']}")
    company.story.proved(
        f"Nobody opened: order {order['number']} is a no-show, and costs what the policy says",
        f"{money(over['cancellation_fee'])} of {money(over['total'])}",
    )


def call_off(company: Company, order: Found) -> None:
    """Between 24 and 48 hours before, half of the price; or nothing, when staff say why."""
    body = {"reason": "Clara is ill"}
    fee = company.owner.move(f"/v1/orders/{order['id']}", "cancel", "cancelled", body)
    half = (fee["total"]["amount"] + 1) // 2
    expect(fee["cancellation_fee"]["amount"] == half, f"the fee is {fee['cancellation_fee']}")
    mail = company.mail(company.address("Clara"), "Cancelled")
    start = datetime.now(UTC) + timedelta(hours=30)
    other = company.confirm(company.order(company.client("Hugo"), "Hedge", start, MINUTES))
    waiver = {"reason": "Snow", "waive_fee_reason": "We could not have come either"}
    free = company.owner.move(f"/v1/orders/{other['id']}", "cancel", "cancelled", waiver)
    expect(free["cancellation_fee"]["amount"] == 0, f"the fee is {free['cancellation_fee']}")
    company.story.proved(
        f"Called off a day before: {money(fee['cancellation_fee'])} of {money(fee['total'])}; and another one for free",
        f"“{mail['subject']}”",
        f"waived: {waiver['waive_fee_reason']}",
    )
