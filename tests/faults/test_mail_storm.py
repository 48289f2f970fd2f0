"""2,000 mails while everything breaks that mail depends on: each arrives, and as few arrive twice as is promised."""

import random
import secrets
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import structlog

from shared.wiring import Services
from tests.faults.mails import Mailing, mailing
from tests.faults.system import System
from tests.faults.waiting import eventually

RUNS = ("worker", "worker_2", "beat")
WORKERS, PROCESSES = ("worker", "worker_2"), 2
SETTINGS = {
    "EMAIL_LEASE_SECONDS": "8",
    "EMAIL_MAX_RETRIES": "30",
    "SMTP_TIMEOUT_SECONDS": "2",
}
"""With those of every such installation: a first wait of 1 s, a sweep every 2 s, a server that fails is asked again
after 1 s."""
ROUNDS, COMPANIES, BATCH = 20, 5, 20
FAULTS: dict[str, dict[str, Any]] = {
    "ok": {},
    "away": {},
    "reject_4xx": {"count": 10},
    "reject_5xx": {"count": 3},
    "refuse_recipient": {"count": 3},
    "drop_after_data": {"count": 3},
    "stall": {"count": 2, "seconds": 3},
}
"""The mail server's, each for one round at most."""
FINAL = ("reject_5xx", "refuse_recipient")
TRIED = ("reject_4xx", *FINAL)
TAKEN = ("drop_after_data", "stall")
"""The mail server has the mail, and the worker does not know it."""
IN_HAND = ("in hand when killed", "in hand when Redis was back")
REDIS = ("flush", "flush", "freeze")
FROZEN_SECONDS = 4.0


log = structlog.get_logger("storm")


@pytest.fixture(scope="module", autouse=True)
def storm_settings(installation: System) -> Iterator[None]:
    """Short times for the programs of this module."""
    with installation.with_settings(SETTINGS, *RUNS):
        yield
    installation.forget_mails()


@dataclass
class Storm:
    """What is done to the mails, and how often it was."""

    mailing: Mailing
    chance: random.Random
    events: Counter[str] = field(default_factory=Counter)

    def blow(self) -> None:
        """In every round there are new mails, a fault of the mail server and the death of a worker, while the other
        one works or starts; in some of them something happens to Redis."""
        faults = [*FAULTS] * 2 + self.chance.choices([*FAULTS], k=ROUNDS - 2 * len(FAULTS))
        of_redis = [*REDIS, *["ok"] * (ROUNDS - len(REDIS))]
        self.chance.shuffle(faults)
        self.chance.shuffle(of_redis)
        for number, (fault, of_redis_now) in enumerate(zip(faults, of_redis, strict=True)):
            victim = WORKERS[number % len(WORKERS)]
            self.mailing.system.supervise(*RUNS)
            self.mailing.system.wait_ready(victim)
            self._break_mail_server(fault)
            self._break_redis(of_redis_now)
            time.sleep(self.chance.uniform(0.1, 1.5))
            self._kill(victim)
        self.mailing.system.smtp_fault("ok")

    def _break_mail_server(self, mode: str) -> None:
        self.mailing.system.smtp_fault(mode, **FAULTS[mode])
        self.events[mode] += FAULTS[mode].get("count", 1)

    def _break_redis(self, how: str) -> None:
        system = self.mailing.system
        if how == "freeze":
            system.freeze_redis()
        for company in self.mailing.companies:
            self.mailing.promise(company, BATCH)
        if how == "flush":
            system.redis.flushall()
        if how == "freeze":
            time.sleep(FROZEN_SECONDS)
            # A worker that loses its connection to Redis ends the processes that have work in hand.
            self.events["in hand when Redis was back"] += self.mailing.states()["sending"]
            system.thaw_servers()
        self.events[how] += how != "ok"

    def _kill(self, victim: str) -> None:
        self.mailing.system.kill(victim)
        self.events["kill"] += 1
        self.events["in hand when killed"] += min(PROCESSES, self.mailing.states()["sending"])
        self.mailing.system.program(victim).start()

    def count(self, *events: str) -> int:
        return sum(self.events[event] for event in events)


@pytest.mark.timeout(150, func_only=True)
def test_every_mail_of_a_storm_arrives_and_few_arrive_twice(system: System, process_services: Services) -> None:
    seed = secrets.randbits(32)
    log.info("storm", seed=seed)
    system.forget_mails()
    with mailing(system, process_services, companies=COMPANIES) as mails:
        storm = Storm(mails, random.Random(seed))
        storm.blow()
    log.info("blown", **mails.states(), events=dict(storm.events))
    eventually(lambda: system.supervise(*RUNS) and not mails.states().keys() - {"sent", "dead"}, "all are sent or dead")
    replayed = mails.replay()
    assert all("550" in reason for reason in replayed)
    eventually(mails.all_sent, "those are sent, too")

    copies, attempts = mails.copies(), mails.attempts()
    doubles, more_tries = sum(map(len, copies.values())) - len(copies), sum(attempts.values()) - len(copies)
    may_double = storm.count(*TAKEN, *IN_HAND)
    may_be_tried = may_double + storm.count(*TRIED)
    log.info(
        "counted",
        mails=len(copies),
        doubles=doubles,
        allowed_doubles=may_double,
        more_tries=more_tries,
        allowed_tries=may_be_tried,
        replayed=len(replayed),
    )
    assert len(copies) == ROUNDS * COMPANIES * BATCH
    assert {to: set(found) for to, found in copies.items()} == mails.message_ids()
    assert all(len(copies[to]) <= tried for to, tried in attempts.items())
    assert doubles <= may_double
    assert more_tries <= may_be_tried
