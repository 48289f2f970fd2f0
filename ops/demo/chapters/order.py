"""One real order through every part of the system."""

import hashlib
import io
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from PIL import Image

from ops.demo.staff import Staff
from ops.demo.stored import objects_of
from ops.demo.story import Story, eventually, expect
from ops.demo.world import World

PRICE = {"amount": 12900, "currency": "cad"}


def tell(world: World, story: Story) -> None:
    """Sign in, place, confirm, photograph, pay; then look at what the machinery says of itself."""
    owner = _sign_in(world, story)
    client = _client(world, owner)
    order = _place(owner, story, client)
    _confirm(world, owner, story, client, order)
    _photograph(world, owner, story, order)
    _pay(world, owner, story, order)
    _look_at_the_machinery(world, story)


def _sign_in(world: World, story: Story) -> Staff:
    login = world.login("owner")
    wrong = world.elsewhere().api(
        "POST", "/v1/auth/login", json={"org": login["org"], "email": login["email"], "password": "guess"}
    )
    expect(wrong.status_code == 401, f"a wrong password answered {wrong.status_code}")
    expect(wrong.headers["Content-Type"] == "application/problem+json", "the refusal is not a problem document")
    story.proved("A wrong password is refused", f"401 {wrong.json()['code']}, request {wrong.json()['request_id']}")
    owner = Staff(world, "owner")
    me = owner.get("/v1/auth/me")
    story.proved(f"{me['name']} signs in", f"{me['role']} of {login['org']}, {len(me['permissions'])} permissions")
    return owner


def _client(world: World, owner: Staff) -> dict[str, Any]:
    found: list[dict[str, Any]] = owner.get("/v1/clients", params={"email": world.login("client")["email"]})["data"]
    return found[0]


def _place(owner: Staff, story: Story, client: dict[str, Any]) -> dict[str, Any]:
    start = (datetime.now(UTC) + timedelta(days=2)).replace(hour=16, minute=0, second=0, microsecond=0)
    body = {
        "client_id": client["id"],
        "title": "Spring cleaning",
        "address": "12 Elm Street, Calgary",
        "scheduled_start": start.isoformat(),
        "scheduled_end": (start + timedelta(hours=3)).isoformat(),
        "total": PRICE,
        "photo_consent": True,
    }
    key = {"Idempotency-Key": f"demo-{secrets.token_hex(8)}"}
    first = owner.call("POST", "/v1/orders", json=body, headers=key)
    expect(first.status_code == 201, f"placing the order answered {first.status_code}: {first.text}")
    again = owner.call("POST", "/v1/orders", json=body, headers=key)
    expect(again.json() == first.json(), "the repeated request got another answer")
    expect(again.headers.get("Idempotent-Replayed") == "true", "the repeated request was not recognized")
    order: dict[str, Any] = first.json()
    story.proved(f"Order {order['number']} is placed for {client['name']}, once", "sent twice with one Idempotency-Key")
    return order


def _confirm(world: World, owner: Staff, story: Story, client: dict[str, Any], order: dict[str, Any]) -> None:
    answer = owner.call("POST", f"/v1/orders/{order['id']}/confirm")
    # 409: the first try was committed, but its answer was lost on the way.
    expect(answer.status_code in {200, 409}, f"confirming answered {answer.status_code}: {answer.text}")
    state = owner.get(f"/v1/orders/{order['id']}")["state"]
    expect(state == "confirmed", f"the order is {state}")
    story.proved("The order is confirmed; history, audit and mail row are in the same transaction")

    def mails() -> list[dict[str, Any]]:
        found = world.sandbox("GET", f"/api/mail?to={client['email']}")["data"]
        return [
            mail for mail in found if str(order["number"]) in mail["text"] and mail["subject"].startswith("Confirmed")
        ]

    arrived = eventually(mails, "the confirmation mail did not arrive")
    copies = {mail["message_id"] for mail in arrived}
    expect(len(copies) == 1, f"{len(copies)} different confirmation mails arrived")
    story.proved("A worker has sent the mail over SMTP", f"“{arrived[0]['subject']}” to {client['email']}")


def _photograph(world: World, owner: Staff, story: Story, order: dict[str, Any]) -> None:
    path = f"/v1/orders/{order['id']}/photos"
    fake = owner.call(
        "POST", path, files={"file": ("photo.jpg", b"<script>alert(1)</script>")}, data={"phase": "before"}
    )
    expect(fake.status_code == 422, f"a script called photo.jpg answered {fake.status_code}")
    story.proved("A script that calls itself photo.jpg is refused", f"422 {fake.json()['code']}")

    content = _picture()
    answer = owner.call("POST", path, files={"file": ("kitchen.jpg", content)}, data={"phase": "after"})
    # 409: the first try was stored, but its answer was lost on the way.
    expect(answer.status_code in {201, 409}, f"the upload answered {answer.status_code}: {answer.text}")
    digest = hashlib.sha256(content).hexdigest()

    def stored() -> dict[str, Any] | None:
        found = (photo for photo in owner.get(path)["data"] if photo["sha256"] == digest)
        return next((photo for photo in found if photo["state"] == "stored"), None)

    photo = eventually(stored, "no worker has processed the photo")
    received = Image.open(io.BytesIO(world.call("GET", photo["url"]).content))
    expect(received.size == (960, 640), f"the downloaded photo has {received.size} pixels")
    story.proved(
        "A photo is uploaded, written anew by a worker, and downloaded with a signed link",
        f"{photo['size']} bytes, {photo['mime']}",
    )
    _remove(world, owner, story, order, photo)


def _remove(world: World, owner: Staff, story: Story, order: dict[str, Any], photo: dict[str, Any]) -> None:
    expect(objects_of(world, photo["id"]), "the photo's files are nowhere")
    answer = owner.call("DELETE", f"/v1/orders/{order['id']}/photos/{photo['id']}")
    expect(answer.status_code in {204, 404}, f"removing the photo answered {answer.status_code}")
    gone = owner.call("GET", f"/v1/orders/{order['id']}/photos/{photo['id']}")
    expect(gone.status_code == 404, f"a removed photo answered {gone.status_code}")
    eventually(lambda: not objects_of(world, photo["id"]), "the photo's files were not deleted")
    story.proved("The photo is removed: gone at once, its files deleted by the storage queue")


def _pay(world: World, owner: Staff, story: Story, order: dict[str, Any]) -> None:
    org_id = owner.get("/v1/auth/me")["org_id"]
    event = {
        "id": f"evt_{secrets.token_hex(12)}",
        "type": "payment_intent.succeeded",
        "object": {
            "id": f"pi_{secrets.token_hex(12)}",
            **PRICE,
            "metadata": {"org_id": org_id, "order_id": order["id"]},
        },
        "retry": True,
    }
    forged = world.sandbox("POST", "/api/stripe/events", json=event | {"secret": "whsec_forged", "retry": False})
    statuses = [delivery.get("status") for delivery in forged["deliveries"]]
    expect(200 not in statuses, "a forged webhook was accepted")
    story.proved(
        "A webhook with a forged signature is refused", f"{urlsplit(world.api_url).netloc} answered {statuses[0]}"
    )

    sent = world.sandbox("POST", "/api/stripe/events", json=event | {"times": 5, "concurrency": 2})
    accepted = [delivery for delivery in sent["deliveries"] if delivery.get("status") == 200]
    expect(len(accepted) >= 5, f"only {len(accepted)} of 5 deliveries were accepted")
    url = f"/v1/orders/{order['id']}"
    eventually(lambda: owner.get(url)["paid"]["amount"] > 0, "the payment was not recorded")
    payments = owner.get(f"{url}/payments")["data"]
    expect(len(payments) == 1, f"{len(payments)} payments were recorded")
    expect(owner.get(url)["paid"] == PRICE, f"the order says {owner.get(url)['paid']} was paid")
    story.proved("The same payment event five times, two at once, is one payment", "129.00 CAD, by the stripe queue")


def _look_at_the_machinery(world: World, story: Story) -> None:
    ready = eventually(lambda: _ready(world), "/readyz does not pass")
    story.proved(
        "The system says it is ready", ", ".join(f"{name} {status}" for name, status in ready["checks"].items())
    )
    strangers = world.call("GET", f"{world.flower_url}/api/tasks")
    expect(strangers.status_code == 401, f"Flower let a stranger in: {strangers.status_code}")
    login = (world.flower_login["username"], world.flower_login["password"])

    def tasks() -> set[str]:
        shown = world.call("GET", f"{world.flower_url}/api/tasks", auth=login, params={"limit": 1000}).json()
        names = {str(task["name"]) for task in shown.values()}
        return names if any(not name.startswith("heartbeats.") for name in names) else set()

    names = eventually(tasks, "Flower shows no tasks")
    story.proved("Flower shows the tasks by name, behind a login", ", ".join(sorted(names)))


def _ready(world: World) -> dict[str, Any] | None:
    answer = world.call("GET", f"{world.api_url}/readyz")
    body: dict[str, Any] = answer.json()
    return body if body["status"] == "pass" else None


def _picture() -> bytes:
    """A small photo that nobody has uploaded before."""
    picture = Image.frombytes("RGB", (96, 64), secrets.token_bytes(96 * 64 * 3)).resize((960, 640))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=80)
    return file.getvalue()
