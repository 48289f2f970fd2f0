"""Forgetting a person: nothing of them is left, everything else is."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import JSON, Text, update

from shared import models
from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.messages.model import Message
from shared.orders.model import Order
from tests.checked_client import CheckedClient
from tests.factories.clients import make_client
from tests.factories.leads import make_lead
from tests.factories.messages import make_suppression
from tests.factories.order_photos import files_of, make_photo, path_of
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.privacy import make_client_export
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import deletes_of, let_time_pass, sweep, usage
from tests.privacy.conftest import EMAIL, NAME, PHONE, TRACES, Known, make_known
from tests.rows import TENANT_TABLES, footprint, row, rows


def _erase(client: CheckedClient, company: Company, client_id: UUID, **headers: str) -> Any:
    return client.post(f"/v1/clients/{client_id}/erase", json={"reason": "asked"}, headers=company.headers() | headers)


def _traces(company: Company) -> set[str]:
    """Every text and JSON column of the organization in which something of the person is written."""
    found = set()
    for table in TENANT_TABLES:
        for column in models.metadata.tables[table].columns:
            if isinstance(column.type, Text | JSON):
                sql = f"SELECT {column.name}::text AS said FROM {table} WHERE org_id = :org"
                said = " ".join(str(each["said"]).lower() for each in rows(sql, org=company.org_id))
                found |= {f"{table}.{column.name}" for trace in TRACES if trace in said}
    return found


def test_nothing_of_the_person_is_left_in_any_table(
    client: CheckedClient, company: Company, known: Known, jobs: JobsProbe
) -> None:
    _change_and_read(client, company, known)
    make_suppression(company, EMAIL, detail=f"{NAME} is not here any more")
    make_client_export(company, known.client_id)
    jobs.run(*next((name, given) for name, given in jobs.enqueued() if name == "privacy.collect"))
    assert _traces(company) >= {
        "client_addresses.address",
        "client_exports.bundle",
        "client_terms.term",
        "clients.email",
        "exports.payload",
        "idempotency_keys.body",
        "leads.inputs",
        "mail_suppressions.detail",
        "mail_suppressions.email",
        "messages.variables",
        "messages.recipient",
        "occurrences.detail",
        "order_history.details",
        "order_photos.caption",
        "orders.address",
        "orders.title",
        "recurrences.terms",
        "time_entries.overrun_reason",
    }
    answer = _erase(client, company, known.client_id)
    assert answer.status_code == 200, answer.get_data(as_text=True)
    assert _traces(company) == set()


def _change_and_read(client: CheckedClient, company: Company, known: Known) -> None:
    """What staff do with a client all day, so that the logs have been written."""
    headers = company.headers()
    client.patch(f"/v1/clients/{known.client_id}", json={"name": f"{NAME} Jr"}, headers=headers)
    client.patch(f"/v1/leads/{known.lead_id}", json={"address": "78 Zanzibar Street"}, headers=headers)
    place = {"address": "79 Zanzibar Street"}
    keyed = headers | {"Idempotency-Key": "place-1"}
    client.post(f"/v1/clients/{known.client_id}/addresses", json=place, headers=keyed)
    other = make_client(company, name="Q. Xylander", email="q@xylander.test")
    client.post(f"/v1/clients/{known.client_id}/merge", json={"client_id": str(other)}, headers=headers)
    lead = {"name": NAME, "email": EMAIL}
    client.post("/v1/leads", json=lead, headers=headers | {"Idempotency-Key": "lead-1"})
    off = make_order(company, client_id=known.client_id)
    words = {"reason": f"{NAME} broke a leg", "waive_fee_reason": f"Poor {NAME}"}
    assert client.post(f"/v1/orders/{off}/cancel", json=words, headers=headers).status_code == 200
    made = make_lead(company, name=NAME, email=EMAIL, phone=None)
    client.post(f"/v1/leads/{made}/lose", json={"reason": f"{NAME} has moved"}, headers=headers)


def test_the_money_stays(client: CheckedClient, company: Company, known: Known) -> None:
    _erase(client, company, known.client_id)
    order = row("SELECT * FROM orders WHERE id = :id", id=known.order_id)
    assert (order["total_amount"], order["paid_amount"], order["state"]) == (12900, 12900, "completed")
    assert (order["client_id"], order["title"], order["address"]) == (known.client_id, "Erased", "")
    assert row("SELECT amount FROM payments WHERE order_id = :id", id=known.order_id)["amount"] == 12900
    assert order["version"] == 2


def test_a_title_of_the_catalog_stays(client: CheckedClient, company: Company, known: Known) -> None:
    (service,) = rows("SELECT id, name FROM services WHERE org_id = :org", org=company.org_id)
    with transaction(company.scope) as session:
        mine = (Order.org_id == company.org_id, Order.id == known.order_id)
        session.execute(update(Order).where(*mine).values(service_id=service["id"], title=service["name"]))
    _erase(client, company, known.client_id)
    assert row("SELECT title FROM orders WHERE id = :id", id=known.order_id)["title"] == "Deep cleaning"


def test_recurrences_end_and_keep_their_amounts(client: CheckedClient, company: Company, known: Known) -> None:
    _erase(client, company, known.client_id)
    kept = row("SELECT state, terms FROM recurrences WHERE id = :id", id=known.recurrence_id)
    assert kept["state"] == "ended"
    assert kept["terms"] == {"title": "Erased", "address": "", "notes": "", "total_amount": 100}


def test_the_photos_are_deleted(client: CheckedClient, company: Company, known: Known, jobs: JobsProbe) -> None:
    waiting = {
        make_photo(company, known.order_id, state="uploading", due=timedelta(hours=1)).id: timedelta(hours=1),
        make_photo(company, known.order_id, state="processing", due=timedelta(minutes=5)).id: timedelta(minutes=5),
    }
    photo = make_photo(company, known.order_id)
    make_photo(company, known.order_id, state="uploaded", due=timedelta(seconds=30))
    make_photo(company, known.order_id, state="rejected", due=timedelta(days=1))
    before = datetime.now(UTC)
    _erase(client, company, known.client_id)
    shown = client.get(f"/v1/orders/{known.order_id}/photos", headers=company.headers()).get_json()
    assert shown["data"] == rows("SELECT 1 FROM order_photos WHERE org_id = :org", org=company.org_id) == []
    assert {"storage_deletes.purge"} <= set(jobs.drain())
    assert not path_of(company, photo).exists()
    left = deletes_of(company)
    assert {row["owner_id"] for row in left} == waiting.keys()
    for row_ in left:
        assert row_["next_attempt_at"] - before > waiting[row_["owner_id"]] - timedelta(seconds=1), "may still arrive"
    assert usage(company) == {"local": sum(file.stat().st_size for file in files_of(company))} != {}
    let_time_pass(company, timedelta(hours=1, minutes=1))
    sweep(jobs)
    assert (files_of(company), deletes_of(company), usage(company)) == ([], [], {})


def test_the_reason_for_a_photo_without_consent_goes_with_it(
    client: CheckedClient, company: Company, known: Known
) -> None:
    photo = make_photo(company, known.order_id)
    with transaction(company.scope) as session:
        session.merge(photo).consent_override = f"{NAME} said yes on the phone"
    assert "order_photos.consent_override" in _traces(company)
    _erase(client, company, known.client_id)
    assert "order_photos.consent_override" not in _traces(company)
    assert rows("SELECT 1 FROM order_photos WHERE id = :id", id=photo.id) == []


def test_what_has_not_gone_out_never_will(
    client: CheckedClient, company: Company, known: Known, jobs: JobsProbe
) -> None:
    jobs.enqueued()
    _erase(client, company, known.client_id)
    assert {each["state"] for each in rows("SELECT state FROM messages WHERE org_id = :org", org=company.org_id)} == {
        "dead"
    }
    assert {each["state"] for each in rows("SELECT state FROM exports WHERE org_id = :org", org=company.org_id)} == {
        "dead"
    }


def test_the_client_is_still_there_without_anything(client: CheckedClient, company: Company, known: Known) -> None:
    erased = _erase(client, company, known.client_id).get_json()
    seen = client.get(f"/v1/clients/{known.client_id}", headers=company.headers()).get_json()
    assert (seen["name"], seen["email"], seen["phone"], seen["notes"]) == ("Erased", None, None, "")
    assert seen["erased_at"] == erased["erased_at"]
    listed = client.get("/v1/clients", headers=company.headers()).get_json()["data"]
    assert [each["id"] for each in listed] == [str(company.client_id)]
    leads = client.get("/v1/leads", headers=company.headers()).get_json()["data"]
    assert leads == []
    for path, body in (("", {"name": "X"}), ("/addresses", {"address": "x"})):
        send = client.patch if not path else client.post
        refused = send(f"/v1/clients/{known.client_id}{path}", json=body, headers=company.headers())
        assert (refused.status_code, refused.get_json()["code"]) == (409, "clients.erased")
    moved = client.post(f"/v1/leads/{known.lead_id}/contact", headers=company.headers())
    assert (moved.status_code, moved.get_json()["code"]) == (409, "leads.erased")


def test_the_same_person_may_come_back(client: CheckedClient, company: Company, known: Known) -> None:
    _erase(client, company, known.client_id)
    body = {"name": NAME, "email": EMAIL, "phone": PHONE}
    assert client.post("/v1/clients", json=body, headers=company.headers()).status_code == 201


def test_erasing_again_changes_nothing(client: CheckedClient, company: Company, known: Known) -> None:
    first = _erase(client, company, known.client_id)
    before = footprint(company.org_id)
    again = _erase(client, company, known.client_id)
    assert (again.status_code, again.get_json()) == (200, first.get_json())
    assert footprint(company.org_id) == before


def test_who_was_merged_into_the_client_is_forgotten_too(client: CheckedClient, company: Company, known: Known) -> None:
    with transaction(company.scope) as session:
        about = update(Message).where(Message.org_id == company.org_id, Message.resource_id.is_(None))
        session.execute(about.values(resource_id=known.order_id))  # the address is lost, so it cannot tell
    client.post(
        f"/v1/clients/{company.client_id}/merge", json={"client_id": str(known.client_id)}, headers=company.headers()
    )
    refused = _erase(client, company, known.client_id)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "clients.merged")
    assert _erase(client, company, company.client_id).status_code == 200
    assert _traces(company) == set()


@pytest.mark.parametrize("state", ["pending", "confirmed", "in_progress"])
def test_open_orders_come_first(client: CheckedClient, company: Company, state: str) -> None:
    known = make_known(company, order_state=state)
    company.headers()
    before = footprint(company.org_id)
    refused = _erase(client, company, known.client_id)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "privacy.open_orders")
    assert refused.get_json()["orders"] == [1001]
    assert footprint(company.org_id) == before


def test_others_are_left_alone(client: CheckedClient, company: Company, neighbour: Company, known: Known) -> None:
    make_known(neighbour)
    other = make_client(company, name="Bo Lund", email="bo@client.test")
    theirs = make_lead(company, name="Bo Lund", email="else@lead.test", phone=None)
    kept = "SELECT * FROM {} WHERE id = :id"
    before = footprint(neighbour.org_id), row(kept.format("clients"), id=other), row(kept.format("leads"), id=theirs)
    assert _erase(client, company, known.client_id).status_code == 200
    after = footprint(neighbour.org_id), row(kept.format("clients"), id=other), row(kept.format("leads"), id=theirs)
    assert after == before
    mails = rows("SELECT state FROM messages WHERE resource_id = :id", id=theirs)
    assert [mail["state"] for mail in mails] == ["queued"]


def test_a_mail_to_an_account_with_the_same_address_stays(
    client: CheckedClient, company: Company, known: Known
) -> None:
    body = {"email": EMAIL, "name": "Somebody", "role": "viewer"}
    client.post("/v1/iam/users", json=body, headers=company.headers())
    _erase(client, company, known.client_id)
    mails = rows("SELECT recipient FROM messages WHERE kind = 'account_created' AND org_id = :o", o=company.org_id)
    assert [mail["recipient"] for mail in mails] == [EMAIL]


def test_the_audit_log_says_who_forgot_whom_and_why(client: CheckedClient, company: Company, known: Known) -> None:
    _erase(client, company, known.client_id)
    entry = row("SELECT * FROM audit_entries WHERE action = 'clients.erase'")
    assert (entry["resource_id"], entry["actor_id"]) == (known.client_id, company.owner.user_id)
    assert entry["after"] == {"reason": "asked", "leads": 3, "photos": 1}


@pytest.mark.parametrize("body", [{}, {"reason": ""}, {"reason": f"{NAME} asked"}, {"reason": "asked", "force": True}])
def test_a_reason_in_free_text_is_refused(
    client: CheckedClient, company: Company, known: Known, body: dict[str, Any]
) -> None:
    company.headers()
    before = footprint(company.org_id)
    answer = client.post(f"/v1/clients/{known.client_id}/erase", json=body, headers=company.headers())
    assert answer.status_code == 422
    assert footprint(company.org_id) == before


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.FINANCE, Role.VIEWER])
def test_only_administrators_forget_people(client: CheckedClient, company: Company, known: Known, role: Role) -> None:
    headers = company.headers(role)
    before = footprint(company.org_id)
    for path, body in (("erase", {"reason": "asked"}), ("export", None)):
        answer = client.post(f"/v1/clients/{known.client_id}/{path}", json=body, headers=headers)
        assert answer.status_code == 403
    assert footprint(company.org_id) == before


def test_another_organizations_client_does_not_exist(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    for client_id in (neighbour.client_id, uuid4()):
        answer = _erase(client, company, client_id)
        assert (answer.status_code, answer.get_json()["code"]) == (404, "clients.not_found")


def test_a_run_that_looks_for_a_text_ends_with_it(client: CheckedClient, company: Company, known: Known) -> None:
    body = {"error_contains": NAME}
    asked = client.post("/v1/admin/export-dead-letter", json=body, headers=company.headers()).get_json()["id"]
    assert _erase(client, company, known.client_id).status_code == 200
    run = row("SELECT * FROM job_runs WHERE id = :id", id=asked)
    assert (run["state"], run["asked"]) == ("failed", {})
