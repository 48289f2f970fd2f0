"""Dead events under people, runs and workers that come at the same moment: each replayed once, staff warned once."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from shared.core.actor import system
from shared.core.errors import Conflict
from shared.core.transaction import transaction
from shared.exports import auto_replaying, dead_letters, delivering, warning
from shared.exports.auto_replaying import Limits
from shared.exports.dead_letters import Filters
from shared.exports.model import ExportState
from shared.exports.outcomes import Outcome
from shared.wiring import Services
from tests.concurrency.together import together
from tests.exports.conftest import exporting
from tests.exports.looking_after import alerts_to, drill, endpoint_of, look_after, state_of
from tests.exports.receivers import Connection, Got, receiver, says
from tests.factories.exports import make_dead_export, make_endpoint, make_export
from tests.factories.organizations import Company
from tests.rows import row, rows
from worker.core import boot

PATH = "/v1/admin/export-dead-letter"


def _export(export_id: UUID) -> dict[str, Any]:
    return row("SELECT * FROM exports WHERE id = :id", id=export_id)


def test_of_two_replays_of_one_event_one_is_done(client: FlaskClient, company: Company) -> None:
    export_id, headers = make_dead_export(company), company.headers()

    def replay() -> int:
        fresh = client.application.test_client()
        return fresh.post(f"{PATH}/{export_id}/replay", headers=headers).status_code

    assert Counter(together(*[replay] * 4)) == {200: 1, 409: 3}
    assert (_export(export_id)["replays"], state_of(export_id)) == (1, "pending")


def test_a_replay_of_all_a_replay_of_one_and_the_automatic_one_take_each_event_once(company: Company) -> None:
    made = [make_dead_export(company) for _ in range(40)]
    now, actor = datetime.now(UTC), system(company.org_id, "test")
    make_endpoint(company, probed_at=now, probe_worked=True)
    limits = Limits(timedelta(days=7), 3, timedelta(hours=6))

    def by_hand() -> int:
        with transaction(company.scope) as session:
            return dead_letters.replay_batch(
                session, actor, Filters(), dead_before=datetime.now(UTC), limit=500, now=now
            )

    def by_itself() -> int:
        with transaction(company.scope) as session:
            return auto_replaying.replay_batch(session, company.org_id, limits, probed_since=now, limit=500, now=now)

    assert sum(together(by_hand, by_hand, by_itself, by_itself)) == len(made)
    assert {(_export(each)["state"], _export(each)["replays"]) for each in made} == {("pending", 1)}


def test_what_a_worker_is_delivering_is_not_replayed_and_its_outcome_is_kept(
    services: Services, company: Company
) -> None:
    make_export(company)
    with transaction(company.scope) as session:
        claimed = delivering.claim(session, company.org_id, services.settings, now=datetime.now(UTC))
    assert claimed is not None
    with pytest.raises(Conflict), transaction(company.scope) as session:
        dead_letters.replay(session, company.owner, claimed.id, now=datetime.now(UTC))
    done = Outcome(ExportState.DELIVERED, 1, delivered_at=datetime.now(UTC), last_status=204)
    with transaction(company.scope) as session:
        delivering.record(session, claimed, done)
    assert (_export(claimed.id)["state"], _export(claimed.id)["replays"]) == ("delivered", 0)


def test_a_worker_that_comes_back_late_does_not_write_over_a_replay(services: Services, company: Company) -> None:
    """Its lease ran out, another worker gave the event up, somebody has replayed it."""
    export_id = make_export(company)
    with transaction(company.scope) as session:
        claimed = delivering.claim(session, company.org_id, services.settings, now=datetime.now(UTC))
    assert claimed is not None
    dead = Outcome(ExportState.DEAD, 1, dead_at=datetime.now(UTC), last_error="gone")
    with transaction(company.scope) as session:
        delivering.record(session, claimed, dead)
    with transaction(company.scope) as session:
        dead_letters.replay(session, company.owner, export_id, now=datetime.now(UTC))
    with transaction(company.scope) as session:
        delivering.record(session, claimed, dead)
    assert (state_of(export_id), _export(export_id)["attempts"]) == ("pending", 0)


def test_two_runs_at_once_warn_once(company: Company) -> None:
    for _ in range(3):
        make_dead_export(company)
    now = datetime.now(UTC)

    def warn() -> int:
        with transaction(company.scope) as session:
            found = warning.find_changed(session, now=now, limit=100)
        with transaction(company.scope) as session:
            return warning.warn(session, company.org_id, now=now) if found else 0

    assert sum(together(*[warn] * 4)) == 1
    assert len(alerts_to(company.org_id)) == 1
    assert endpoint_of(company.org_id)["warned_dead"] == 3


def test_of_two_first_urls_one_is_set_and_one_has_to_read_it(client: FlaskClient, company: Company) -> None:
    headers = company.headers()

    def put(url: str) -> int:
        fresh = client.application.test_client()
        return fresh.put("/v1/webhook-endpoints/current", json={"url": url}, headers=headers).status_code

    urls = [f"https://hooks.example.com/{number}" for number in range(3)]
    assert Counter(together(*(partial(put, url) for url in urls))) == {200: 1, 428: 2}
    assert len(rows("SELECT 1 FROM webhook_endpoints WHERE org_id = :org", org=company.org_id)) == 1


def test_of_two_rotations_both_secrets_are_known_and_the_first_is_over(client: FlaskClient, company: Company) -> None:
    make_endpoint(company)
    before, headers = endpoint_of(company.org_id), company.headers()

    def rotate() -> int:
        fresh = client.application.test_client()
        return fresh.post("/v1/webhook-endpoints/current/rotate-secret", headers=headers).status_code

    assert together(rotate, rotate) == [200, 200]
    after = endpoint_of(company.org_id)
    assert after["version"] == before["version"] + 2
    assert before["sealed_secret"] not in {after["sealed_secret"], after["sealed_previous_secret"]}


def test_no_connection_is_held_while_a_target_is_asked(services: Services, company: Company) -> None:
    """Of the pool's: a slow target would keep it, and the locks of its transaction, from others."""
    held: list[int] = []

    def look(connection: Connection, got: Got) -> bool:
        pools: list[Any] = [services.database.writer.pool, services.database.reader.pool]
        held.append(sum(pool.checkedout() for pool in pools))
        return says(204)(connection, got)

    try:
        with receiver(look) as target:
            exporting(services, export_webhook_url="")
            make_endpoint(company, url=target.url)
            make_dead_export(company)
            assert look_after(company.scope)["replayed"] == 1
            drill(company.scope)
    finally:
        boot.use(services)
    assert held == [0] * 10
