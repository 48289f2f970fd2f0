"""Copies of what is held on a person."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from shared.clients.model import ClientExport
from shared.core.transaction import transaction
from shared.privacy import collecting
from shared.privacy import service as privacy
from tests.checked_client import CheckedClient
from tests.factories.clients import make_client
from tests.factories.organizations import Company
from tests.factories.privacy import make_client_export
from tests.jobs_probe import JobsProbe
from tests.privacy.conftest import EMAIL, NAME, Known, make_known
from tests.rows import row, rows

SECTIONS = {
    "clients": 1,
    "addresses": 1,
    "leads": 3,
    "estimates": 1,
    "orders": 1,
    "order_history": 1,
    "recurrences": 1,
    "checklist_items": 1,
    "time_entries": 1,
    "photos": 1,
    "payments": 1,
}


def _ask(client: CheckedClient, company: Company, known: Known, **headers: str) -> Any:
    return client.post(f"/v1/clients/{known.client_id}/export", headers=company.headers() | headers)


def _set(company: Company, **values: Any) -> None:
    with transaction(company.scope) as session:
        session.execute(update(ClientExport).where(ClientExport.org_id == company.org_id).values(**values))


def test_a_copy_is_asked_for_collected_and_read(
    client: CheckedClient, company: Company, known: Known, jobs: JobsProbe
) -> None:
    asked = _ask(client, company, known)
    assert asked.status_code == 202
    url = asked.headers["Location"]
    waiting = client.get(url, headers=company.headers())
    assert (waiting.get_json()["state"], waiting.get_json()["bundle"]) == ("queued", None)
    assert "privacy.collect" in jobs.drain()
    read = client.get(url, headers=company.headers())
    assert read.headers["Cache-Control"] == "no-store"
    assert read.get_json()["state"] == "ready"
    bundle = read.get_json()["bundle"]
    assert {name: len(bundle[name]) for name in SECTIONS} == SECTIONS
    assert bundle["clients"][0]["email"] == EMAIL
    assert bundle["orders"][0]["total_amount"] == 12900
    assert {mail["recipient"] for mail in bundle["messages"]} >= {EMAIL, "new@address.test"}
    assert {entry["action"] for entry in bundle["audit"]} >= {"clients.create", "leads.create", "orders.place"}
    assert bundle["cut"] == []
    listed = client.get(f"/v1/clients/{known.client_id}/exports", headers=company.headers()).get_json()["data"]
    assert listed == [{name: value for name, value in read.get_json().items() if name != "bundle"}]


def test_a_copy_holds_nobody_else(
    client: CheckedClient, company: Company, neighbour: Company, known: Known, jobs: JobsProbe
) -> None:
    make_known(neighbour)
    make_client(company, name="Bo Lund", email="bo@lund.test", phone=None)
    url = _ask(client, company, known).headers["Location"]
    jobs.drain()
    text = client.get(url, headers=company.headers()).get_data(as_text=True)
    assert NAME in text
    for other in ("Bo Lund", company.client_email, str(neighbour.org_id), "Wanda", "storage_key", "local"):
        assert other not in text.replace("local_time", "").replace("locale", ""), other


def test_who_was_merged_into_the_client_is_in_it(
    client: CheckedClient, company: Company, known: Known, jobs: JobsProbe
) -> None:
    other = make_client(company, name="Q. X.", email="q@x.test")
    client.post(f"/v1/clients/{known.client_id}/merge", json={"client_id": str(other)}, headers=company.headers())
    url = _ask(client, company, known).headers["Location"]
    jobs.drain()
    bundle = client.get(url, headers=company.headers()).get_json()["bundle"]
    assert [each["name"] for each in bundle["clients"]] == [NAME, "Q. X."]


def test_the_same_key_asks_once(client: CheckedClient, company: Company, known: Known) -> None:
    first, again = (_ask(client, company, known, **{"Idempotency-Key": "copy-1"}) for _ in range(2))
    assert (first.status_code, again.status_code) == (202, 202)
    assert first.headers["Location"] == again.headers["Location"]
    assert len(rows("SELECT id FROM client_exports")) == 1


def test_collecting_twice_is_harmless(company: Company, known: Known, jobs: JobsProbe) -> None:
    export_id = make_client_export(company, known.client_id)
    jobs.drain()
    before = row("SELECT * FROM client_exports WHERE id = :id", id=export_id)
    jobs.run("privacy.collect", {"org_id": str(company.org_id), "client_export_id": str(export_id)})
    assert row("SELECT * FROM client_exports WHERE id = :id", id=export_id) == before


def test_a_copy_is_forgotten_after_seven_days(
    client: CheckedClient, company: Company, known: Known, jobs: JobsProbe
) -> None:
    url = _ask(client, company, known).headers["Location"]
    jobs.drain()
    over = datetime.now(UTC) - timedelta(seconds=1)
    _set(company, expires_at=over, next_attempt_at=over)
    seen = client.get(url, headers=company.headers()).get_json()
    assert (seen["state"], seen["bundle"]) == ("expired", None), "before the sweep was there, too"
    jobs.run("privacy.sweep")
    kept = row("SELECT state, bundle, next_attempt_at FROM client_exports")
    assert kept == {"state": "expired", "bundle": None, "next_attempt_at": None}
    assert client.get(url, headers=company.headers()).get_json()["state"] == "expired"


@pytest.mark.parametrize("state", ["queued", "collecting"])
def test_a_lost_copy_is_brought_back(company: Company, known: Known, jobs: JobsProbe, state: str) -> None:
    export_id = make_client_export(company, known.client_id)
    jobs.enqueued()
    _set(company, state=state, next_attempt_at=datetime.now(UTC) - timedelta(seconds=1))
    jobs.run("privacy.sweep")
    assert "privacy.collect" in jobs.drain()
    assert row("SELECT state FROM client_exports WHERE id = :id", id=export_id)["state"] == "ready"


def test_a_copy_that_kills_its_worker_every_time_ends_as_dead(company: Company, known: Known, jobs: JobsProbe) -> None:
    make_client_export(company, known.client_id)
    jobs.enqueued()
    past = datetime.now(UTC) - timedelta(seconds=1)
    _set(company, state="collecting", attempts=privacy.MAX_ATTEMPTS, next_attempt_at=past)
    jobs.run("privacy.sweep")
    assert row("SELECT state FROM client_exports")["state"] == "dead"
    assert jobs.enqueued() == []


def test_a_fresh_copy_is_left_to_its_message(company: Company, known: Known, jobs: JobsProbe) -> None:
    make_client_export(company, known.client_id)
    jobs.enqueued()
    jobs.run("privacy.sweep")
    assert jobs.enqueued() == []


def test_what_is_collected_too_late_is_not_kept(company: Company, known: Known, client: CheckedClient) -> None:
    """The person is erased while a worker has the copy in its hands."""
    export_id, now = make_client_export(company, known.client_id), datetime.now(UTC)
    with transaction(company.scope) as session:
        claimed = privacy.claim(session, company.org_id, export_id, now=now)
    assert claimed is not None
    body = {"reason": "asked"}
    assert client.post(f"/v1/clients/{known.client_id}/erase", json=body, headers=company.headers()).status_code == 200
    with transaction(company.scope) as session:
        assert not privacy.mark_ready(session, claimed, {"name": NAME}, now=now)
    kept = row("SELECT state, bundle FROM client_exports WHERE id = :id", id=export_id)
    assert kept == {"state": "dead", "bundle": None}


def test_a_very_large_copy_says_where_it_is_cut(
    company: Company, known: Known, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collecting, "MOST_ROWS", 2)
    with transaction(company.scope) as session:
        bundle = collecting.collect(session, company.owner, known.client_id, now=datetime.now(UTC))
    assert len(bundle["leads"]) == 2
    assert "leads" in bundle["cut"]


def test_an_export_of_another_client_is_not_found(
    client: CheckedClient, company: Company, neighbour: Company, known: Known
) -> None:
    mine, theirs = make_client_export(company, known.client_id), make_client_export(neighbour)
    for client_id, export_id in ((company.client_id, mine), (known.client_id, theirs), (neighbour.client_id, theirs)):
        answer = client.get(f"/v1/clients/{client_id}/exports/{export_id}", headers=company.headers())
        assert (answer.status_code, answer.get_json()["code"]) == (404, "privacy.export_not_found")
    assert client.get(f"/v1/clients/{neighbour.client_id}/exports", headers=company.headers()).status_code == 404
    assert client.post(f"/v1/clients/{neighbour.client_id}/export", headers=company.headers()).status_code == 404
