"""Events delivered by several workers at once, with nothing held while a receiver is waited for."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from shared.wiring import Services
from tests.concurrency.together import together
from tests.exports.conftest import exporting
from tests.exports.receivers import Connection, Got, Receiver, receiver, says
from tests.exports.steps import endpoint, export, make_events
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from worker.tasks import exports as tasks


@pytest.fixture
def target(services: Services) -> Iterator[Receiver]:
    with receiver() as found:
        exporting(services, export_webhook_url=found.url)
        yield found


def test_no_connection_is_held_while_a_receiver_is_waited_for(
    company: Company, jobs: JobsProbe, services: Services, target: Receiver
) -> None:
    pools: list[Any] = [services.database.writer.pool, services.database.reader.pool]
    held = []

    def looks(connection: Connection, got: Got) -> bool:
        held.append(sum(pool.checkedout() for pool in pools))
        return says(204)(connection, got)

    target.behave = looks
    make_events(company, 3)
    jobs.drain()
    assert held == [0, 0, 0]


def test_many_turns_at_once_deliver_each_event_once(company: Company, jobs: JobsProbe, target: Receiver) -> None:
    ids = make_events(company, 60)
    jobs.enqueued()
    together(*[lambda: tasks._turn(company.scope)] * 8)
    jobs.drain()
    assert Counter(target.ids) == {str(each): 1 for each in ids}
    assert {(export(each)["state"], export(each)["attempts"]) for each in ids} == {("delivered", 1)}
    assert endpoint(company)["busy_until"] is None
