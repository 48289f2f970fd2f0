"""Workers die while they send: the lease ends, another one sends, and nobody gets more than one extra copy."""

import os
import signal

import psutil
import pytest

from tests.faults.owner import Owner, Placed
from tests.faults.system import System
from tests.faults.waiting import eventually

STALL_SECONDS = 60  # longer than anybody waits: only a kill ends it


def is_sent(system: System, placed: Placed) -> bool:
    return [state for state, _ in system.mail_rows(placed.client_email)] == ["sent"]


def assert_sent_with_at_most_one_extra_copy(system: System, placed: Placed) -> None:
    eventually(lambda: is_sent(system, placed), "the mail is sent")
    system.wait_idle()
    copies = system.mails_to(placed.client_email)
    assert 1 <= len(copies) <= 2
    assert len({copy.message_id for copy in copies}) == 1


def confirmed_into_a_stall(system: System, owner: Owner) -> Placed:
    """An order whose mail is on its way at this moment, and stays there."""
    placed = owner.place_order()
    system.smtp_fault("stall", count=1, seconds=STALL_SECONDS)
    assert owner.confirm(placed).status_code == 200
    eventually(lambda: system.mails_to(placed.client_email), "the mail server has the mail")
    assert system.mail_rows(placed.client_email) == [("sending", 1)]
    return placed


def sender(system: System) -> int:
    """The process id of the worker's child that talks to the mail server now."""
    children = psutil.Process(system.program("worker").pid).children()
    (pid,) = (child.pid for child in children if system.smtp_port in peer_ports(child))
    return pid


def peer_ports(process: psutil.Process) -> set[int]:
    return {connection.raddr.port for connection in process.net_connections() if connection.raddr}


def test_a_mail_whose_worker_was_killed_while_sending_is_sent_by_another(system: System, owner: Owner) -> None:
    placed = confirmed_into_a_stall(system, owner)
    system.kill("worker")
    system.start("worker_2")
    assert_sent_with_at_most_one_extra_copy(system, placed)
    assert system.mail_rows(placed.client_email) == [("sent", 2)]


def test_a_mail_whose_pool_process_was_killed_is_sent_by_its_sibling(system: System, owner: Owner) -> None:
    """As the kernel's out-of-memory killer does it. The broker counts the message as done; the lease does not."""
    placed = confirmed_into_a_stall(system, owner)
    os.kill(sender(system), signal.SIGKILL)
    assert_sent_with_at_most_one_extra_copy(system, placed)
    assert system.mail_rows(placed.client_email) == [("sent", 2)]
    assert system.program("worker").runs


def test_a_worker_that_dies_before_it_writes_sent_costs_one_extra_copy(system: System, owner: Owner) -> None:
    system.kill("worker")
    crashing = system.arm("worker", "after send")
    placed = owner.place_order()
    assert owner.confirm(placed).status_code == 200
    crashing.wait_killed()
    assert system.mail_rows(placed.client_email) == [("sending", 1)]
    system.kill("worker")
    system.usual("worker")
    system.start("worker")
    assert_sent_with_at_most_one_extra_copy(system, placed)


def test_a_connection_lost_after_the_data_is_tried_again(system: System, owner: Owner) -> None:
    placed = owner.place_order()
    system.smtp_fault("drop_after_data", count=1)
    assert owner.confirm(placed).status_code == 200
    assert_sent_with_at_most_one_extra_copy(system, placed)
    assert system.mail_rows(placed.client_email) == [("sent", 2)]


@pytest.mark.parametrize("times", [1, 3])
def test_a_server_that_says_later_gets_the_mail_later(system: System, owner: Owner, times: int) -> None:
    placed = owner.place_order()
    system.smtp_fault("reject_4xx", count=times)
    assert owner.confirm(placed).status_code == 200
    eventually(lambda: is_sent(system, placed), "the mail is sent")
    assert system.mail_rows(placed.client_email) == [("sent", times + 1)]
    assert len(system.mails_to(placed.client_email)) == 1


def test_a_worker_told_to_stop_finishes_the_mail_in_hand_and_leaves_the_others_queued(
    system: System, owner: Owner
) -> None:
    system.kill("beat")  # its sweeps would hand the mail to nobody else before the lease ends, but why risk it
    orders = [owner.place_order() for _ in range(6)]
    system.smtp_fault("stall", count=2, seconds=1.5)
    for placed in orders:
        assert owner.confirm(placed).status_code == 200
    eventually(lambda: any(system.mails_to(placed.client_email) for placed in orders), "sending has begun")
    system.program("worker").terminate()
    assert system.program("worker").wait() == 0
    finished = [placed for placed in orders if is_sent(system, placed)]
    assert finished
    system.let_time_pass()
    system.start("worker", "beat")
    for placed in orders:
        assert_sent_with_at_most_one_extra_copy(system, placed)
    assert all(len(system.mails_to(placed.client_email)) == 1 for placed in finished)
