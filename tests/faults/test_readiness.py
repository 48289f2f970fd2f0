"""`/healthz` and `/readyz` tell the truth, in time, whatever hangs."""

import time
from typing import Any

from tests.faults.owner import Owner
from tests.faults.system import System
from tests.faults.waiting import eventually

READY_BUDGET_SECONDS = 3.0  # promised: 2 s
PROBES = 4  # enough for both processes of the API to be asked


def checks(owner: Owner) -> dict[str, str]:
    """What `/readyz` says, in time."""
    started = time.monotonic()
    answer = owner.call("GET", "/readyz")
    assert time.monotonic() - started < READY_BUDGET_SECONDS
    report: dict[str, Any] = answer.json()
    assert answer.status_code == (503 if report["status"] == "fail" else 200)
    return {"status": report["status"], **report["checks"]}


def says(owner: Owner, **expected: str) -> bool:
    """Whether each of a few answers in a row says so."""
    return all(expected.items() <= checks(owner).items() for _ in range(PROBES))


def assert_alive(owner: Owner) -> None:
    for _ in range(PROBES):
        started = time.monotonic()
        assert owner.call("GET", "/healthz").status_code == 200
        assert time.monotonic() - started < READY_BUDGET_SECONDS


def assert_heals(owner: Owner) -> None:
    eventually(lambda: says(owner, status="pass", database="pass", redis="pass", heartbeats="pass"), "it is ready")


def test_frozen_redis_fails_readiness_and_not_health(system: System, owner: Owner) -> None:
    assert_heals(owner)
    system.freeze_redis()
    eventually(lambda: says(owner, status="fail", redis="fail", database="pass"), "frozen Redis is seen")
    assert_alive(owner)
    system.thaw_servers()
    assert_heals(owner)


def test_frozen_postgres_fails_readiness_and_not_health(system: System, owner: Owner) -> None:
    assert_heals(owner)
    system.freeze_postgres()
    eventually(lambda: says(owner, status="fail", database="fail", redis="pass"), "frozen Postgres is seen")
    assert_alive(owner)
    system.thaw_servers()
    assert_heals(owner)


def test_both_frozen_fail_readiness_and_not_health(system: System, owner: Owner) -> None:
    assert_heals(owner)
    system.freeze_redis()
    system.freeze_postgres()
    eventually(lambda: says(owner, status="fail", database="fail", redis="fail"), "both are seen")
    assert_alive(owner)
    system.thaw_servers()
    assert_heals(owner)


def test_dead_redis_fails_readiness_until_it_is_back(system: System, owner: Owner) -> None:
    system.redis_server.stop()
    eventually(lambda: says(owner, status="fail", redis="fail", database="pass"), "dead Redis is seen")
    assert_alive(owner)
    system.redis_server.start()
    assert_heals(owner)


def test_dead_postgres_fails_readiness_until_it_is_back(system: System, owner: Owner) -> None:
    system.postgres.stop("immediate")
    eventually(lambda: says(owner, status="fail", database="fail", redis="pass"), "dead Postgres is seen")
    assert_alive(owner)
    system.postgres.start()
    assert_heals(owner)


def test_a_worker_that_is_gone_fails_readiness_until_it_is_back(system: System, owner: Owner) -> None:
    assert_heals(owner)
    system.kill("worker")
    eventually(lambda: says(owner, status="fail", heartbeats="fail", redis="pass", database="pass"), "it is missed")
    system.start("worker")
    assert_heals(owner)


def test_a_beat_that_is_gone_fails_readiness_until_it_is_back(system: System, owner: Owner) -> None:
    assert_heals(owner)
    system.kill("beat")
    eventually(lambda: says(owner, status="fail", heartbeats="fail"), "it is missed")
    system.start("beat")
    assert_heals(owner)


def test_a_schema_of_another_version_is_not_ready(system: System, owner: Owner) -> None:
    ((version,),) = system.sql("SELECT version_num FROM alembic_version")
    system.sql("UPDATE alembic_version SET version_num = '0000'")
    try:
        eventually(lambda: says(owner, status="fail", migrations="fail", database="pass"), "the difference is seen")
    finally:
        system.sql("UPDATE alembic_version SET version_num = %s", version)
    assert_heals(owner)
