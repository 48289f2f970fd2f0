"""Legal hold: what is held on a client stays, whoever wants it gone."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.clients import make_client
from tests.factories.messages import change_message, make_sent
from tests.factories.order_photos import make_photo
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.recurrences import make_recurrence
from tests.retention import aged, steps
from tests.retention.steps import ago, set_age
from tests.rows import footprint, row, rows

LONG = 9000
"""Days after which everything is over."""


def hold(client: CheckedClient, company: Company, client_id: UUID, path: str = "legal-hold") -> Any:
    return client.post(f"/v1/clients/{client_id}/{path}", headers=company.headers())


@pytest.fixture
def held(company: Company) -> UUID:
    """A client with e-mail address and phone number; nobody is under hold yet."""
    return make_client(company, email="Held@Client.test", phone="+14035550177")


def fill(company: Company, client_id: UUID, *, email: str, phone: str) -> dict[str, int]:
    """Something old of each kind that is a client's. What a run would remove of it, if nobody were under hold."""
    order = set_order_state(company, make_order(company, client_id=client_id), "completed")
    set_age("orders", order, ended_at=ago(LONG))
    set_age("order_photos", make_photo(company, order).id, created_at=ago(LONG))
    named = set_age("leads", aged.lost_lead(company, ago(LONG)), client_id=client_id)
    by_email = set_age("leads", aged.lead(company, ago(LONG)), email=email.upper())
    by_phone = set_age("leads", aged.lead(company, ago(LONG)), phone=phone)
    recurrence = set_age("recurrences", make_recurrence(company), client_id=client_id)
    payment = steps.add(
        "payments",
        org_id=company.org_id,
        order_id=order,
        state="succeeded",
        amount=1,
        currency="cad",
        stripe_payment_intent_id=f"pi_{order}",
        refund_due=False,
        paid_at=ago(LONG),
        created_at=ago(LONG),
    )
    about = (client_id, order, named, by_email, by_phone, recurrence, payment)
    for row_id in about:
        aged.export(company, ago(LONG), about=row_id)
        aged.audit_entry(company, ago(LONG), about=row_id)
        change_message(company, make_sent(company, about=row_id), created_at=ago(LONG))
    change_message(company, make_sent(company, to=email.upper()), created_at=ago(LONG))
    copy = aged.client_export(company, ago(LONG))
    set_age("client_exports", copy, client_id=client_id)
    return {
        "audit_entries": len(about),
        "client_exports": 1,
        "exports": len(about),
        "leads": 3,
        "messages": len(about) + 1,
        "photos": 1,
    }


def test_nothing_of_a_client_under_hold_goes(client: CheckedClient, company: Company, held: UUID) -> None:
    assert hold(client, company, held).status_code == 200
    whole = fill(company, held, email="held@client.test", phone="+14035550177")
    before = footprint(company.org_id)
    assert steps.counts(company, dry_run=True) == steps.counts(company) == {}
    after = footprint(company.org_id)
    assert {table for table in before if before[table] != after[table]} == {"job_runs"}
    assert hold(client, company, held, "legal-hold/release").status_code == 200
    assert steps.counts(company, dry_run=True) == steps.counts(company) == whole


def test_what_belongs_to_others_goes(client: CheckedClient, company: Company, held: UUID) -> None:
    hold(client, company, held)
    other = make_client(company, email="other@client.test", phone="+14035550178")
    whole = fill(company, other, email="other@client.test", phone="+14035550178")
    assert steps.counts(company, dry_run=True) == steps.counts(company) == whole


def test_a_hold_of_another_organization_keeps_nothing_here(
    client: CheckedClient, company: Company, neighbour: Company, held: UUID
) -> None:
    theirs = make_client(neighbour, email="held@client.test", phone="+14035550177")
    hold(client, neighbour, theirs)
    whole = fill(company, held, email="held@client.test", phone="+14035550177")
    assert steps.counts(company) == whole


@pytest.mark.parametrize("which", ["kept", "gone"])
def test_merging_keeps_the_hold_of_either(client: CheckedClient, company: Company, held: UUID, which: str) -> None:
    kept = make_client(company, email="kept@client.test", phone="+14035550179")
    first = hold(client, company, kept if which == "kept" else held).get_json()["legal_hold_at"]
    fill(company, held, email="held@client.test", phone="+14035550177")
    body = {"client_id": str(held)}
    merged = client.post(f"/v1/clients/{kept}/merge", json=body, headers=company.headers())
    assert merged.get_json()["legal_hold_at"] == first
    before = {table: footprint(company.org_id)[table] for table in ("leads", "order_photos", "exports")}
    steps.run(company)
    assert {table: footprint(company.org_id)[table] for table in before} == before
    assert hold(client, company, kept, "legal-hold/release").get_json()["legal_hold_at"] is None
    assert rows("SELECT id FROM clients WHERE org_id = :o AND legal_hold_at IS NOT NULL", o=company.org_id) == []
    assert steps.counts(company)["photos"] == 1


def test_the_earlier_of_two_holds_is_told(client: CheckedClient, company: Company, held: UUID) -> None:
    kept = make_client(company)
    times = [hold(client, company, each).get_json()["legal_hold_at"] for each in (held, kept)]
    merged = client.post(f"/v1/clients/{kept}/merge", json={"client_id": str(held)}, headers=company.headers())
    assert merged.get_json()["legal_hold_at"] == min(times)


@pytest.mark.parametrize("merged", [False, True])
def test_who_is_under_hold_is_not_erased(client: CheckedClient, company: Company, held: UUID, merged: bool) -> None:
    hold(client, company, held)
    target = held
    if merged:
        target = make_client(company)
        client.post(f"/v1/clients/{target}/merge", json={"client_id": str(held)}, headers=company.headers())
    before = footprint(company.org_id)
    refused = client.post(f"/v1/clients/{target}/erase", json={"reason": "asked"}, headers=company.headers())
    assert (refused.status_code, refused.get_json()["code"]) == (409, "privacy.legal_hold")
    assert footprint(company.org_id) == before
    hold(client, company, target, "legal-hold/release")
    erased = client.post(f"/v1/clients/{target}/erase", json={"reason": "asked"}, headers=company.headers())
    assert erased.status_code == 200


def test_holding_and_releasing_again_changes_nothing(client: CheckedClient, company: Company, held: UUID) -> None:
    for path in ("legal-hold", "legal-hold/release"):
        first = hold(client, company, held, path).get_json()
        before = footprint(company.org_id)
        assert hold(client, company, held, path).get_json() == first
        assert footprint(company.org_id) == before
    actions = rows("SELECT action FROM audit_entries WHERE resource_id = :id ORDER BY id", id=held)
    assert [each["action"] for each in actions] == ["clients.create", "clients.hold", "clients.release"]


def test_it_is_shown_with_the_client(client: CheckedClient, company: Company, held: UUID) -> None:
    answer = hold(client, company, held).get_json()
    seen = client.get(f"/v1/clients/{held}", headers=company.headers()).get_json()
    assert seen["legal_hold_at"] == answer["legal_hold_at"] is not None


def test_one_who_is_part_of_another_is_named(client: CheckedClient, company: Company, held: UUID) -> None:
    client.post(f"/v1/clients/{company.client_id}/merge", json={"client_id": str(held)}, headers=company.headers())
    for path in ("legal-hold", "legal-hold/release"):
        refused = hold(client, company, held, path)
        assert (refused.status_code, refused.get_json()["code"]) == (409, "clients.merged")
        assert refused.get_json()["merged_into_id"] == str(company.client_id)


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.FINANCE, Role.VIEWER])
def test_only_administrators_hold(client: CheckedClient, company: Company, held: UUID, role: Role) -> None:
    for path in ("legal-hold", "legal-hold/release"):
        answer = client.post(f"/v1/clients/{held}/{path}", headers=company.headers(role))
        assert answer.status_code == 403


def test_another_organizations_client_does_not_exist(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    for client_id in (neighbour.client_id, uuid4()):
        assert hold(client, company, client_id).status_code == 404
    assert row("SELECT legal_hold_at FROM clients WHERE id = :id", id=neighbour.client_id)["legal_hold_at"] is None
