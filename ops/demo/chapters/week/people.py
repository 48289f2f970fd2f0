"""What is held on people: two who are one, a copy for them, forgetting them, and the answer to "did she get it?"."""

import json

from ops.demo.chapters.week.company import Company, Found
from ops.demo.story import eventually, expect


def merge(company: Company, order: Found) -> None:
    """A client whom the office had already, and who has booked online with another address."""
    owner = company.owner
    booked = owner.get(f"/v1/orders/{order['id']}")["client_id"]
    known = company.client("Emmy")
    answer = owner.call("POST", f"/v1/clients/{known['id']}/merge", json={"client_id": booked})
    expect(answer.status_code in {200, 409}, f"merging answered {answer.text}")  # 409: done, and the answer was lost
    gone = owner.get(f"/v1/clients/{booked}")
    expect(gone["merged_into_id"] == known["id"], "the other client is not merged")
    expect(owner.get(f"/v1/orders/{order['id']}")["client_id"] == known["id"], "the order has not moved")
    found = owner.get("/v1/clients", params={"email": known["email"]})["data"]
    expect([row["id"] for row in found] == [known["id"]], "the search does not find the one who stays")
    company.story.proved(f"Two clients who are one are merged: order {order['number']} is now that of {known['name']}")


def hand_out_and_forget(company: Company, closed: Found, open_order: Found) -> None:
    """A copy of everything, and then nothing."""
    owner, story = company.owner, company.story
    client_id = owner.get(f"/v1/orders/{closed['id']}")["client_id"]
    path = f"/v1/clients/{client_id}"
    export = owner.create(f"{path}/export")
    ready = eventually(
        lambda: (shown := owner.get(f"{path}/exports/{export['id']}"))["state"] == "ready" and shown, "no copy was made"
    )
    parts = {name: len(rows) for name, rows in ready["bundle"].items() if isinstance(rows, list) and rows}
    expect({"clients", "orders", "messages", "payments"} <= parts.keys(), f"the copy has {sorted(parts)}")
    story.proved(
        "Clara asks what is held on her: a worker collects it", ", ".join(f"{n} {name}" for name, n in parts.items())
    )
    busy = owner.get(f"/v1/orders/{open_order['id']}")["client_id"]
    refusal = owner.refused("POST", f"/v1/clients/{busy}/erase", 409, "privacy.open_orders", {"reason": "asked"})
    owner.change("POST", f"{path}/erase", {"reason": "asked"})
    left = json.dumps([owner.get(path), owner.get(f"/v1/orders/{closed['id']}")])
    for word in ("Clara", company.address("Clara"), "12 Elm Street", "under the mat"):
        expect(word not in left, f"“{word}” is still there")
    paid = owner.get(f"/v1/orders/{closed['id']}/payments")["data"]
    expect(len(paid) == 1, "the payment is gone")
    story.proved(
        "She is forgotten: name, address, notes, mails; the order's number and its money stay",
        f"not somebody with open orders: 409 {refusal['code']}, {refusal['orders']}",
    )


def answer_for(company: Company, order: Found) -> None:
    """Did Anna get her mail?"""
    path = f"/v1/orders/{order['id']}/timeline"

    def all_sent() -> list[Found] | None:
        shown: list[Found] = company.owner.get(path)["data"]
        mails = [entry for entry in shown if entry["kind"] == "message"]
        return shown if mails and all(mail["details"]["state"] == "sent" for mail in mails) else None

    shown = eventually(all_sent, "not every mail of the timeline was sent")
    told = [entry["event"] for entry in shown]
    wanted = ("place", "confirm", "order_confirmed", "reschedule", "order_rescheduled", "assign", "start", "complete")
    expect(set(wanted) <= set(told), f"the timeline tells of {told}")
    company.story.proved(
        f"Did Anna get her mail? The timeline of order {order['number']} says it: {len(shown)} entries",
        *(
            f"{company.shown(entry['at'])[-5:]} {entry['event']}"
            + (
                f" by {entry['by']}"
                if entry["by"]
                else f" to {entry['details']['recipient']}: {entry['details']['state']}"
            )
            for entry in shown
        ),
    )
