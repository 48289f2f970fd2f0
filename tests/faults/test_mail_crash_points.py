"""Every line of the crash table of sending (`shared/messages`), with workers that really die there.

Three mails are promised. One at most is in a worker's hands, so one at most has lost a try and may arrive twice.
"""

import secrets
from collections.abc import Iterator

import pytest

from shared.wiring import Services
from tests.faults.crash_points import POISONED
from tests.faults.mails import Mailing, mailing
from tests.faults.system import System
from tests.faults.waiting import eventually

RUNS = ("beat",)
TRIES = 3


@pytest.fixture
def mails(system: System, process_services: Services) -> Iterator[Mailing]:
    with mailing(system, process_services, companies=1) as found:
        yield found


@pytest.mark.parametrize(
    ("crash_point", "left", "copies_then", "tries", "copies"),
    [
        # Nobody has the mails.
        ("before claim", ["queued 0", "queued 0", "queued 0"], [0, 0, 0], [1, 1, 1], [1, 1, 1]),
        # The first is claimed; its lease ends.
        ("before send", ["sending 1", "queued 0", "queued 0"], [0, 0, 0], [2, 1, 1], [1, 1, 1]),
        # The mail server has taken it, which nobody knows.
        ("after send", ["sending 1", "queued 0", "queued 0"], [1, 0, 0], [2, 1, 1], [2, 1, 1]),
        ("before record", ["sending 1", "queued 0", "queued 0"], [1, 0, 0], [2, 1, 1], [2, 1, 1]),
        # The next is claimed with the record, and was not offered yet.
        ("after record", ["sent 1", "sending 1", "queued 0"], [1, 0, 0], [1, 2, 1], [1, 1, 1]),
    ],
)
def test_a_worker_that_dies_on_a_mails_way(
    system: System,
    mails: Mailing,
    crash_point: str,
    left: list[str],
    copies_then: list[int],
    tries: list[int],
    copies: list[int],
) -> None:
    crashing = system.arm("worker", crash_point)
    mails.promise(mails.companies[0], 3)
    crashing.wait_killed()
    assert [f"{state} {attempts}" for state, attempts in mails.rows()] == left
    assert list(map(len, mails.copies().values())) == copies_then
    go_on_with_a_worker_that_lives(system)
    eventually(mails.all_sent, "all are sent")
    system.wait_idle()
    assert mails.rows() == [("sent", attempts) for attempts in tries]
    assert list(map(len, mails.copies().values())) == copies
    assert {to: set(found) for to, found in mails.copies().items()} == mails.message_ids()


def test_a_worker_that_dies_before_it_confirms_the_message_sends_nothing_again(system: System, mails: Mailing) -> None:
    crashing = system.arm("worker", "after record")
    mails.promise(mails.companies[0], 1)
    crashing.wait_killed()
    assert mails.rows() == [("sent", 1)]
    system.publish_again("messages.send", "email", times=2, org_id=mails.orgs[0])  # as the broker does later
    go_on_with_a_worker_that_lives(system)
    system.wait_idle()
    assert mails.rows() == [("sent", 1)]
    assert list(map(len, mails.copies().values())) == [1]


def go_on_with_a_worker_that_lives(system: System) -> None:
    system.kill("worker")
    system.usual("worker")
    system.let_time_pass()
    system.start("worker")


@pytest.mark.parametrize("crash_point", ["poison", "deadly poison"])
def test_a_mail_that_kills_its_worker_takes_no_other_along(system: System, mails: Mailing, crash_point: str) -> None:
    """With a supervisor, as every installation has one. `poison` kills the pool's process, `deadly poison` all."""
    recipients = [f"{secrets.token_hex(6)}@client.test" for _ in range(7)]
    recipients[2] = POISONED + recipients[2]
    mails.promise_to(mails.companies[0], recipients)  # together: one process of a worker hears of them
    system.arm("worker", crash_point, EMAIL_MAX_RETRIES=str(TRIES - 1))
    for tries in range(1, TRIES + 1):
        eventually(lambda: system.supervise("worker") and mails.rows()[2][1] >= tries, f"try {tries}")  # noqa: B023
        mails.let_wait_end(POISONED)
    eventually(
        lambda: system.supervise("worker") and mails.states() == {"sent": 6, "dead": 1},
        "all are sent, but for that one",
    )
    assert mails.rows() == [("sent", 1)] * 2 + [("dead", TRIES)] + [("sent", 1)] * 4
    ((reason,),) = system.sql(f"SELECT last_error FROM messages WHERE state = 'dead' AND {mails.OURS}", mails.orgs)
    assert reason == "the worker died while sending, every time"
    assert sorted(map(len, mails.copies().values())) == [0] + [1] * 6
