"""`demo seed`: a company to try things with, which can be booked at once."""

import json
import secrets
from typing import Any

from tests.checked_client import CheckedClient
from tests.rows import footprint, row

from .conftest import Command

DOOR = "/v1/public/demo"


def _seed(command: Command) -> Any:
    done = command("demo", "seed", "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_a_stranger_can_book_the_demo_company_at_once(command: Command, client: CheckedClient) -> None:
    _seed(command)
    services = {service["key"]: service["id"] for service in client.get(DOOR).get_json()["services"]}
    assert services.keys() == {"home_cleaning", "window_cleaning"}

    wanted = {"service_id": services["home_cleaning"], "inputs": {"bedrooms": 3}}
    estimate = client.post(f"{DOOR}/estimates", json=wanted).get_json()
    assert (estimate["total"], estimate["minutes"]) == ({"amount": 13650, "currency": "cad"}, 120)  # (80 + 50) + 5 %
    asked = {"estimate_id": estimate["id"], "postal_code": "T2P 1J9"}
    slots = client.get(f"{DOOR}/slots", query_string=asked).get_json()["data"]
    assert slots

    booking = {
        "estimate_id": estimate["id"],
        "scheduled_start": slots[0]["start"],
        "name": "Clara Field",
        "email": "clara@client.test",
        "address": "12 Elm Street, Calgary",
        "postal_code": "T2P 1J9",
    }
    booked = client.post(f"{DOOR}/orders", json=booking)
    assert booked.status_code == 201
    assert booked.get_json()["state"] == "pending"


def test_the_worker_has_their_account_and_a_team(command: Command) -> None:
    _seed(command)
    found = row(
        "SELECT workers.name, teams.name AS team FROM workers JOIN users ON users.id = workers.user_id"
        " JOIN teams ON teams.id = workers.team_id JOIN organizations o ON o.id = workers.org_id WHERE o.slug = 'demo'"
    )
    assert found == {"name": "Wanda Worker", "team": "Calgary"}


def test_seeding_again_changes_nothing(command: Command) -> None:
    first = _seed(command)
    org_id = row("SELECT id FROM organizations WHERE slug = 'demo'")["id"]
    before = footprint(org_id)
    assert _seed(command) == first
    assert footprint(org_id) == before


def test_it_is_refused_in_production(command: Command) -> None:
    names = ("AUTH_SECRET_KEY", "ORDER_PHOTO_SIGNING_SECRET")
    strong = {name: secrets.token_hex(32) for name in names}
    done = command("demo", "seed", ENVIRONMENT="production", **strong)
    assert done.returncode == 1, done.stdout + done.stderr
    assert "do not belong into production" in done.stderr
