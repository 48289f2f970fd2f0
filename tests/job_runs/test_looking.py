"""Looking at jobs and their runs: what staff see, what an operator sees, and what neither does."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import event, text

from shared import schedule
from shared.core.permissions import Role
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.job_runs import overview, reading
from shared.job_runs import service as job_runs
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.organizations import Company
from tests.job_runs.steps import make_run
from tests.variants import client_on, with_settings

JOBS = "/v1/admin/jobs"
TOKEN = {"Authorization": "Bearer a-token-for-prometheus"}


def _jobs(client: CheckedClient, headers: dict[str, str]) -> dict[str, dict[str, Any]]:
    answer = client.get(JOBS, headers=headers)
    assert answer.status_code == 200
    return {job["name"]: job for job in answer.get_json()["data"]}


def _moment(text_: str) -> datetime:
    return datetime.fromisoformat(text_)


def test_every_job_is_listed_before_any_has_run(client: CheckedClient, company: Company) -> None:
    jobs = _jobs(client, company.headers())
    table = {job.name: job for job in schedule.table(company.services.settings)}
    assert set(jobs) == set(table)
    for name, shown in jobs.items():
        assert (shown["why"], shown["cadence_seconds"]) == (table[name].why, table[name].every)
        assert (shown["last_run"], shown["own_last_run"], shown["last_success_at"]) == (None, None, None)
        assert (shown["consecutive_failures"], shown["is_failing"], shown["is_running"]) == (0, False, False)
    assert {name for name, shown in jobs.items() if shown["by_hand"]} == {
        "cleanup", "email_scan", "retention", "export_dead_letter", "storage_janitor",
    }  # fmt: skip
    assert jobs["webhook_drill"]["next_due_at"] is None


def test_staff_see_no_counts_and_errors_of_the_installation_and_their_own(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    secret: dict[str, Any] = {
        "counts": {"expired": 3},
        "details": {"a": 1},
        "error": "a secret",
        "requested_by": "worker.run",
    }
    of_all = make_run(state="failed", **secret)
    make_run(neighbour.org_id, counts={"expired": 9})
    own = make_run(company.org_id, counts={"expired": 2}, trigger="staff")
    shown = _jobs(client, company.headers())["cleanup"]
    last = shown["last_run"]
    assert (last["id"], last["state"], last["scope"]) == (str(of_all), "failed", "installation")
    assert [last[name] for name in secret] == [None] * 4
    assert (shown["own_last_run"]["id"], shown["own_last_run"]["counts"]) == (str(own), {"expired": 2})
    one = client.get(f"{JOBS}/{of_all}", headers=company.headers()).get_json()
    assert one == last
    assert "secret" not in client.get(JOBS, headers=company.headers()).get_data(as_text=True)


def test_an_operator_sees_counts_and_errors(services: Services, company: Company) -> None:
    make_run(state="failed", error="why", counts={"expired": 3})
    make_run(company.org_id)
    shown = _jobs(client_on(services), TOKEN)["cleanup"]
    assert (shown["last_run"]["error"], shown["last_run"]["counts"]) == ("why", {"expired": 3})
    assert shown["own_last_run"] is None


@pytest.mark.parametrize("path", ["/runs", "/0199a000-0000-7000-8000-000000000000"])
def test_the_operators_token_opens_the_list_alone(client: CheckedClient, path: str) -> None:
    assert client.get(JOBS + path, headers=TOKEN).status_code == 401


@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer another"}, {"Authorization": "Bearer "}])
def test_strangers_see_nothing(client: CheckedClient, headers: dict[str, str]) -> None:
    assert client.get(JOBS, headers=headers).status_code == 401


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.FINANCE, Role.VIEWER, Role.WORKER])
def test_other_roles_see_nothing(client: CheckedClient, company: Company, role: Role) -> None:
    mine = make_run(company.org_id)
    for path in ("", "/runs", f"/{mine}"):
        assert client.get(JOBS + path, headers=company.headers(role)).status_code == 403


def test_another_companys_run_is_not_there(client: CheckedClient, company: Company, neighbour: Company) -> None:
    theirs = make_run(neighbour.org_id)
    answers = [client.get(f"{JOBS}/{run_id}", headers=company.headers()) for run_id in (theirs, uuid4())]
    assert [(answer.status_code, answer.get_json()["code"]) for answer in answers] == [(404, "job_runs.not_found")] * 2
    assert client.get(f"{JOBS}/runs", headers=company.headers()).get_json()["data"] == []


def test_pages_of_own_runs_the_last_first_and_by_job_and_state(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    made = [make_run(company.org_id, slot_at=datetime(2026, 3, day, tzinfo=UTC)) for day in range(1, 6)]
    failed = make_run(company.org_id, state="failed", error="why")
    scan = make_run(company.org_id, "email_scan")
    make_run(neighbour.org_id)
    make_run()

    def listed(query: str) -> list[str]:
        answer = client.get(f"{JOBS}/runs{query}", headers=company.headers()).get_json()
        return [run["id"] for run in answer["data"]]

    assert listed("") == [str(each) for each in (scan, failed, *reversed(made))]
    assert listed("?job=email_scan") == [str(scan)]
    assert listed("?job=cleanup&state=failed") == [str(failed)]
    assert listed("?job=nothing") == []
    first = client.get(f"{JOBS}/runs?job=cleanup&limit=4", headers=company.headers()).get_json()
    rest = listed(f"?job=cleanup&limit=4&cursor={first['next_cursor']}")
    assert [run["id"] for run in first["data"]] + rest == [str(each) for each in (failed, *reversed(made))]
    assert client.get(f"{JOBS}/runs?state=broken", headers=company.headers()).status_code in {400, 422}


def test_failures_in_a_row_make_a_job_failing_and_a_success_ends_it(client: CheckedClient, company: Company) -> None:
    def found() -> tuple[int, bool]:
        shown = _jobs(client, company.headers())["cleanup"]
        return shown["consecutive_failures"], shown["is_failing"]

    make_run()
    for _ in range(4):
        make_run(state="failed")
    make_run(company.org_id, state="failed")
    make_run(state="failed", slot_at=None, dry_run=True)
    assert found() == (4, False)
    make_run(state="lost")
    assert found() == (5, True)
    make_run(slot_at=datetime(2026, 3, 1, tzinfo=UTC))
    assert found() == (0, False)


def test_what_is_due_next_is_the_slot_after_the_last_that_was_taken(client: CheckedClient, company: Company) -> None:
    now = datetime.now(UTC)
    job = schedule.entry(company.services.settings, "cleanup")
    slot = job.slot(now)
    old = slot - timedelta(hours=2)

    def due() -> datetime:
        return _moment(_jobs(client, company.headers())["cleanup"]["next_due_at"])

    assert due() - slot < timedelta(minutes=6), "it has never run: now"
    make_run(slot_at=old)
    assert due() == old + timedelta(minutes=5), "overdue since then"
    make_run(slot_at=slot - timedelta(hours=1), state="failed")
    assert due() == old + timedelta(minutes=5), "what failed has done nothing"
    make_run(slot_at=slot, state="running", lease_until=now + timedelta(minutes=1), finished_at=None)
    assert due() == slot + timedelta(minutes=5)
    assert _jobs(client, company.headers())["cleanup"]["is_running"]


def test_a_daily_job_is_due_at_its_time_of_day(services: Services) -> None:
    settings = with_settings(services, retention_at_seconds=12600.0).settings
    job = schedule.entry(settings, "retention")
    before, after = datetime(2026, 3, 1, 3, 29, tzinfo=UTC), datetime(2026, 3, 1, 3, 30, tzinfo=UTC)
    assert job.slot(before) == datetime(2026, 2, 28, 3, 30, tzinfo=UTC)
    assert job.slot(after) == after
    assert job.next_due(job.slot(before), before) == after
    assert job.asked_every == 300.0


MANY = 500_000
_RUNS = """
    INSERT INTO job_runs (id, org_id, job, slot_at, state, created_at, started_at, finished_at, counts)
    SELECT ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, CASE WHEN n % 5 = 0 THEN :org ::uuid END,
           CASE WHEN n % 3 = 0 THEN 'cleanup' WHEN n % 3 = 1 THEN 'email_scan' ELSE 'messages.sweep' END,
           now() - n * interval '1 s', CASE WHEN n % 3 = 1 OR n < 9000 THEN 'failed' ELSE 'succeeded' END,
           now(), now(), now(), '{}'
    FROM generate_series(1, :many) AS n
"""


def test_half_a_million_runs_are_not_read(company: Company) -> None:
    """One job has failed always, the others since long ago; the last of each is found without walking."""
    with transaction(PLATFORM) as session:
        session.execute(text("SET LOCAL statement_timeout = 0"))
        session.execute(text(_RUNS), {"org": company.org_id, "many": MANY})
    names = [job.name for job in schedule.table(company.services.settings)]
    now = datetime.now(UTC)
    with read_only(PLATFORM) as connection:
        sent: list[tuple[str, Any]] = []

        def note(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> None:
            sent.append((statement, parameters))

        event.listen(connection, "before_cursor_execute", note)
        overview.read_health(connection, names)
        overview.read_last(connection, company.org_id, names)
        job_runs.find_covering(connection, "cleanup", now, now=now)
        job_runs.find_covering(connection, "email_scan", now, now=now)
        reading.find(connection, company.org_id, uuid4())
        event.remove(connection, "before_cursor_execute", note)
        for statement, parameters in sent:
            explained = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, BUFFERS, COSTS OFF) {statement}", parameters)
            plan = list(explained.scalars())
            assert not any("Seq Scan on job_runs" in line for line in plan), "\n".join(plan)
            read = next(_buffers(line) for line in plan if "Buffers" in line)  # of the whole plan
            assert 0 < read < 3000, "\n".join(plan)


def _buffers(line: str) -> int:
    return sum(int(word.partition("=")[2]) for word in line.split() if word.startswith(("hit=", "read=")))
