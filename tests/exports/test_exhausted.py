"""Events that have been owed for longer than all tries take."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.exports import delivering
from shared.exports.outcomes import all_tries_take, exhausted_after
from shared.wiring import Services
from tests.exports.conftest import exporting
from tests.exports.receivers import Receiver, says
from tests.exports.steps import change, endpoint, export, make_event, make_events, pass_time, state, sweep
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.plans import join_row_by_row
from tests.variants import with_settings
from worker.core import boot

LONG = timedelta(days=3)


def give_up(limit: int = 100, company: Company | None = None) -> int:
    with transaction(company.scope if company else PLATFORM) as session:
        join_row_by_row(session)
        settings = boot.services().settings
        return delivering.give_up_exhausted(session, settings, now=datetime.now(UTC), limit=limit)


@pytest.fixture
def failing(company: Company, jobs: JobsProbe, target: Receiver) -> list[UUID]:
    """Six events: three tried once, three not at all, of a target that has failed ever since."""
    target.behave = says(500)
    ids = make_events(company, 6)
    jobs.drain()
    return ids


def test_they_are_dead_in_batches(company: Company, failing: list[UUID]) -> None:
    pass_time(LONG)
    assert [give_up(limit=4), give_up(limit=4), give_up(limit=4)] == [4, 2, 0]
    for event_id in failing:
        found = export(event_id)
        assert (found["state"], found["next_attempt_at"]) == ("dead", None)
        assert found["dead_at"] is not None
        tried = found["attempts"] > 0
        assert found["last_error"] == ("The target answered 500." if tried else delivering.EXHAUSTED)


def test_in_an_organizations_own_scope_only_its_own_are(
    company: Company, neighbour: Company, failing: list[UUID]
) -> None:
    pass_time(LONG)
    assert give_up(company=neighbour) == 0
    assert give_up(company=company) == 6


def test_nothing_is_given_up_before_its_time(company: Company, failing: list[UUID], services: Services) -> None:
    pass_time(exhausted_after(services.settings) - timedelta(minutes=1))
    assert give_up() == 0


def test_few_tries_do_not_mean_that_untried_events_are_given_up_after_minutes(
    company: Company, failing: list[UUID], services: Services
) -> None:
    boot.use(with_settings(boot.services(), export_webhook_max_retries=1))
    pass_time(timedelta(hours=23))
    assert give_up() == 0
    pass_time(timedelta(hours=1))
    assert give_up() == 6


def test_a_target_that_has_asked_for_a_long_rest_still_fails(company: Company, failing: list[UUID]) -> None:
    pass_time(LONG)
    change("webhook_endpoints", "last_failure_at = now() - interval '2 h', rests_until = now() + interval '20 h'")
    assert give_up() == 6


@pytest.mark.parametrize(
    "waits",
    [
        "state = 'disabled'",
        "failing_since = now() - interval '1 hour'",
        "failing_since = NULL",
        "last_failure_at = last_failure_at - interval '2 days'",
    ],
)
def test_what_waits_for_another_reason_is_not_exhausted(company: Company, failing: list[UUID], waits: str) -> None:
    pass_time(LONG)
    change("webhook_endpoints", waits)
    assert give_up() == 0


@pytest.mark.parametrize("failed_before", [False, True])
def test_a_failure_after_a_long_pause_gives_up_nothing(
    company: Company, jobs: JobsProbe, target: Receiver, failed_before: bool
) -> None:
    """Nobody has tried the target meanwhile: it may have been well."""
    if failed_before:
        target.behave = says(500)
    make_event(company)
    jobs.drain()
    target.behave = says(500)
    make_events(company, 6)
    jobs.enqueued()
    pass_time(LONG)
    change("webhook_endpoints", "last_failure_at = last_failure_at - interval '3 days'")
    sweep(jobs)
    jobs.drain()
    assert endpoint(company)["last_failure_at"] > datetime.now(UTC) - timedelta(minutes=1)
    assert give_up() == 0
    pass_time(LONG)
    assert give_up() > 5


def test_it_counts_from_the_first_failure_in_a_row(company: Company, jobs: JobsProbe, failing: list[UUID]) -> None:
    since = endpoint(company)["failing_since"]
    pass_time(timedelta(minutes=50))
    sweep(jobs)
    jobs.drain()
    failed = endpoint(company)
    assert (failed["failures"], failed["failing_since"]) == (4, since - timedelta(minutes=50))


def test_nor_is_anything_while_exports_are_off(company: Company, failing: list[UUID], services: Services) -> None:
    pass_time(LONG)
    exporting(services, export_mode="off")
    assert give_up() == 0
    assert state(failing[0]) == ("retrying", 1)


def test_one_that_was_replayed_begins_anew(company: Company, failing: list[UUID]) -> None:
    pass_time(LONG)
    change("exports", "owed_since = now() WHERE id = :id", id=failing[0])
    assert give_up() == 5


def test_all_tries_take_a_day_and_a_half(services: Services) -> None:
    assert timedelta(hours=30) < all_tries_take(services.settings) < timedelta(hours=40)
