"""Placing an order on an estimate, a team, workers, a lead; deposits and holds."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import update

from shared.core.errors import Invalid
from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.orders.placing import place
from shared.orders.terms import NewOrder
from shared.organizations import settings
from shared.organizations.model import Organization
from tests.checked_client import CheckedClient
from tests.factories.catalog import make_estimate, make_service
from tests.factories.crews import make_team, make_worker
from tests.factories.leads import make_lead
from tests.factories.orders import make_order, order_body
from tests.factories.organizations import Company
from tests.orders.steps import change_row, let_the_hold_run_out
from tests.rows import footprint, row, rows

START = (datetime.now(UTC) + timedelta(days=3)).replace(microsecond=0)


def change_company(company: Company, **values: Any) -> None:
    """Change the company's policies, as its owner would."""
    with transaction(company.scope) as session:
        session.execute(update(Organization).where(Organization.id == company.org_id).values(**values))


def _body(company: Company, **changes: Any) -> dict[str, Any]:
    """The JSON of an order on an estimate."""
    body = {"client_id": company.client_id, "address": "12 Elm Street", "scheduled_start": START.isoformat()}
    return {name: value if isinstance(value, list) else str(value) for name, value in (body | changes).items()}


def _place(client: CheckedClient, company: Company, **changes: Any) -> Any:
    return client.post("/v1/orders", json=_body(company, **changes), headers=company.headers())


def test_an_order_has_the_price_the_length_and_the_name_of_its_estimate(
    client: CheckedClient, company: Company
) -> None:
    estimate_id = make_estimate(company)
    estimate = row("SELECT * FROM estimates WHERE id = :id", id=estimate_id)
    placed = _place(client, company, estimate_id=estimate_id).get_json()
    assert placed["total"] == {"amount": estimate["total_amount"], "currency": "cad"}
    assert placed["lines"] == estimate["lines"]
    assert placed["service_id"] == str(estimate["service_id"])
    assert placed["title"] == "Home cleaning"
    end = START + timedelta(minutes=estimate["minutes"])
    assert datetime.fromisoformat(placed["scheduled_end"]) == end
    assert row("SELECT blocked_until FROM orders")["blocked_until"] == end + timedelta(minutes=30)


def test_the_service_of_an_order_is_that_of_its_estimate(client: CheckedClient, company: Company) -> None:
    estimate_id = make_estimate(company)
    its = row("SELECT service_id FROM estimates WHERE id = :id", id=estimate_id)["service_id"]
    assert _place(client, company, estimate_id=estimate_id, service_id=its).get_json()["service_id"] == str(its)
    another = make_service(company, "windows")
    refused = _place(client, company, estimate_id=estimate_id, service_id=another)
    assert (refused.status_code, refused.get_json()["code"]) == (422, "orders.bad_price")
    assert refused.get_json()["errors"][0]["pointer"] == "/service_id"


def test_an_estimate_and_a_total_are_one_too_many(client: CheckedClient, company: Company) -> None:
    body = order_body(company, estimate_id=str(make_estimate(company)))
    answer = client.post("/v1/orders", json=body, headers=company.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (422, "orders.bad_price")


def test_the_service_of_an_order_on_an_estimate_is_the_estimates(client: CheckedClient, company: Company) -> None:
    estimate_id, other = make_estimate(company), make_service(company, key="windows")
    own = row("SELECT service_id FROM estimates WHERE id = :id", id=estimate_id)["service_id"]
    assert _place(client, company, estimate_id=estimate_id, service_id=own).status_code == 201
    answer = _place(client, company, estimate_id=estimate_id, service_id=other)
    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, "/service_id")


@pytest.mark.parametrize("missing", ["title", "scheduled_end", "total"])
def test_without_an_estimate_staff_name_price_title_and_end(
    client: CheckedClient, company: Company, missing: str
) -> None:
    body = order_body(company)
    del body[missing]
    answer = client.post("/v1/orders", json=body, headers=company.headers())
    pointer = "/estimate_id" if missing == "total" else f"/{missing}"
    assert (answer.status_code, answer.get_json()["code"]) == (422, "orders.bad_price")
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_an_estimate_is_good_until_it_expires(company: Company) -> None:
    estimate_id = make_estimate(company)
    copied = row("SELECT * FROM estimates WHERE id = :id", id=estimate_id)
    assert copied["valid_until"] - copied["created_at"] == timedelta(days=14)
    answer = _place_at(company, estimate_id, copied["valid_until"])
    assert (answer.code, answer.errors[0]["pointer"]) == ("orders.estimate_expired", "/estimate_id")
    assert _place_at(company, estimate_id, copied["valid_until"] - timedelta(seconds=1)).state == "pending"


def _place_at(company: Company, estimate_id: Any, now: datetime) -> Any:
    wanted = NewOrder(
        client_id=company.client_id,
        address="12 Elm Street",
        scheduled_start=now + timedelta(days=1),
        estimate_id=estimate_id,
    )
    try:
        with transaction(company.scope) as session:
            return place(session, company.owner, wanted, now=now)
    except Invalid as refusal:
        return refusal


@pytest.mark.parametrize("name", ["estimate_id", "service_id", "team_id", "lead_id", "client_id"])
def test_what_belongs_to_another_company_is_as_unknown_as_what_nobody_has(
    client: CheckedClient, company: Company, neighbour: Company, name: str
) -> None:
    makers = {
        "estimate_id": make_estimate,
        "service_id": make_service,
        "team_id": make_team,
        "lead_id": make_lead,
        "client_id": lambda each: each.client_id,
    }
    theirs, estimate_id = makers[name](neighbour), make_estimate(company)
    company.headers()
    before = footprint(company.org_id), footprint(neighbour.org_id)
    said = []
    for value in (theirs, uuid4()):
        if name == "service_id":
            body = order_body(company, service_id=str(value))
            answer = client.post("/v1/orders", json=body, headers=company.headers())
        else:
            answer = _place(client, company, **{"estimate_id": estimate_id, name: value})
        problem = answer.get_json()
        assert (answer.status_code, problem["code"]) == (422, f"orders.unknown_{name.removesuffix('_id')}")
        assert [error["pointer"] for error in problem["errors"]] == [f"/{name}"]
        said.append(problem["detail"])
    assert said[0] == said[1]
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before


def test_a_foreign_worker_is_pointed_at_and_nothing_is_placed(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    mine, theirs, estimate_id = make_worker(company), make_worker(neighbour), make_estimate(company)
    company.headers()
    before = footprint(company.org_id)
    answer = _place(client, company, estimate_id=estimate_id, worker_ids=[str(mine), str(theirs)])
    assert (answer.status_code, answer.get_json()["code"]) == (422, "orders.unknown_worker")
    assert answer.get_json()["errors"][0]["pointer"] == "/worker_ids/1"
    assert footprint(company.org_id) == before


def test_an_order_wins_the_lead_that_it_names(client: CheckedClient, company: Company) -> None:
    lead_id = make_lead(company)
    placed = _place(client, company, estimate_id=make_estimate(company), lead_id=lead_id).get_json()
    lead = row("SELECT state, client_id FROM leads WHERE id = :id", id=lead_id)
    assert (lead["state"], lead["client_id"], placed["lead_id"]) == ("won", company.client_id, str(lead_id))


def test_a_needed_deposit_holds_the_order_and_its_payment_confirms_it(client: CheckedClient, company: Company) -> None:
    change_company(company, deposit_policy=settings.DEPOSIT_POLICY | {"required_for": ["first_order", "heavy_service"]})
    placed = client.post("/v1/orders", json=order_body(company), headers=company.headers()).get_json()
    assert placed["deposit"] == {"amount": 3225, "currency": "cad"}
    assert placed["deposit_reasons"] == ["first_order"]
    created, hold = (datetime.fromisoformat(placed[name]) for name in ("created_at", "hold_until"))
    assert hold - created == timedelta(minutes=30)
    again = client.post("/v1/orders", json=order_body(company), headers=company.headers()).get_json()
    assert again["deposit_reasons"] == ["first_order"], "an order that nobody has promised makes no customer"
    client.post(f"/v1/orders/{again['id']}/confirm", headers=company.headers())
    third = client.post("/v1/orders", json=order_body(company), headers=company.headers()).get_json()
    assert (third["deposit"]["amount"], third["hold_until"]) == (0, None)


def test_a_hold_that_runs_out_gives_the_time_back(client: CheckedClient, company: Company) -> None:
    change_company(company, deposit_policy=settings.DEPOSIT_POLICY | {"required_for": ["always"]})
    team_id = make_team(company)
    order_id = make_order(company, team_id=team_id)
    again = order_body(company, team_id=str(team_id))
    assert client.post("/v1/orders", json=again, headers=company.headers()).status_code == 409
    assert let_the_hold_run_out(company, order_id) == {"expired": 1, "kept": 0}
    expired = row("SELECT state, refund_due_amount FROM orders WHERE id = :id", id=order_id)
    assert (expired["state"], expired["refund_due_amount"]) == ("cancelled", 0)
    assert client.post("/v1/orders", json=again, headers=company.headers()).status_code == 201


def test_a_hold_of_which_a_part_is_paid_is_left_to_staff(company: Company) -> None:
    change_company(company, deposit_policy=settings.DEPOSIT_POLICY | {"required_for": ["always"]})
    order_id = make_order(company)
    change_row(company, order_id, paid_amount=1)
    assert let_the_hold_run_out(company, order_id) == {"expired": 0, "kept": 1}
    kept = row("SELECT state, hold_until FROM orders WHERE id = :id", id=order_id)
    assert (kept["state"], kept["hold_until"]) == ("pending", None)


def test_a_visit_is_24_hours_long_at_most(client: CheckedClient, company: Company) -> None:
    for minutes, status in ((24 * 60, 201), (24 * 60 + 1, 422), (25 * 60, 422), (0, 422)):
        body = order_body(
            company, scheduled_start=START.isoformat(), scheduled_end=(START + timedelta(minutes=minutes)).isoformat()
        )
        assert client.post("/v1/orders", json=body, headers=company.headers()).status_code == status


@pytest.mark.parametrize(
    "text", ["שלום עולם", "مرحبا بالعالم", "Łódź, ul. Świętej 1", "東京都千代田区", "👩‍🔧 flat 3", "\u202ereversed"]
)
def test_words_of_every_script_come_back_as_they_were(client: CheckedClient, company: Company, text: str) -> None:
    body = order_body(company, title=text, address=text, notes=text * 100)
    placed = client.post("/v1/orders", json=body, headers=company.headers()).get_json()
    assert (placed["title"], placed["address"], placed["notes"]) == (text, text, text * 100)


def test_keys_and_alarms_are_for_dispatch_alone(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company, access_notes="Alarm 4711")
    for role, seen in {
        Role.OWNER: "Alarm 4711",
        Role.ADMIN: "Alarm 4711",
        Role.DISPATCHER: "Alarm 4711",
        Role.FINANCE: None,
        Role.VIEWER: None,
    }.items():
        headers = company.headers(role)
        assert client.get(f"/v1/orders/{order_id}", headers=headers).get_json()["access_notes"] == seen
        (listed,) = client.get("/v1/orders", headers=headers).get_json()["data"]
        assert listed["access_notes"] == seen
    assert "4711" not in str(rows("SELECT payload FROM exports") + rows("SELECT before, after FROM audit_entries"))


@pytest.mark.parametrize("verb", ["", "/convert"])
def test_the_alternatives_to_a_lead_that_is_converted_are_as_long_as_its_estimate(
    client: CheckedClient, company: Company, verb: str
) -> None:
    team_id, estimate_id = make_team(company), make_estimate(company)
    lead_id = make_lead(company, estimate_id=estimate_id, address="12 Elm Street")
    minutes = row("SELECT minutes FROM estimates WHERE id = :id", id=estimate_id)["minutes"]
    make_order(
        company, team_id=team_id, scheduled_start=START, scheduled_end=START + timedelta(minutes=minutes), title="First"
    )
    body = {"scheduled_start": START.isoformat(), "team_id": str(team_id)}
    if not verb:
        answer = _place(client, company, estimate_id=estimate_id, team_id=team_id)
    else:
        answer = client.post(f"/v1/leads/{lead_id}/convert", json=body, headers=company.headers())
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (409, "orders.slot_taken")
    lengths = {
        datetime.fromisoformat(each["end"]) - datetime.fromisoformat(each["start"]) for each in problem["alternatives"]
    }
    assert lengths == {timedelta(minutes=minutes)}
    assert row("SELECT state FROM leads WHERE id = :id", id=lead_id)["state"] == "new"


def test_a_lead_is_converted_once_into_a_client_and_an_order(client: CheckedClient, company: Company) -> None:
    estimate_id = make_estimate(company)
    lead_id = make_lead(company, estimate_id=estimate_id, address="12 Elm Street", email=company.client_email)
    body = {"scheduled_start": START.isoformat()}
    made = client.post(f"/v1/leads/{lead_id}/convert", json=body, headers=company.headers())
    assert made.status_code == 201
    placed = made.get_json()
    assert (placed["client_id"], placed["address"], placed["lead_id"]) == (
        str(company.client_id),
        "12 Elm Street",
        str(lead_id),
    )
    assert row("SELECT state FROM leads WHERE id = :id", id=lead_id)["state"] == "won"
    again = client.post(f"/v1/leads/{lead_id}/convert", json=body, headers=company.headers())
    assert (again.status_code, again.get_json()["code"]) == (409, "leads.wrong_state")
    nowhere = make_lead(company, estimate_id=estimate_id, address="")
    refused = client.post(f"/v1/leads/{nowhere}/convert", json=body, headers=company.headers())
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (422, "/address")
