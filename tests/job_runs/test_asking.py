"""Asking for a run by hand: who may, what is answered, and what is one run."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from api.core import job_runs as by_hand
from shared.core.database_errors import DATABASE_AWAY
from shared.core.errors import Unavailable
from shared.core.permissions import Role
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.job_runs import service as job_runs
from shared.job_runs.model import Trigger
from shared.job_runs.service import Asked
from shared.schedule import Scheduled
from tests.checked_client import CheckedClient
from tests.factories.organizations import Company
from tests.job_runs.steps import make_run
from tests.jobs_probe import JobsProbe
from tests.rows import footprint, row, rows

CLEANUP = "/v1/admin/cleanup"
PATHS = (CLEANUP, "/v1/admin/email-scan", "/v1/admin/storage-janitor")
GO_ON = "job_runs.go_on"


@pytest.fixture(autouse=True)
def _in_one_minute(jobs: JobsProbe, monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of slots stands still, so that no minute ends within a test."""
    monkeypatch.setattr(Scheduled, "hand_slot", lambda *_: datetime(2026, 3, 1, tzinfo=UTC))


def _ask(client: CheckedClient, company: Company, path: str = CLEANUP, role: Role = Role.OWNER, key: str = "") -> Any:
    headers = company.headers(role) | ({"Idempotency-Key": key} if key else {})
    return client.post(path, headers=headers)


def _runs(company: Company) -> list[dict[str, Any]]:
    return rows("SELECT * FROM job_runs WHERE org_id = :org ORDER BY id", org=company.org_id)


@pytest.mark.parametrize("path", PATHS)
def test_it_is_answered_with_a_run_and_where_to_look(
    client: CheckedClient, company: Company, jobs: JobsProbe, path: str
) -> None:
    answer = _ask(client, company, path)
    body = answer.get_json()
    assert (answer.status_code, body["state"], body["scope"]) == (202, "queued", "organization")
    assert (body["trigger"], body["requested_by"]) == ("staff", str(company.owner.user_id))
    assert jobs.enqueued() == [(GO_ON, {"run_id": body["id"]})]
    location = answer.headers["Location"]
    assert location == f"/v1/admin/jobs/{body['id']}"
    assert client.get(location, headers=company.headers()).get_json() == body


def test_the_worker_makes_it_in_the_organization_alone(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    run_id = _ask(client, company).get_json()["id"]
    jobs.drain()
    shown = client.get(f"/v1/admin/jobs/{run_id}", headers=company.headers()).get_json()
    assert shown["state"] == "succeeded"
    assert shown["started_at"] <= shown["finished_at"]
    assert shown["counts"]["expired"] == 0
    assert "sign_in_attempts" not in shown["counts"], "those belong to no organization"


def test_each_press_within_a_minute_is_one_run_and_each_is_in_the_audit_log(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    first = _ask(client, company).get_json()["id"]
    assert _ask(client, company, role=Role.ADMIN).get_json()["id"] == first
    jobs.drain()
    answer = _ask(client, company)
    assert (answer.status_code, answer.get_json()["id"], answer.get_json()["state"]) == (200, first, "succeeded")
    assert len(_runs(company)) == 1
    told = rows("SELECT * FROM audit_entries WHERE action = 'job_runs.ask' AND org_id = :o", o=company.org_id)
    assert [str(entry["resource_id"]) for entry in told] == [first] * 3
    assert told[0]["after"] == {"job": "cleanup", "dry_run": False, "wishes": []}


def test_another_company_has_a_run_of_its_own(client: CheckedClient, company: Company, neighbour: Company) -> None:
    first, second = (_ask(client, each).get_json()["id"] for each in (company, neighbour))
    assert first != second
    assert _ask(client, company, "/v1/admin/email-scan").get_json()["id"] not in {first, second}


def test_a_run_that_failed_does_not_keep_the_next_one_away(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    first = _ask(client, company).get_json()["id"]
    with transaction(PLATFORM) as session:
        session.execute(text("UPDATE job_runs SET state = 'failed', error = 'why' WHERE id = :id"), {"id": first})
    assert _ask(client, company).get_json()["id"] != first


def test_a_run_whose_worker_died_does_not_keep_the_next_one_away(client: CheckedClient, company: Company) -> None:
    first = _ask(client, company).get_json()["id"]
    lost = "UPDATE job_runs SET state = 'running', lease_until = now() - interval '1 s' WHERE id = :id"
    with transaction(PLATFORM) as session:
        session.execute(text(lost), {"id": first})
    assert _ask(client, company).get_json()["id"] != first
    shown = client.get(f"/v1/admin/jobs/{first}", headers=company.headers()).get_json()
    assert (shown["state"], shown["error"]) == ("lost", job_runs.LOST)


@pytest.mark.parametrize("state", ["running", "queued"])
def test_a_run_of_the_whole_installation_that_is_going_on_is_joined(
    client: CheckedClient, company: Company, state: str
) -> None:
    lease = datetime.now(UTC) + timedelta(seconds=30)
    going_on = make_run(state=state, lease_until=lease, finished_at=None, requested_by="worker.run")
    answer = _ask(client, company)
    body = answer.get_json()
    assert (answer.status_code, body["id"], body["scope"]) == (202, str(going_on), "installation")
    assert [body[name] for name in ("counts", "details", "error", "requested_by")] == [None] * 4
    assert _runs(company) == []
    entry = row("SELECT * FROM audit_entries WHERE action = 'job_runs.ask' AND org_id = :o", o=company.org_id)
    assert entry["resource_id"] == going_on


def test_one_that_has_ended_in_this_minute_will_do_and_an_older_one_will_not(
    client: CheckedClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    done = make_run(started_at=datetime.now(UTC))
    assert _ask(client, company).get_json()["id"] == str(done)
    monkeypatch.setattr(Scheduled, "hand_slot", lambda _, now: now)
    assert _ask(client, company).get_json()["scope"] == "organization"


def test_one_that_begins_between_asking_and_working_covers_it(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    run_id = _ask(client, company).get_json()["id"]
    jobs.run("retention.cleanup")
    of_all = row("SELECT * FROM job_runs WHERE org_id IS NULL AND job = 'cleanup'")
    jobs.drain()
    shown = client.get(f"/v1/admin/jobs/{run_id}", headers=company.headers()).get_json()
    assert (shown["state"], shown["covered_by"], shown["counts"]) == ("succeeded", str(of_all["id"]), {})


@pytest.mark.parametrize(("ends", "is_covered"), [("succeeded", True), ("failed", False)])
def test_one_that_is_going_on_covers_it_when_it_has_succeeded(
    client: CheckedClient, company: Company, jobs: JobsProbe, ends: str, is_covered: bool
) -> None:
    run_id = _ask(client, company).get_json()["id"]
    lease = datetime.now(UTC) + timedelta(minutes=5)
    of_all = make_run(state="running", lease_until=lease, started_at=datetime.now(UTC), finished_at=None)
    jobs.drain()
    waiting = row("SELECT state, started_at FROM job_runs WHERE id = :id", id=run_id)
    assert waiting == {"state": "queued", "started_at": None}
    with transaction(PLATFORM) as session:
        end = text("UPDATE job_runs SET state = :state, finished_at = now() WHERE id = :id")
        session.execute(end, {"state": ends, "id": of_all})
        late = {"ago": timedelta(minutes=1), "id": run_id}
        session.execute(text("UPDATE job_runs SET created_at = created_at - :ago WHERE id = :id"), late)
    jobs.run("job_runs.sweep")
    jobs.drain()
    shown = client.get(f"/v1/admin/jobs/{run_id}", headers=company.headers()).get_json()
    assert (shown["state"], shown["covered_by"] is not None) == ("succeeded", is_covered)


def test_a_dry_run_is_made_beside_the_others(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    make_run(state="running", lease_until=datetime.now(UTC) + timedelta(seconds=30))
    dry = _ask(client, company, f"{CLEANUP}?dry_run=true").get_json()
    assert (dry["dry_run"], dry["scope"]) == (True, "organization")
    assert _ask(client, company, f"{CLEANUP}?dry_run=true").get_json()["id"] == dry["id"], "it waits for its worker"
    jobs.drain()
    shown = client.get(f"/v1/admin/jobs/{dry['id']}", headers=company.headers()).get_json()
    assert (shown["state"], shown["covered_by"]) == ("succeeded", None)


def test_a_key_gives_the_same_answer_again_and_not_to_another_question(client: CheckedClient, company: Company) -> None:
    first, again = (_ask(client, company, key="a-press") for _ in range(2))
    assert again.get_json() == first.get_json()
    assert again.headers["Idempotent-Replayed"] == "true"
    other = _ask(client, company, f"{CLEANUP}?dry_run=true", key="a-press")
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency.key_reused")


def test_who_waits_gets_the_run_at_its_end(
    client: CheckedClient, company: Company, jobs: JobsProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker is at work while the request waits: between two looks, when it has no connection."""
    monkeypatch.setattr(by_hand, "sleep", lambda _: jobs.drain())
    answer = _ask(client, company, f"{CLEANUP}?wait=true")
    assert (answer.status_code, answer.get_json()["state"]) == (200, "succeeded")


def test_who_waits_in_vain_is_answered_in_time(
    client: CheckedClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [0.0]
    monkeypatch.setattr(by_hand, "monotonic", lambda: clock[0])
    monkeypatch.setattr(by_hand, "sleep", lambda seconds: clock.__setitem__(0, clock[0] + seconds))
    answer = _ask(client, company, f"{CLEANUP}?wait=true")
    assert (answer.status_code, answer.get_json()["state"]) == (202, "queued")
    assert clock[0] == pytest.approx(25.0)


def test_when_others_wait_one_is_answered_at_once(
    client: CheckedClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(by_hand, "sleep", lambda _: pytest.fail("it has waited"))
    for _ in range(by_hand.MOST_WAITING):
        by_hand._waiting.acquire()
    try:
        assert _ask(client, company, f"{CLEANUP}?wait=true").status_code == 202
    finally:
        for _ in range(by_hand.MOST_WAITING):
            by_hand._waiting.release()


def test_a_failure_while_waiting_gives_the_place_back(
    client: CheckedClient, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: float) -> None:
        raise Unavailable(DATABASE_AWAY, "not now")

    monkeypatch.setattr(by_hand, "sleep", fail)
    for _ in range(by_hand.MOST_WAITING + 1):
        answer = _ask(client, company, f"{CLEANUP}?wait=true")
        assert answer.status_code == 503


@pytest.mark.parametrize("query", ["dry_run=banana", "wait=perhaps", "dry_run=", "org_id=1", "dry-run=true"])
@pytest.mark.parametrize("path", PATHS)
def test_what_is_not_understood_is_refused(client: CheckedClient, company: Company, path: str, query: str) -> None:
    company.headers()
    before = footprint(company.org_id)
    assert _ask(client, company, f"{path}?{query}").status_code in {400, 422}
    assert footprint(company.org_id) == before


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.FINANCE, Role.VIEWER, Role.WORKER])
@pytest.mark.parametrize("path", PATHS)
def test_others_may_not(client: CheckedClient, company: Company, role: Role, path: str) -> None:
    company.headers(role)
    before = footprint(company.org_id)
    assert _ask(client, company, path, role).status_code == 403
    assert footprint(company.org_id) == before


def test_many_questions_at_once_are_one_run(company: Company) -> None:
    """The insert decides; whoever comes second finds the first."""
    asked = Asked("cleanup", company.org_id, Trigger.STAFF, slot_at=datetime(2026, 3, 1, tzinfo=UTC))
    found: list[UUID] = []
    for _ in range(3):
        with transaction(company.scope) as session:
            found.append(job_runs.ask(session, asked, now=datetime.now(UTC)).id)
    assert len(set(found)) == 1


def test_a_run_of_the_whole_installation_that_has_lost_its_worker_covers_nothing(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    lost = datetime.now(UTC) - timedelta(seconds=1)
    make_run(state="running", lease_until=lost, finished_at=None)
    asked = _ask(client, company).get_json()
    assert asked["scope"] == "organization"
    jobs.drain()
    shown = client.get(f"/v1/admin/jobs/{asked['id']}", headers=company.headers()).get_json()
    assert (shown["state"], shown["covered_by"]) == ("succeeded", None)


def test_what_was_done_before_another_run_took_over_is_still_told(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    asked = _ask(client, company).get_json()["id"]
    with transaction(PLATFORM) as session:
        session.execute(text("UPDATE job_runs SET counts = '{\"expired\": 2}' WHERE id = :id"), {"id": asked})
    jobs.run("retention.cleanup")
    jobs.drain()
    shown = client.get(f"/v1/admin/jobs/{asked}", headers=company.headers()).get_json()
    assert (shown["covered_by"] is not None, shown["counts"]) == (True, {"expired": 2})


def test_few_runs_with_wishes_wait_at_once(client: CheckedClient, company: Company, neighbour: Company) -> None:
    def wish(number: int, who: Company = company) -> int:
        body = {"error_contains": f"error {number}"}
        return client.post("/v1/admin/export-dead-letter", json=body, headers=who.headers()).status_code

    answers = [wish(number) for number in range(job_runs.MOST_OPEN + 2)]
    assert answers == [202] * job_runs.MOST_OPEN + [409] * 2
    assert wish(0) == 202, "the same again is answered with its run"
    assert wish(0, neighbour) == 202
