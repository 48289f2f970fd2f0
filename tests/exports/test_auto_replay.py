"""Dead events are replayed by themselves: within limits, and only while a probe says that their target is back."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from shared.core.transaction import transaction
from shared.exports import auto_replaying
from shared.exports.auto_replaying import Limits
from shared.job_runs.model import Trigger
from shared.job_runs.service import Asked
from shared.wiring import Services
from tests.exports.conftest import exporting
from tests.exports.drill_receivers import judging, verifying
from tests.exports.looking_after import endpoint_of, look_after, now, state_of
from tests.exports.receivers import Receiver, receiver, says
from tests.factories.exports import SECRET, make_dead_export, make_endpoint, make_export
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.rows import row, rows
from tests.variants import with_settings
from worker.core import boot, periodic

SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def good() -> Iterator[Receiver]:
    with receiver(judging(verifying(SECRET))) as found:
        yield found


@pytest.fixture
def delivering(company: Company, good: Receiver, jobs: JobsProbe) -> Services:
    """The company's endpoint is well."""
    make_endpoint(company, url=good.url)
    return exporting(company.services, export_webhook_url="")


def test_when_the_target_is_back_its_dead_events_are_replayed(
    company: Company, good: Receiver, delivering: Services, jobs: JobsProbe
) -> None:
    dead = [make_dead_export(company) for _ in range(3)]
    others = [make_export(company, state=state) for state in ("delivered", "retrying")]
    jobs.enqueued()
    assert look_after() == {"probed": 1, "replayed": 3}
    assert {state_of(each) for each in dead} == {"pending"}
    assert [state_of(each) for each in others] == ["delivered", "retrying"]
    kept = row("SELECT * FROM exports WHERE id = :id", id=dead[0])
    assert (kept["attempts"], kept["replays"], kept["auto_replays"], kept["dead_at"]) == (0, 1, 1, None)
    assert now() - MINUTE < kept["auto_replayed_at"] <= now()
    assert _events(good) == ["endpoint.probe"]
    assert ("exports.deliver", {"org_id": str(company.org_id)}) in jobs.enqueued()
    probed = endpoint_of(company.org_id)
    assert probed["probe_worked"] is True
    assert now() - MINUTE < probed["probed_at"] <= now()


def test_a_probe_is_signed_says_nothing_and_has_an_id_of_its_own(
    company: Company, good: Receiver, delivering: Services
) -> None:
    make_dead_export(company)
    look_after()
    (got,) = good.requests
    assert (got.event["data"], got.event["organization"]) == ({}, {"id": str(company.org_id), "slug": company.slug})
    assert got.id.startswith("probe_")
    assert endpoint_of(company.org_id)["probe_worked"] is True


LIMITS = Limits(7 * DAY, 3, 6 * HOUR)
EDGES: dict[str, tuple[dict[str, Any], bool]] = {
    "younger than seven days": ({"created_at": -7 * DAY + MINUTE}, True),
    "seven days old": ({"created_at": -7 * DAY}, False),
    "replayed twice": ({"auto_replays": 2, "auto_replayed_at": -DAY}, True),
    "replayed three times": ({"auto_replays": 3, "auto_replayed_at": -DAY}, False),
    "six hours after the last time": ({"auto_replays": 1, "auto_replayed_at": -6 * HOUR}, True),
    "a moment less": ({"auto_replays": 1, "auto_replayed_at": -6 * HOUR + SECOND}, False),
    "replayed by hand just now": ({"replays": 9}, True),
    "its person was erased": ({"payload": {}}, False),
    "not dead": ({"state": "retrying"}, False),
}


@pytest.mark.parametrize("edge", EDGES)
def test_the_limits_at_their_edges(company: Company, services: Services, edge: str) -> None:
    moment = now()
    given, is_replayed = EDGES[edge]
    values: dict[str, Any] = {
        name: moment + value if isinstance(value, timedelta) else value for name, value in given.items()
    }
    make_dead_export(company, **values)
    make_endpoint(company, probed_at=moment, probe_worked=True)
    with transaction(company.scope) as session:
        waiting = auto_replaying.find_waiting(session, LIMITS, after=None, probed_before=moment, now=moment, limit=10)
        counted = auto_replaying.count_within(session, LIMITS, has_default=True, now=moment)
        replayed = auto_replaying.replay_batch(
            session, company.org_id, LIMITS, probed_since=moment, limit=10, now=moment
        )
    assert (waiting == [company.org_id], counted, replayed) == (is_replayed, int(is_replayed), int(is_replayed))


WELL = {"probe_worked": True, "state": "active"}
TARGETS: dict[str, tuple[dict[str, Any], bool]] = {
    "probed in this run, and well": (WELL, True),
    "disabled since the probe": (WELL | {"state": "disabled"}, False),
    "probed in this run, and ill": (WELL | {"probe_worked": False}, False),
    "well in an earlier run": (WELL | {"probed_at": now() - HOUR}, False),
    "never probed": (WELL | {"probed_at": None, "probe_worked": None}, False),
}


@pytest.mark.parametrize("fares", TARGETS)
def test_nothing_is_replayed_without_a_probe_of_this_run_that_worked(
    company: Company, services: Services, fares: str
) -> None:
    values, is_replayed = TARGETS[fares]
    moment = now()
    make_endpoint(company, **{"probed_at": moment} | values)
    dead = make_dead_export(company)
    with transaction(company.scope) as session:
        auto_replaying.replay_batch(session, company.org_id, LIMITS, probed_since=moment, limit=10, now=moment)
    assert (state_of(dead) == "pending") is is_replayed


def test_the_settings_are_the_limits(company: Company, good: Receiver, delivering: Services) -> None:
    assert Limits.of(delivering.settings) == LIMITS
    dead = make_dead_export(company)
    exporting(company.services, export_dead_letter_auto_replay=False)
    assert "probed" not in look_after()
    assert (state_of(dead), good.requests) == ("dead", [])


def test_a_disabled_endpoint_is_not_probed(company: Company, good: Receiver, delivering: Services) -> None:
    make_endpoint(company, url=good.url, state="disabled", disabled_reason="410 Gone")
    dead = make_dead_export(company)
    look_after()
    assert (state_of(dead), good.requests) == ("dead", [])


@pytest.mark.parametrize("status", [302, 404, 410, 500])
def test_while_the_target_is_ill_nothing_is_replayed(company: Company, jobs: JobsProbe, status: int) -> None:
    dead = make_dead_export(company)
    with receiver(says(status)) as ill:
        make_endpoint(company, url=ill.url)
        counts = look_after()
        assert _events(ill) == ["endpoint.probe"]
    assert (counts["probed"], counts["probes_failed"], counts.get("replayed", 0)) == (1, 1, 0)
    assert state_of(dead) == "dead"
    assert endpoint_of(company.org_id)["probe_worked"] is False


def test_one_broken_target_does_not_stop_the_others(
    company: Company, neighbour: Company, good: Receiver, jobs: JobsProbe
) -> None:
    """Whichever comes first: nobody listens, a URL that is refused, a secret that nobody can read."""
    broken: list[dict[str, Any]] = [
        {"url": "http://127.0.0.1:1/"},
        {"url": "http://10.0.0.1/"},
        {"url": good.url, "secret": None, "sealed_secret": "gAAAA-nobody-can-read-this"},
    ]
    for values in broken:
        for ill, well in ((company, neighbour), (neighbour, company)):
            make_endpoint(ill, **values)
            make_endpoint(well, url=good.url)
            dead, back = make_dead_export(ill), make_dead_export(well)
            look_after()
            assert (state_of(dead), state_of(back)) == ("dead", "pending"), values


def test_the_installations_target_is_asked_once_for_all(
    company: Company, neighbour: Company, good: Receiver, jobs: JobsProbe
) -> None:
    secret = type(company.services.settings.export_webhook_secret)(SECRET)
    exporting(company.services, export_webhook_url=good.url, export_webhook_secret=secret)
    dead = [make_dead_export(each) for each in (company, neighbour)]
    assert look_after()["replayed"] == 2
    assert [state_of(each) for each in dead] == ["pending", "pending"]
    assert _events(good) == ["endpoint.probe"]
    assert [endpoint_of(each.org_id)["probe_worked"] for each in (company, neighbour)] == [True, True]


def test_without_a_target_nothing_is_sent_and_nothing_replayed(
    company: Company, good: Receiver, delivering: Services
) -> None:
    make_endpoint(company, url=None, sealed_secret=None, secret=None)
    dead = make_dead_export(company)
    look_after()
    assert (state_of(dead), good.requests, endpoint_of(company.org_id)["probe_worked"]) == ("dead", [], False)


def test_a_run_in_one_organization_leaves_the_others_alone(
    company: Company, neighbour: Company, good: Receiver, delivering: Services
) -> None:
    make_endpoint(neighbour, url=good.url)
    mine, theirs = make_dead_export(company), make_dead_export(neighbour)
    assert look_after(company.scope)["replayed"] == 1
    assert (state_of(mine), state_of(theirs)) == ("pending", "dead")


def test_a_dry_run_counts_and_does_nothing(company: Company, good: Receiver, delivering: Services) -> None:
    dead = [make_dead_export(company) for _ in range(2)]
    make_dead_export(company, auto_replays=3)
    before = endpoint_of(company.org_id)
    assert look_after(dry_run=True) == {"replayed": 2}
    assert [state_of(each) for each in dead] == ["dead", "dead"]
    assert good.requests == []
    assert endpoint_of(company.org_id) == before


@pytest.mark.parametrize(("mode", "replayed"), [("off", 0), ("webhook", 1)])
def test_what_would_not_be_sent_is_not_counted(
    company: Company, neighbour: Company, good: Receiver, delivering: Services, mode: str, replayed: int
) -> None:
    """The neighbour has no target at all."""
    for each in (company, neighbour):
        make_dead_export(each)
    boot.use(with_settings(boot.services(), export_mode=mode))
    counted = look_after(dry_run=True).get("replayed", 0)
    assert counted == look_after().get("replayed", 0) == replayed


def test_a_dry_run_counts_one_organization_after_the_other(
    company: Company,
    neighbour: Company,
    good: Receiver,
    delivering: Services,
    jobs: JobsProbe,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A turn is over after one of them; the next goes on behind it."""
    monkeypatch.setattr(periodic, "TIME_BUDGET", timedelta())
    make_endpoint(neighbour, url=good.url)
    for each in (company, neighbour, neighbour):
        make_dead_export(each)
    jobs.enqueued()
    asked = Asked("export_dead_letter", None, Trigger.COMMAND, dry_run=True)
    run_id = periodic.run_now(asked)["run_id"]
    assert jobs.drain().count("job_runs.go_on") >= 2
    done = row("SELECT state, counts, details -> 'at' AS at FROM job_runs WHERE id = :id", id=run_id)
    assert done == {"state": "succeeded", "counts": {"given_up": 0, "replayed": 3}, "at": None}


def test_what_a_turn_has_left_is_replayed_in_the_next_without_another_probe(
    company: Company, good: Receiver, delivering: Services
) -> None:
    """The turn was over between two batches: what it knows is in the run's details and at the endpoint."""
    details: dict[str, Any] = {}
    first = make_dead_export(company)
    look_after(details=details)
    left = make_dead_export(company)
    look_after(details=details)
    assert (state_of(first), state_of(left)) == ("pending", "pending")
    assert _events(good) == ["endpoint.probe"]
    look_after()
    assert _events(good) == ["endpoint.probe"]  # nothing was dead, so nobody was asked


def test_it_is_audited_by_numbers(company: Company, delivering: Services) -> None:
    for _ in range(2):
        make_dead_export(company)
    look_after()
    audited = rows(
        "SELECT actor_label, after FROM audit_entries WHERE org_id = :org AND action = 'exports.auto_replay'",
        org=company.org_id,
    )
    assert audited == [{"actor_label": "export_dead_letter", "after": {"replayed": 2}}]


def test_beat_runs_it(company: Company, good: Receiver, delivering: Services, jobs: JobsProbe) -> None:
    dead = make_dead_export(company)
    jobs.run("exports.dead_letter")
    assert state_of(dead) == "pending"
    run = row("SELECT state, counts FROM job_runs WHERE job = 'export_dead_letter'")
    assert (run["state"], run["counts"]["replayed"], run["counts"]["probed"]) == ("succeeded", 1, 1)


def _events(found: Receiver) -> list[str]:
    return [got.event["type"] for got in found.requests]
