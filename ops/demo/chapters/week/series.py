"""A client who comes back every week: what a worker places ahead, what is skipped, moved, or cannot be."""

from datetime import datetime, timedelta

from ops.demo.chapters.week.company import Company, Found
from ops.demo.story import eventually, expect

HOUR = 14


def repeat(company: Company) -> Found:
    """A weekly series, and the one visit that cannot be: somebody has that time."""
    owner, story, south = company.owner, company.story, company.teams[1]
    greta = company.client("Greta")
    first = company.today() + timedelta(days=10)
    taken = first + timedelta(weeks=2)
    priced = owner.create(
        "/v1/estimates", {"service_id": company.service["id"], "frequency": "weekly", "inputs": {"bedrooms": 2}}
    )
    company.order(company.client("Karl"), "Before her", company.at(taken, HOUR), 60, team_id=south["id"])
    series: Found = owner.create(
        "/v1/recurrences",
        {
            "client_id": greta["id"],
            "estimate_id": priced["id"],
            "frequency": "weekly",
            "starts_on": first.isoformat(),
            "local_time": f"{HOUR}:00",
            "address": "3 Pine Road, Calgary",
            "postal_code": company.postal_code,
            "team_id": south["id"],
        },
    )
    path = f"/v1/recurrences/{series['id']}"
    placed = eventually(lambda: owner.get(path)["placed_until"], "the worker has not placed the series")
    visits = owner.get(f"{path}/occurrences")["data"]
    conflicts = [visit for visit in visits if visit["state"] == "conflict"]
    expect([visit["on_date"] for visit in conflicts] == [taken.isoformat()], f"the conflicts are {conflicts}")
    times = {
        company.shown(owner.get(f"/v1/orders/{visit['order_id']}")["scheduled_start"])[-5:] for visit in visits[:2]
    }
    expect(times == {f"{HOUR}:00"}, f"the visits are at {times}")
    story.proved(
        f"Greta comes back every week at {HOUR}:00: a worker has placed {len(visits) - 1} orders, until {placed}",
        f"{taken}: {conflicts[0]['detail']} The others stand",
    )
    _change(company, path, visits)
    return series


def _change(company: Company, path: str, visits: list[Found]) -> None:
    owner, (skipped, moved) = company.owner, visits[:2]
    left_out = owner.change("POST", f"{path}/skip", {"on_date": skipped["on_date"]})
    order = owner.get(f"/v1/orders/{skipped['order_id']}")
    expect(left_out["state"] == "skipped" and order["state"] == "cancelled", f"the skipped order is {order['state']}")
    expect(order["cancellation_fee"]["amount"] == 0, "a skipped visit costs a fee")
    before = owner.get(f"/v1/orders/{moved['order_id']}")
    start = datetime.fromisoformat(before["scheduled_start"]) + timedelta(hours=1)
    owner.change("POST", f"{path}/move", {"on_date": moved["on_date"], "scheduled_start": start.isoformat()})
    after = owner.get(f"/v1/orders/{moved['order_id']}")
    expect(
        datetime.fromisoformat(after["scheduled_start"]) == start, f"the moved visit is at {after['scheduled_start']}"
    )
    company.story.proved(
        "One visit is skipped, for free, and one is an hour later; the others stay",
        f"{skipped['on_date']} skipped; {moved['on_date']} at {company.shown(after['scheduled_start'])[-5:]}",
    )


def end(company: Company, series: Found) -> None:
    """The client moves away."""
    path = f"/v1/recurrences/{series['id']}"
    company.owner.move(path, "end", "ended", {"reason": "Greta moves away"})
    visits = company.owner.get(f"{path}/occurrences")["data"]
    open_ones = [visit for visit in visits if visit["order_state"] not in {"cancelled", None}]
    expect(not open_ones, f"{len(open_ones)} visits are still planned")
    company.story.proved("The series ends, and the visits that were planned with it")
