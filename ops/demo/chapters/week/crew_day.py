"""A day of the crew: the clock, the checklist, the end of the work."""

import time
from datetime import UTC, datetime, timedelta

from ops.demo.chapters.week.company import Company, Found
from ops.demo.story import eventually, expect

MOMENT = timedelta(seconds=30)
"""Of an order that is planned for less than a minute: a minute of work is more than 1.2 times that."""


def begin_the_long_one(company: Company) -> tuple[Found, Found]:
    """A worker clocks in at what should take a moment, so that it takes too long while the story goes on."""
    sam = company.workers[2]
    start = datetime.now(UTC) + timedelta(minutes=2)
    order = company.order(company.client("Gina"), "A look at the boiler", start, MOMENT / timedelta(minutes=1))
    company.confirm(order)
    entry: Found = company.owner.create(f"/v1/orders/{order['id']}/time-entries", {"worker_id": sam["id"]})
    expect(entry["state"] == "running", f"the clock is {entry['state']}")
    return order, entry


def end_the_long_one(company: Company, order: Found, entry: Found) -> None:
    """More than 1.2 times what was planned asks for a reason."""
    owner, list_path = company.owner, f"/v1/orders/{order['id']}/time-entries"
    eventually(lambda: owner.get(list_path)["data"][0]["worked_minutes"] > 0, "the clock does not count minutes")
    path = f"/v1/time-entries/{entry['id']}/finish"
    refusal = owner.refused("POST", path, 422, "time_entries.overrun", {})
    reason = "The valve was stuck"
    owner.call("POST", path, json={"overrun_reason": reason})  # 409: done, and the answer was lost
    finished = owner.get(list_path)["data"][0]
    expect(finished["overrun_reason"] == reason, f"the reason is {finished['overrun_reason']}")
    owner.move(f"/v1/orders/{order['id']}", "complete", "completed")
    company.story.proved(
        f"{refusal['worked_minutes']} minute where {refusal['planned_minutes']} were planned needs a reason",
        f"422 {refusal['code']}, then “{reason}”",
    )


def work(company: Company, order: Found) -> None:
    """Clock in, tick, pause, finish."""
    owner, story, nora = company.owner, company.story, company.workers[0]
    path = f"/v1/orders/{order['id']}"
    clock = f"{path}/time-entries"
    entry = owner.create(clock, {"worker_id": nora["id"]})
    expect(owner.get(path)["state"] == "in_progress", "the first clock did not start the order")
    other = company.order(company.client("Ida"), "Next door", datetime.now(UTC) + timedelta(minutes=9), 20)
    company.confirm(other)
    where = owner.refused(
        "POST", f"/v1/orders/{other['id']}/time-entries", 409, "time_entries.already_running", {"worker_id": nora["id"]}
    )
    expect(where["order_id"] == order["id"], "the refusal does not say where the clock runs")
    story.proved("A worker clocks in, which starts the order; a clock runs at one place", f"409 {where['code']}")
    owner.move(f"/v1/orders/{other['id']}", "cancel", "cancelled", {"reason": "Was an example"})

    refusal = owner.refused("POST", f"{path}/complete", 409, "orders.checklist_unfinished", {})
    story.proved("Completing it with required items open is refused", f"409: {', '.join(refusal['unfinished'])}")
    for verb, to in (("pause", "paused"), ("resume", "running")):
        owner.call("POST", f"/v1/time-entries/{entry['id']}/{verb}")  # 409: done, and the answer was lost
        expect(owner.get(clock)["data"][0]["state"] == to, f"{verb} did not lead to {to}")
        time.sleep(0.1)
    items = owner.get(f"{path}/checklist")["data"]
    for item in items:
        if item["required"]:
            owner.change("POST", f"{path}/checklist/{item['id']}/tick", {})
    done = owner.move(path, "complete", "completed")
    entry = owner.get(clock)["data"][0]
    expect(entry["state"] == "finished" and len(entry["segments"]) == 2, f"the clock is {entry['state']}")
    mail = company.mail(company.address("Anna"), "Done")
    story.proved(
        f"Pause, resume, tick, done: order {done['number']} is completed, and the clock with it",
        f"{len(entry['segments'])} segments; {sum(item['required'] for item in items)} of {len(items)} items ticked",
        f"“{mail['subject']}”",
    )
