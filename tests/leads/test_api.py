"""Leads over HTTP."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.leads import service as leads
from shared.leads.service import NewLead
from shared.leads.states import ARROWS, LeadState, Move, allowed_from
from tests.checked_client import CheckedClient
from tests.factories.leads import make_lead
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.privacy.conftest import make_known
from tests.rows import footprint, row, rows

CLEO = {
    "name": "Cleo Park",
    "email": "cleo@lead.test",
    "phone": "+14035550123",
    "address": "12 Elm Street, Calgary",
    "postal_code": "T2P 1J9",
    "preferred_times": "Weekdays after 15:00",
    "notes": "Two cats",
    "inputs": {"bedrooms": 3, "area": "82.5"},
    "utm": {"source": "newsletter", "campaign": "spring"},
    "referral_code": "FRIEND-10",
}


def _post(client: CheckedClient, company: Company, path: str = "", body: Any = None) -> Any:
    return client.post(f"/v1/leads{path}", json=body, headers=company.headers())


def _state_of(lead_id: UUID) -> str:
    return str(row("SELECT state FROM leads WHERE id = :id", id=lead_id)["state"])


def test_a_lead_is_read_as_it_was_written(client: CheckedClient, company: Company) -> None:
    answer = _post(client, company, body=CLEO)
    assert answer.status_code == 201
    made = answer.get_json()
    assert {name: made[name] for name in CLEO} == CLEO
    assert (made["state"], made["allowed"]) == ("new", ["contact", "quote", "lose"])
    assert (made["source"], made["captcha"]) == ("staff", "staff")
    assert client.get(f"/v1/leads/{made['id']}", headers=company.headers()).get_json() == made
    assert client.get("/v1/leads", headers=company.headers()).get_json()["data"] == [made]


def test_the_same_idempotency_key_makes_one_lead(client: CheckedClient, company: Company) -> None:
    headers = company.headers() | {"Idempotency-Key": "lead-1"}
    first, again = (client.post("/v1/leads", json=CLEO, headers=headers) for _ in range(2))
    assert again.get_json() == first.get_json()
    assert row("SELECT count(*) AS n FROM leads")["n"] == 1


def test_the_person_is_told_by_mail_and_other_systems_by_an_export(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    made = _post(client, company, body=CLEO).get_json()
    mail = row("SELECT * FROM messages WHERE org_id = :org", org=company.org_id)
    assert (mail["kind"], mail["recipient"]) == ("request_received", "cleo@lead.test")
    assert str(mail["resource_id"]) == made["id"]
    assert "messages.send" in [name for name, _ in jobs.enqueued()]
    export = row("SELECT * FROM exports WHERE org_id = :org", org=company.org_id)
    assert (export["event"], str(export["resource_id"])) == ("lead.created", made["id"])
    assert {name: export["payload"][name] for name in CLEO} == CLEO
    assert "org_id" not in export["payload"]


def test_what_a_stranger_typed_is_in_no_mail(company: Company) -> None:
    make_lead(company, name="Buy at spam.test", notes="spam.test", address="spam.test", preferred_times="spam.test")
    mail = row("SELECT variables FROM messages WHERE org_id = :org", org=company.org_id)
    assert mail["variables"] == {"title": None}


def test_a_quote_names_an_estimate_and_the_mail_a_service(client: CheckedClient, company: Company) -> None:
    make_known(company)
    service, estimate = (rows(f"SELECT id FROM {table}")[0]["id"] for table in ("services", "estimates"))
    made = _post(client, company, body=CLEO | {"phone": None, "service_id": str(service)}).get_json()
    mail = row("SELECT variables FROM messages WHERE resource_id = :id", id=made["id"])
    assert mail["variables"] == {"title": "Deep cleaning"}
    for _ in range(2):
        quoted = _post(client, company, f"/{made['id']}/quote", {"estimate_id": str(estimate)})
        assert (quoted.status_code, quoted.get_json()["state"]) == (200, "quoted")
        assert quoted.get_json()["estimate_id"] == str(estimate)


def test_without_an_address_there_is_no_mail(client: CheckedClient, company: Company) -> None:
    assert _post(client, company, body={"name": "Cleo", "email": None, "phone": "+1 403 555 0123"}).status_code == 201
    assert rows("SELECT id FROM messages WHERE org_id = :org", org=company.org_id) == []


def test_the_audit_log_holds_no_values(client: CheckedClient, company: Company) -> None:
    made = _post(client, company, body=CLEO).get_json()
    client.patch(f"/v1/leads/{made['id']}", json={"name": "Cleo Berg", "notes": ""}, headers=company.headers())
    _post(client, company, f"/{made['id']}/lose", {"reason": "Cleo moves away"})
    found = rows("SELECT action, before, after FROM audit_entries WHERE resource = 'leads' ORDER BY id")
    assert [(entry["action"], entry["before"], entry["after"]) for entry in found] == [
        ("leads.create", {}, {"source": "staff"}),
        ("leads.change", {}, {"fields": ["name", "notes"]}),
        ("leads.lose", {"state": "new"}, {"state": "lost"}),
    ]


@pytest.mark.parametrize(
    ("changes", "code", "pointer"),
    [
        ({"email": None, "phone": None}, "leads.unreachable", "/email"),
        ({"service_id": str(uuid4())}, "leads.unknown_service", "/service_id"),
        ({"estimate_id": str(uuid4())}, "leads.unknown_estimate", "/estimate_id"),
        ({"name": ""}, "request.invalid", "/name"),
        ({"phone": "0301234"}, "request.invalid", "/phone"),
        ({"email": "cleo"}, "request.invalid", "/email"),
        ({"postal_code": "?"}, "request.invalid", "/postal_code"),
        ({"preferred_times": "x" * 1_001}, "request.invalid", "/preferred_times"),
        ({"notes": "x" * 10_001}, "request.invalid", "/notes"),
        ({"inputs": {"rooms": 2.5}}, "request.invalid", "/inputs/rooms"),
        ({"inputs": {"rooms": True}}, "request.invalid", "/inputs/rooms"),
        ({"inputs": {"rooms": None}}, "request.invalid", "/inputs/rooms"),
        ({"inputs": {"rooms": [1]}}, "request.invalid", "/inputs/rooms"),
        ({"inputs": {"rooms": 10**10}}, "request.invalid", "/inputs/rooms"),
        ({"inputs": {"rooms": "x" * 501}}, "request.invalid", "/inputs/rooms"),
        ({"inputs": {f"r{n}": 1 for n in range(51)}}, "request.invalid", "/inputs"),
        ({"inputs": "rooms"}, "request.invalid", "/inputs"),
        ({"utm": {"sauce": "x"}}, "request.invalid", "/utm/sauce"),
        ({"utm": {"source": "x" * 201}}, "request.invalid", "/utm/source"),
        ({"referral_code": "a\nb"}, "request.invalid", "/referral_code"),
        ({"source": "public"}, "request.invalid", "/source"),
        ({"state": "won"}, "request.invalid", "/state"),
    ],
)
def test_a_wrong_field_is_refused_and_leaves_nothing(
    client: CheckedClient, company: Company, changes: dict[str, Any], code: str, pointer: str
) -> None:
    company.headers()
    before = footprint(company.org_id)
    answer = _post(client, company, body=CLEO | changes)
    assert (answer.status_code, answer.get_json()["code"]) == (422, code)
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]
    assert footprint(company.org_id) == before


def test_a_change_replaces_what_is_given(client: CheckedClient, company: Company) -> None:
    made = _post(client, company, body=CLEO).get_json()
    changes = {"inputs": {"bathrooms": 2}, "phone": None, "notes": "Three cats"}
    changed = client.patch(f"/v1/leads/{made['id']}", json=changes, headers=company.headers()).get_json()
    assert changed == made | changes | {"updated_at": changed["updated_at"]}
    refused = client.patch(f"/v1/leads/{made['id']}", json={"email": None}, headers=company.headers())
    assert (refused.status_code, refused.get_json()["code"]) == (422, "leads.unreachable")


def test_the_table_allows_what_the_drawing_shows() -> None:
    assert {state: allowed_from(state) for state in LeadState} == {
        "new": ["contact", "quote", "lose"],
        "contacted": ["quote", "lose"],
        "quoted": ["quote", "lose"],
        "won": [],
        "lost": [],
    }
    assert set(ARROWS[Move.WIN]) == set(LeadState)


def test_a_contact_is_noted_with_its_time(client: CheckedClient, company: Company) -> None:
    answer = _post(client, company, f"/{make_lead(company)}/contact")
    assert (answer.status_code, answer.get_json()["state"]) == (200, "contacted")
    assert answer.get_json()["contacted_at"] is not None


@pytest.mark.parametrize("path", ["contact", "quote", "lose"])
@pytest.mark.parametrize("state", ["won", "lost"])
def test_what_is_over_is_refused_and_says_what_is_allowed(
    client: CheckedClient, company: Company, path: str, state: str
) -> None:
    lead_id = make_lead(company)
    with transaction(company.scope) as session:
        if state == "won":
            leads.win(session, company.owner, lead_id, company.client_id, now=datetime.now(UTC))
        else:
            leads.lose(session, company.owner, lead_id, reason="x", now=datetime.now(UTC))
    before = footprint(company.org_id)["leads"]
    body = {"contact": None, "quote": {"estimate_id": str(uuid4())}, "lose": {"reason": "y"}}[path]
    answer = _post(client, company, f"/{lead_id}/{path}", body)
    if path != "quote":
        assert answer.status_code == 409
        assert (answer.get_json()["code"], answer.get_json()["state"]) == ("leads.wrong_state", state)
        assert answer.get_json()["allowed"] == []
    else:
        assert answer.status_code == 422
    assert footprint(company.org_id)["leads"] == before


def test_an_order_wins_a_lead_in_any_state_and_again_changes_nothing(company: Company) -> None:
    new, lost = make_lead(company), make_lead(company)
    now = datetime.now(UTC)
    with transaction(company.scope) as session:
        leads.lose(session, company.owner, lost, reason="Too expensive", now=now)
    for lead_id in (new, lost):
        with transaction(company.scope) as session:
            won = leads.win(session, company.owner, lead_id, company.client_id, now=now)
        assert (won.state, won.client_id, won.lost_reason) == ("won", company.client_id, None)
    before = footprint(company.org_id)
    with transaction(company.scope) as session:
        leads.win(session, company.owner, new, uuid4(), now=now)
    assert footprint(company.org_id) == before


def test_filters_pick_states_and_times(client: CheckedClient, company: Company) -> None:
    first, second, third = (make_lead(company, name=name) for name in ("A", "B", "C"))
    _post(client, company, f"/{second}/contact")
    _post(client, company, f"/{third}/lose", {"reason": "x"})

    def found(query: str) -> list[str]:
        answer = client.get(f"/v1/leads?{query}", headers=company.headers())
        assert answer.status_code == 200
        return [each["name"] for each in answer.get_json()["data"]]

    soon = (datetime.now(UTC) + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    ago = (datetime.now(UTC) - timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert found("status=new") == ["A"]
    assert found("status=new,lost") == ["C", "A"]
    assert found(f"created_from={ago}&created_to={soon}") == ["C", "B", "A"]
    assert found(f"created_from={soon}") == found(f"created_to={ago}") == []
    assert _state_of(first) == "new"
    assert client.get("/v1/leads?status=old", headers=company.headers()).status_code == 400


def test_pages_hold_each_once(client: CheckedClient, company: Company) -> None:
    made = [str(make_lead(company)) for _ in range(5)]
    seen: list[str] = []
    url = "/v1/leads?limit=2"
    while url:
        answer = client.get(url, headers=company.headers())
        seen += [each["id"] for each in answer.get_json()["data"]]
        url = answer.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert seen == made[::-1]


def test_another_organizations_lead_does_not_exist(client: CheckedClient, company: Company, neighbour: Company) -> None:
    lead_id = make_lead(neighbour)
    before = footprint(neighbour.org_id)
    answers = [
        client.get(f"/v1/leads/{lead_id}", headers=company.headers()),
        client.patch(f"/v1/leads/{lead_id}", json={"name": "Mine"}, headers=company.headers()),
        _post(client, company, f"/{lead_id}/contact"),
        _post(client, company, f"/{lead_id}/lose", {"reason": "x"}),
        _post(client, company, f"/{lead_id}/quote", {"estimate_id": str(uuid4())}),
    ]
    assert {(answer.status_code, answer.get_json()["code"]) for answer in answers} == {(404, "leads.not_found")}
    assert footprint(neighbour.org_id) == before


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_who_only_reads_changes_nothing(client: CheckedClient, company: Company, role: Role) -> None:
    lead_id = make_lead(company)
    headers = company.headers(role)
    assert client.get("/v1/leads", headers=headers).status_code == 200
    before = footprint(company.org_id)["leads"]
    for path, body in (("", CLEO), (f"/{lead_id}/contact", None), (f"/{lead_id}/lose", {"reason": "x"})):
        assert client.post(f"/v1/leads{path}", json=body, headers=headers).status_code == 403
    assert footprint(company.org_id)["leads"] == before


def test_whoever_asks_again_and_again_gets_one_mail(client: CheckedClient, company: Company) -> None:
    """Somebody could ask in another person's name to fill their mailbox."""
    made_at = datetime(2026, 11, 26, 12, 5, tzinfo=UTC)
    cleo, other = "cleo@lead.test", "other@lead.test"
    for minutes, email in ((0, cleo), (40, cleo.upper()), (50, other), (60, cleo)):
        with transaction(company.scope) as session:
            wanted = NewLead(name="Cleo Park", email=email)
            now = made_at + timedelta(minutes=minutes)
            leads.create(session, company.owner, wanted, source="public", captcha="off", now=now)
    found = rows("SELECT recipient, created_at FROM messages WHERE kind = 'request_received' ORDER BY created_at")
    assert [(each["recipient"], (each["created_at"] - made_at) // timedelta(minutes=1)) for each in found] == [
        (cleo, 0),
        (other, 50),
        (cleo, 60),
    ]
