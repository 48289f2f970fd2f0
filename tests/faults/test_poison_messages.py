"""What does not belong into a queue takes nothing else down with it."""

from collections.abc import Iterator

import pytest

from ops.quickstart.supervisor import Process, Supervisor
from tests.faults.owner import Owner
from tests.faults.system import System
from tests.faults.waiting import eventually
from tests.servers import ROOT

RUNS = ("api", "beat")


@pytest.fixture
def supervisor(system: System) -> Iterator[Supervisor]:
    """Keeps a worker up, as `make run` does."""
    supervisor = Supervisor(str(system.folder))
    command, log = system.program("worker").command, system.folder / "supervised.log"
    supervisor.start(Process("worker", command, system.env, log, ROOT, grace=5.0))
    yield supervisor
    supervisor.stop()


def confirmed_and_mailed(system: System, owner: Owner, supervisor: Supervisor) -> None:
    placed = owner.place_order()
    assert owner.confirm(placed).status_code == 200
    system.let_time_pass()  # a worker that ends may take the message along; then the sweep brings it back after 30 s

    def mailed() -> bool:
        supervisor.tick()
        return len(system.mails_to(placed.client_email)) == 1

    eventually(mailed, "the mail is sent")


def wait_idle(system: System, supervisor: Supervisor) -> None:
    """The worker may meet the garbage only after the mail is sent."""

    def is_idle() -> bool:
        supervisor.tick()
        return system.is_idle()

    eventually(is_idle, "all is done")


def test_garbage_in_a_queue_costs_a_restart_of_the_worker_at_most(
    system: System, owner: Owner, supervisor: Supervisor
) -> None:
    confirmed_and_mailed(system, owner, supervisor)
    for garbage in (b"not json", b"{}", b'{"body": 7, "properties": {}}', b"\xff\xfe\x00"):
        system.redis.lpush("email", garbage)
        confirmed_and_mailed(system, owner, supervisor)
    wait_idle(system, supervisor)


def test_a_task_that_nobody_knows_is_dropped(system: System, owner: Owner, supervisor: Supervisor) -> None:
    confirmed_and_mailed(system, owner, supervisor)
    before = [record.pid for record in supervisor.records]
    system.publish_again("nobody.knows", "email", times=3)
    system.publish_again("messages.send", "email", times=3, nonsense="1")
    system.publish_again("messages.send", "email", times=1, org_id="not-a-uuid", message_id="neither")
    confirmed_and_mailed(system, owner, supervisor)
    assert [record.pid for record in supervisor.records] == before
    system.wait_idle()
