"""Replays by hand: what fits, in batches, counted; whatever else happens at the same moment."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, text

from shared.core.ids import lowest_id_at
from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.exports import dead_letters
from shared.exports.dead_letters import Filters
from tests.checked_client import CheckedClient
from tests.exports.looking_after import look_after, state_of
from tests.factories.exports import change_export, make_dead_export, make_export
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.rows import row, rows
from worker.tasks import export_dead_letters

PATH = "/v1/admin/export-dead-letter"
NOW = datetime.now(UTC)
HOUR = timedelta(hours=1)
MANY = 10_000
_DEAD = """
    INSERT INTO exports (org_id, id, event, resource_id, payload, state, created_at, attempts, dead_at, last_error)
    SELECT :org, gen_random_uuid(), 'order.created', gen_random_uuid(), '{"id": 1}', 'dead', now(), 9, now(), '503'
    FROM generate_series(1, :many) AS n
"""


def _ask(client: CheckedClient, company: Company, body: Any, query: str = "", role: Role = Role.OWNER) -> UUID:
    answer = client.post(PATH + query, json=body, headers=company.headers(role))
    assert answer.status_code == 202, answer.get_data(as_text=True)
    assert answer.headers["Location"] == f"/v1/admin/jobs/{answer.get_json()['id']}"
    return UUID(answer.get_json()["id"])


def _counts(run_id: UUID) -> dict[str, int]:
    run = row("SELECT state, counts FROM job_runs WHERE id = :id", id=run_id)
    assert run["state"] == "succeeded"
    return {name: number for name, number in run["counts"].items() if number}


def _drain_runs(jobs: JobsProbe) -> None:
    """Run what was asked for, and deliver nothing."""
    for name, arguments in jobs.enqueued():
        if name == "job_runs.go_on":
            jobs.run(name, arguments)


@pytest.fixture
def four(company: Company) -> dict[str, UUID]:
    """An old one, one of another name, one with another error, one whose person was erased; all dead."""
    made_before: dict[str, Any] = {"id": lowest_id_at(NOW - 3 * HOUR), "created_at": NOW - 3 * HOUR}
    return {
        "old": make_dead_export(company, dead_at=NOW - 2 * HOUR, **made_before),
        "created": make_dead_export(company, event="order.created"),
        "refused": make_dead_export(company, error="Connection REFUSED"),
        "erased": make_dead_export(company, payload={}),
    }


WISHES: dict[str, tuple[dict[str, Any], set[str], dict[str, int]]] = {
    "all": ({"all": True}, {"old", "created", "refused"}, {"replayed": 3, "skipped_forgotten": 1}),
    "one event": ({"event": "order.created"}, {"created"}, {"replayed": 1}),
    "made before": ({"created_to": (NOW - HOUR).isoformat()}, {"old"}, {"replayed": 1}),
    "made after": (
        {"created_from": (NOW - HOUR).isoformat(), "event": "order.confirmed"},
        {"refused"},
        {"replayed": 1, "skipped_forgotten": 1},
    ),
    "an error": ({"error_contains": "refused"}, {"refused"}, {"replayed": 1}),
    "nothing fits": ({"error_contains": "no such error"}, set(), {}),
}


@pytest.mark.parametrize("wish", WISHES)
def test_what_fits_is_replayed_and_the_rest_stays(
    client: CheckedClient, company: Company, jobs: JobsProbe, four: dict[str, UUID], wish: str
) -> None:
    body, replayed, counts = WISHES[wish]
    dry = _ask(client, company, body, "?dry_run=true")
    _drain_runs(jobs)
    assert _counts(dry) == counts
    assert {state_of(each) for each in four.values()} == {"dead"}
    run_id = _ask(client, company, body)
    _drain_runs(jobs)
    assert _counts(run_id) == counts
    assert {name for name, each in four.items() if state_of(each) == "pending"} == replayed


def test_named_ones_are_replayed_and_what_is_not_dead_is_counted(
    client: CheckedClient, company: Company, jobs: JobsProbe, four: dict[str, UUID]
) -> None:
    delivered = make_export(company, state="delivered")
    named = [str(each) for each in (four["old"], four["erased"], delivered)]
    run_id = _ask(client, company, {"export_ids": named})
    _drain_runs(jobs)
    assert _counts(run_id) == {"replayed": 1, "skipped_forgotten": 1, "skipped_not_dead": 1}
    assert [state_of(four[name]) for name in ("old", "created", "erased")] == ["pending", "dead", "dead"]
    assert state_of(delivered) == "delivered"


def test_the_run_is_the_organizations_own(
    client: CheckedClient, company: Company, neighbour: Company, jobs: JobsProbe
) -> None:
    mine, theirs = make_dead_export(company), make_dead_export(neighbour)
    run_id = _ask(client, company, {"all": True}, role=Role.ADMIN)
    _drain_runs(jobs)
    assert (state_of(mine), state_of(theirs)) == ("pending", "dead")
    assert client.get(f"/v1/admin/jobs/{run_id}", headers=neighbour.headers()).status_code == 404
    shown = client.get(f"/v1/admin/jobs/{run_id}", headers=company.headers()).get_json()
    assert (shown["job"], shown["counts"]["replayed"]) == ("export_dead_letter", 1)


@pytest.mark.parametrize(
    "body",
    [
        {"all": False},
        {"all": "true"},
        {"export_ids": []},
        {"export_ids": ["x"]},
        {"event": "order.unknown"},
        {"dead_from": "2026-01-01T00:00:00Z"},
        {"error_contains": ""},
    ],
    ids=str,
)
def test_a_wish_that_makes_no_sense_is_refused(client: CheckedClient, company: Company, body: dict[str, Any]) -> None:
    assert client.post(PATH, json=body, headers=company.headers()).status_code == 422
    assert rows("SELECT 1 FROM job_runs WHERE org_id = :org", org=company.org_id) == []


def test_without_a_body_it_is_what_beat_does(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    dead = make_dead_export(company, auto_replays=3)
    asked = client.post(PATH, headers=company.headers())
    assert asked.status_code == 202
    _drain_runs(jobs)
    assert _counts(UUID(asked.get_json()["id"])) == {"warned": 1}
    assert state_of(dead) == "dead"


def test_what_dies_again_while_a_run_goes_on_is_not_replayed_by_it(company: Company) -> None:
    """Or a target that is refused would keep it busy for ever."""
    details: dict[str, Any] = {}
    export_id = make_dead_export(company)
    asked = {"all": True}
    assert look_after(company.scope, asked=asked, details=details) == {"replayed": 1}
    change_export(company, export_id, state="dead", dead_at=datetime.now(UTC))
    assert look_after(company.scope, asked=asked, details=details) == {}
    assert look_after(company.scope, asked=asked) == {"replayed": 1}


def test_ten_thousand_are_replayed_in_bounded_batches(company: Company, jobs: JobsProbe) -> None:
    with transaction(company.scope) as session:
        session.execute(text(_DEAD), {"org": company.org_id, "many": MANY})
    assert look_after(company.scope, asked={"all": True}) == {"replayed": MANY}
    audited = rows(
        "SELECT (after ->> 'replayed')::int AS n FROM audit_entries WHERE org_id = :org"
        " AND action = 'exports.replay_all'",
        org=company.org_id,
    )
    assert [each["n"] for each in audited] == [export_dead_letters.BATCH] * (MANY // export_dead_letters.BATCH)


def test_it_is_audited_by_numbers_and_names(
    client: CheckedClient, company: Company, jobs: JobsProbe, four: dict[str, UUID]
) -> None:
    _ask(client, company, {"error_contains": "refused", "event": "order.confirmed"})
    _drain_runs(jobs)
    entries = rows("SELECT action, after FROM audit_entries WHERE org_id = :org ORDER BY id", org=company.org_id)
    audited = {entry["action"]: entry["after"] for entry in entries}
    assert audited["exports.replay_all"] == {"chosen_by": ["event", "error_contains"], "replayed": 1}
    assert audited["job_runs.ask"]["wishes"] == ["error_contains", "event"]
    assert "refused" not in str(audited)


def test_dead_ones_are_asked_for_by_the_words_of_their_index(company: Company) -> None:
    """Postgres takes a partial index for a condition that it can read, and reads through no CASE."""
    asked: list[str] = []
    with transaction(company.scope) as session:
        listen = (session.connection(), "before_cursor_execute", lambda *told: asked.append(told[2]))
        event.listen(*listen)
        dead_letters.replay_batch(session, company.owner, Filters(), dead_before=NOW, limit=9, now=NOW)
        event.remove(*listen)
    (statement,) = asked
    assert "exports.state = 'dead' AND CASE" in statement
