"""An organization's own target, its secrets, and what changes while events are on their way."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.core import webhook_secrets
from shared.core.sealing import seal
from shared.wiring import Services
from tests.exports.conftest import exporting
from tests.exports.receivers import SECRET, Connection, Got, Receiver, receiver, says
from tests.exports.steps import change, endpoint, make_event, state
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe


def own_target(company: Company, services: Services, url: str, *secrets: str, until: datetime | None = None) -> None:
    """Set the company's own target, as the API will: the current secret, and the one before."""
    sealed = [seal(services.settings, secret) for secret in secrets] + [None, None]
    change(
        "webhook_endpoints",
        "url = :url, sealed_secret = :secret, sealed_previous_secret = :previous, previous_secret_until = :until,"
        " version = version + 1",
        url=url,
        secret=sealed[0],
        previous=sealed[1],
        until=until,
    )


@pytest.fixture
def met(company: Company, jobs: JobsProbe, target: Receiver) -> Company:
    """A company that has a row for its target."""
    make_event(company)
    jobs.drain()
    target.requests.clear()
    return company


def test_events_go_to_the_organizations_own_target(
    met: Company, neighbour: Company, jobs: JobsProbe, services: Services, target: Receiver
) -> None:
    secret = webhook_secrets.make()
    with receiver() as own:
        own_target(met, services, own.url, secret)
        make_event(met)
        make_event(neighbour)
        jobs.drain()
        (got,) = own.requests
        assert got.verify(secret)["organization"]["slug"] == met.slug
        (other,) = target.requests
        assert other.verify(SECRET)["organization"]["slug"] == neighbour.slug


def test_the_secret_before_signs_as_well_until_its_time_is_over(
    met: Company, jobs: JobsProbe, services: Services
) -> None:
    new, old = webhook_secrets.make(), webhook_secrets.make()
    with receiver() as own:
        own_target(met, services, own.url, new, old, until=datetime.now(UTC) + timedelta(hours=1))
        make_event(met)
        jobs.drain()
        change("webhook_endpoints", "previous_secret_until = now() - interval '1 s'")
        make_event(met)
        jobs.drain()
        both, alone = own.requests
        assert both.verify(new)
        assert both.verify(old)
        assert alone.verify(new)
        assert len(alone.headers["webhook-signature"].split()) == 1


def test_the_installations_secrets_rotate_too(company: Company, jobs: JobsProbe, services: Services) -> None:
    new = webhook_secrets.make()
    secret = type(services.settings.auth_secret_key)(f"{new}, {SECRET}")
    with receiver() as found:
        exporting(services, export_webhook_url=found.url, export_webhook_secret=secret)
        make_event(company)
        jobs.drain()
        assert found.requests[0].verify(new)
        assert found.requests[0].verify(SECRET)


@pytest.mark.parametrize("sealed", [None, "sealed with a key that is gone"])
def test_without_a_secret_nothing_is_sent_and_nothing_is_lost(
    met: Company, jobs: JobsProbe, services: Services, sealed: str | None
) -> None:
    with receiver() as own:
        own_target(met, services, own.url, SECRET)
        change("webhook_endpoints", "sealed_secret = :sealed", sealed=sealed)
        event_id = make_event(met)
        jobs.drain()
        assert state(event_id) == ("pending", 0)
        assert own.connections == 0
    held = endpoint(met)
    assert held["last_error"].startswith("The secret cannot be used: ")
    assert held["rests_until"] > datetime.now(UTC) + timedelta(minutes=4)
    assert held["busy_until"] is None


def test_a_target_that_is_changed_meanwhile_does_not_answer_for_the_old_one(
    met: Company, jobs: JobsProbe, target: Receiver
) -> None:
    def changes(connection: Connection, got: Got) -> bool:
        change("webhook_endpoints", "version = version + 1")  # while the worker waits
        return says(410)(connection, got)

    target.behave = changes
    event_id = make_event(met)
    jobs.enqueued()
    jobs.run("exports.deliver", {"org_id": str(met.org_id)})
    held = endpoint(met)
    assert (held["state"], held["busy_until"], held["last_error"]) == ("active", None, None)
    assert state(event_id) == ("pending", 0)
