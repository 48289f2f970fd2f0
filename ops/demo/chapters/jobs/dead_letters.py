"""The receiver dies: retries become dead letters; it comes back: they are replayed, under the same ids."""

from ops.demo.chapters.jobs.receiving import Found, Receiving
from ops.demo.staff import Staff
from ops.demo.story import eventually, expect

LETTERS = "/v1/admin/export-dead-letter"


def kill_and_wait(acme: Receiving) -> str:
    """kill -9 the receiver, change something, wait until the events are given up. Returns the order's identifier."""
    acme.kill()
    order_id = acme.place_order()
    acme.owner.move(f"/v1/orders/{order_id}", "confirm", "confirmed")
    retrying = eventually(lambda: _exports(acme, order_id, "retrying,dead"), "nothing is tried again")
    acme.story.proved("The receiver is killed: its events are tried again", *map(_line, retrying))
    dead = eventually(lambda: _all_dead(acme, order_id), "the events were not given up")
    endpoint = acme.owner.get("/v1/webhook-endpoints/current")
    acme.story.proved(
        "After their tries they are dead letters, which nobody has lost",
        *map(_line, dead),
        f"failures in a row: {endpoint['failures']}",
    )
    return order_id


def bring_back_and_replay(acme: Receiving, order_id: str) -> None:
    """Start it again, replay all dead letters in one run."""
    names = {each["id"] for each in _all_dead(acme, order_id) or []}
    acme.start()
    answer = acme.owner.call("POST", LETTERS, params={"wait": "true"}, json={"all": True})
    expect(answer.status_code in {200, 202}, f"the replay answered {answer.status_code}: {answer.text}")
    found = acme.wait_for(order_id, "order.created", "order.confirmed")
    told = {each["id"] for each in found}
    expect(all(any(name in each for each in told) for name in names), f"{told} are not {names}")
    eventually(lambda: not _exports(acme, order_id, "pending,delivering,retrying,dead"), "some are not delivered")
    acme.story.proved(
        "It is back, and the dead letters are replayed in one run: they arrive under the ids that they had",
        f"run {answer.json()['id']}: {answer.json()['counts']}",
        *(f"{each['type']:<16} {each['id']}" for each in found),
    )
    finance = Staff(acme.world, "finance") if _has(acme, "finance") else None
    if finance is not None:
        expect(finance.get(LETTERS, params={"state": "delivered", "limit": 1})["data"], "finance sees no events")


def _all_dead(acme: Receiving, order_id: str) -> list[Found] | None:
    dead = _exports(acme, order_id, "dead")
    return dead if len(dead) == 2 else None


def _exports(acme: Receiving, order_id: str, states: str) -> list[Found]:
    found = acme.owner.get(LETTERS, params={"state": states, "resource_id": order_id})["data"]
    return list(found)


def _has(acme: Receiving, role: str) -> bool:
    return any(login["role"] == role for login in acme.world.logins)


def _line(export: Found) -> str:
    return f"{export['event']:<16} {export['state']:<9} {export['attempts']} tries  {export['last_error'] or ''}"
