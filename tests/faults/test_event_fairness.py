"""Targets that hang, with thousands of events due: those of other organizations leave all the same."""

import time
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
import structlog

from shared.wiring import Services
from tests.exports.receivers import Receiver, hangs_after, receiver
from tests.faults.events import export_settings, exporting
from tests.faults.system import System
from tests.faults.waiting import eventually

RUNS = ("worker", "beat")
PROMISED_SECONDS = 5.0
ROUNDS = 6
PILE = 10_000

log = structlog.get_logger("fairness")


@pytest.fixture(scope="module")
def target(installation: System) -> Iterator[Receiver]:
    """Where the events of organizations go that have no target of their own."""
    with receiver() as found, installation.with_settings(export_settings(found.url), *RUNS):
        yield found


@pytest.mark.parametrize("hanging", [1, 3])
def test_an_event_leaves_in_time_while_others_hang(
    target: Receiver, system: System, process_services: Services, hanging: int
) -> None:
    """One worker with two processes, as by default; each try at a hanging target takes the usual 5 s."""
    with ExitStack() as stack:
        events = stack.enter_context(exporting(system, process_services, companies=hanging + 1))
        healthy, *others = events.companies
        hung = [stack.enter_context(receiver(hangs_after(b""))) for _ in others]
        for company, each in zip(others, hung, strict=True):
            events.send_to(company, each)
            events.pile_up(company, PILE)
        eventually(lambda: all(each.connections for each in hung), "all hang")
        waits = []
        for _ in range(ROUNDS):
            (event_id,) = events.promise(healthy, 1)
            started = time.monotonic()
            eventually(lambda: event_id in target.ids, "it has left")  # noqa: B023
            waits.append(time.monotonic() - started)
            time.sleep(0.7)  # at another moment of their tries
        log.info("left", waits=waits)
        assert max(waits) < PROMISED_SECONDS
        assert all(each.connections < 10 for each in hung)
        tried = f"SELECT count(*) FROM exports WHERE attempts > 0 AND {events.OURS}"
        assert system.sql(tried, events.orgs[1:])[0][0] < 10 * hanging  # the others keep their tries
