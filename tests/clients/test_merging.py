"""Two clients who are one."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.core.transaction import transaction
from shared.leads import service as leads
from tests.checked_client import CheckedClient
from tests.factories.clients import make_address, make_client
from tests.factories.leads import make_lead
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.rows import footprint, row, rows


def _merge(client: CheckedClient, company: Company, kept: UUID, gone: UUID) -> Any:
    return client.post(f"/v1/clients/{kept}/merge", json={"client_id": str(gone)}, headers=company.headers())


def _get(client: CheckedClient, company: Company, client_id: UUID) -> Any:
    return client.get(f"/v1/clients/{client_id}", headers=company.headers()).get_json()


def test_everything_moves_to_the_one_that_stays(client: CheckedClient, company: Company) -> None:
    kept, gone = company.client_id, make_client(company)
    order_id, address_id = make_order(company, client_id=gone), make_address(company, gone)
    lead_id = make_lead(company)
    with transaction(company.scope) as session:
        leads.win(session, company.owner, lead_id, gone, now=datetime.now(UTC))
    assert _merge(client, company, kept, gone).status_code == 200
    for table, id_ in (("orders", order_id), ("client_addresses", address_id), ("leads", lead_id)):
        assert row(f"SELECT client_id FROM {table} WHERE id = :id", id=id_)["client_id"] == kept, table
    assert row("SELECT version FROM orders WHERE id = :id", id=order_id)["version"] == 2


def test_leads_of_nobody_with_the_lost_address_or_number_move_too(client: CheckedClient, company: Company) -> None:
    gone = make_client(company, email="bo@client.test", phone="+14035550123")
    by_email = make_lead(company, email="BO@client.test", phone=None)
    by_phone = make_lead(company, email="x@lead.test", phone="+14035550123")
    other = make_lead(company)
    _merge(client, company, company.client_id, gone)
    found = {each["id"] for each in rows("SELECT id FROM leads WHERE client_id = :id", id=company.client_id)}
    assert found == {by_email, by_phone}
    assert row("SELECT client_id FROM leads WHERE id = :id", id=other)["client_id"] is None


def test_what_is_known_is_kept_and_gaps_are_filled(client: CheckedClient, company: Company) -> None:
    kept = make_client(company, name="Bo Lund", email="bo@client.test", phone=None, notes="Two cats", access_notes="A")
    gone = make_client(
        company,
        name="B. Lund",
        email="lund@client.test",
        phone="+14035550123",
        notes="One dog",
        access_notes="B",
        marketing_consent=True,
    )
    merged = _merge(client, company, kept, gone).get_json()
    assert (merged["name"], merged["email"], merged["phone"]) == ("Bo Lund", "bo@client.test", "+14035550123")
    assert merged["notes"] == "Two cats\n\nOne dog\n\nAlso known as: B. Lund, lund@client.test."
    assert merged["access_notes"] == "A\n\nB"
    assert merged["marketing_consent"] is False
    assert _get(client, company, kept) == merged


def test_the_other_one_names_where_it_went_and_is_not_listed(client: CheckedClient, company: Company) -> None:
    kept, gone = company.client_id, make_client(company, name="Bo Lund", email="bo@client.test")
    _merge(client, company, kept, gone)
    seen = _get(client, company, gone)
    assert (seen["merged_into_id"], seen["email"], seen["phone"], seen["notes"]) == (str(kept), None, None, "")
    listed = client.get("/v1/clients", headers=company.headers()).get_json()["data"]
    assert [each["id"] for each in listed] == [str(kept)]
    found = client.get("/v1/clients?q=bo", headers=company.headers()).get_json()["data"]
    assert found == []
    refused = client.patch(f"/v1/clients/{gone}", json={"name": "X"}, headers=company.headers())
    assert (refused.status_code, refused.get_json()["code"]) == (409, "clients.merged")
    assert refused.get_json()["merged_into_id"] == str(kept)


def test_the_number_that_filled_a_gap_is_found(client: CheckedClient, company: Company) -> None:
    gone = make_client(company, name="Bo Lund", email=None, phone="+14035550123")
    _merge(client, company, company.client_id, gone)
    found = client.get("/v1/clients?q=555%200123", headers=company.headers()).get_json()["data"]
    assert [each["id"] for each in found] == [str(company.client_id)]


def test_a_chain_of_merges_ends_at_the_last_one(client: CheckedClient, company: Company) -> None:
    first, second, third = (make_client(company) for _ in range(3))
    assert _merge(client, company, second, first).status_code == 200
    assert _merge(client, company, third, second).status_code == 200
    assert _get(client, company, first)["merged_into_id"] == str(third)


def test_both_are_audited_with_the_other_one(client: CheckedClient, company: Company) -> None:
    gone = make_client(company)
    _merge(client, company, company.client_id, gone)
    entries = rows("SELECT resource_id, after FROM audit_entries WHERE action = 'clients.merge' ORDER BY id")
    assert [(entry["resource_id"], entry["after"]) for entry in entries] == [
        (company.client_id, {"merged_client_id": str(gone)}),
        (gone, {"merged_into_id": str(company.client_id)}),
    ]


@pytest.mark.parametrize("case", ["itself", "merged", "into merged", "unknown", "foreign", "not here"])
def test_a_merge_that_cannot_be_changes_nothing(
    client: CheckedClient, company: Company, neighbour: Company, case: str
) -> None:
    mine, merged = company.client_id, make_client(company)
    _merge(client, company, mine, merged)
    kept, gone, status, code = {
        "itself": (mine, mine, 409, "clients.merge_with_itself"),
        "merged": (mine, merged, 409, "clients.merged"),
        "into merged": (merged, mine, 409, "clients.merged"),
        "unknown": (mine, uuid4(), 422, "clients.unknown_client"),
        "foreign": (mine, neighbour.client_id, 422, "clients.unknown_client"),
        "not here": (neighbour.client_id, mine, 404, "clients.not_found"),
    }[case]
    before = footprint(company.org_id), footprint(neighbour.org_id)
    answer = _merge(client, company, kept, gone)
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert (footprint(company.org_id), footprint(neighbour.org_id)) == before
