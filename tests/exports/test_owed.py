"""Events that nobody delivers for now: exports are off, there is no target, a message or a worker is gone."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.core.transaction import transaction
from shared.exports import delivering
from shared.exports.jobs import DELIVER
from shared.exports.outcomes import dead
from shared.exports.targets import LEASE_SLACK_SECONDS
from shared.wiring import Services
from tests.exports.conftest import exporting
from tests.exports.receivers import Receiver
from tests.exports.steps import change, endpoint, export, make_event, make_events, pass_time, state, sweep
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe


def test_while_exports_are_off_events_wait(company: Company, jobs: JobsProbe, services: Services) -> None:
    exporting(services, export_mode="off")
    event_id = make_event(company)
    assert jobs.drain() == []
    pass_time(timedelta(days=9))
    sweep(jobs)
    assert jobs.drain() == []
    assert state(event_id) == ("pending", 0)


def test_the_sweep_finds_what_has_waited_when_exports_are_turned_on(
    company: Company, jobs: JobsProbe, services: Services, target: Receiver
) -> None:
    exporting(services, export_mode="off")
    event_id = make_event(company)
    assert jobs.enqueued() == []
    exporting(services, export_webhook_url=target.url)
    sweep(jobs)
    assert jobs.drain() == [DELIVER.name]
    assert state(event_id) == ("delivered", 1)


def test_without_a_target_events_wait(company: Company, jobs: JobsProbe, services: Services) -> None:
    exporting(services, export_webhook_url="")
    event_id = make_event(company)
    jobs.drain()
    pass_time(timedelta(days=9))
    sweep(jobs)
    assert jobs.drain() == []
    assert state(event_id) == ("pending", 0)


def test_a_message_that_comes_again_sends_nothing_again(company: Company, jobs: JobsProbe, target: Receiver) -> None:
    event_id = make_event(company)
    jobs.drain()
    for name in ("exports.deliver", "exports.go_on"):
        jobs.run(name, {"org_id": str(company.org_id)})
    assert target.ids == [str(event_id)]


def test_an_event_whose_workers_die_is_dead_in_the_end(company: Company, jobs: JobsProbe, target: Receiver) -> None:
    event_id, other = make_events(company, 2)
    change("exports", "state = 'delivering', attempts = 9 WHERE id = :id", id=event_id)
    jobs.drain()
    assert state(event_id) == ("dead", 10)
    assert export(event_id)["last_error"] == "The worker died while delivering, every time."
    assert target.ids == [str(other)]


def test_the_lease_of_a_dead_worker_runs_out(company: Company, jobs: JobsProbe, target: Receiver) -> None:
    event_id = make_event(company)
    change("exports", "state = 'delivering', attempts = 1, next_attempt_at = now() + interval '30 s'")
    jobs.drain()
    change("webhook_endpoints", "busy_until = now() + interval '30 s'")
    sweep(jobs)
    assert jobs.drain() == []
    assert state(event_id) == ("delivering", 1)
    pass_time(timedelta(seconds=31))
    sweep(jobs)
    jobs.drain()
    assert state(event_id) == ("delivered", 2)
    assert endpoint(company)["busy_until"] is None


def test_one_worker_at_a_time_serves_a_target(company: Company, jobs: JobsProbe, target: Receiver) -> None:
    event_id = make_event(company)
    jobs.drain()
    late = make_event(company)
    change("webhook_endpoints", "busy_until = now() + interval '30 s'")
    jobs.drain()
    assert target.ids == [str(event_id)]
    assert state(late) == ("pending", 0)


def test_a_message_that_was_lost_is_brought_back(company: Company, jobs: JobsProbe, target: Receiver) -> None:
    event_id = make_event(company)
    jobs.enqueued()  # lost
    sweep(jobs)
    assert jobs.drain() == [DELIVER.name]
    assert target.ids == [str(event_id)]


def test_the_sweep_asks_each_organization_once_page_by_page(
    company: Company, neighbour: Company, jobs: JobsProbe, target: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("worker.tasks.exports.SWEEP_BATCH", 1)
    for each in (company, neighbour):
        make_events(each, 3)
    jobs.enqueued()
    sweep(jobs)
    asked = [UUID(arguments["org_id"]) for _, arguments in jobs.enqueued()]
    assert asked == sorted([company.org_id, neighbour.org_id])


def test_a_worker_that_comes_back_late_writes_nothing_over_the_next_ones_try(
    company: Company, jobs: JobsProbe, services: Services
) -> None:
    """Its lease is over, and another worker has the event."""
    event_id, settings, now = make_event(company), services.settings, datetime.now(UTC)
    with transaction(company.scope) as session:
        late = delivering.claim(session, company.org_id, settings, now=now)
        assert late is not None
    later = now + timedelta(seconds=settings.export_webhook_timeout_seconds + LEASE_SLACK_SECONDS)
    with transaction(company.scope) as session:
        other = delivering.claim(session, company.org_id, settings, now=later)
        assert other is not None
        delivering.record(session, late, dead(late, "too late to say so", now=later))
    assert state(event_id) == ("delivering", 2)
    with transaction(company.scope) as session:
        delivering.record(session, other, dead(other, "refused", now=later))
    assert state(event_id) == ("dead", 2)
