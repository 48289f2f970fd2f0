"""A worker that forgets old rows is killed in the middle: nothing is half done, and the next run does the rest."""

from tests.faults.system import System
from tests.faults.waiting import eventually

RUNS = ("api", "worker")
OLD = 30_000
PAGE = 500

FILL = """
    INSERT INTO exports (org_id, id, event, resource_id, payload, state, created_at, delivered_at)
    SELECT o.id, gen_random_uuid(), 'test.old', gen_random_uuid(), '{}', 'delivered', moment, moment
    FROM organizations AS o, generate_series(1, %s) AS n, LATERAL (SELECT now() - (100 + n) * interval '1 min'
         - interval '60 days' AS moment) AS times
    WHERE o.slug = %s
"""
LEFT = "SELECT count(*) FROM exports WHERE event = 'test.old'"
WRITTEN = """
    SELECT coalesce(sum((after ->> 'removed')::int), 0), count(*) FROM audit_entries
    WHERE action = 'retention.forget' AND after ->> 'category' = 'exports'
"""
DONE = "SELECT state, (counts ->> 'exports')::int FROM job_runs WHERE job = 'retention' ORDER BY id"


def left(system: System) -> int:
    return int(system.sql(LEFT)[0][0])


def written(system: System) -> int:
    return int(system.sql(WRITTEN)[0][0])


def test_the_next_run_does_what_a_killed_worker_left(system: System) -> None:
    system.sql("DELETE FROM job_runs WHERE job = 'retention'")  # today's, of a beat that another test has let run
    system.sql(FILL, OLD, system.login["org"])
    before = written(system)
    system.publish_again("retention.forget", "maintenance", times=1)
    eventually(lambda: left(system) < OLD - 3 * PAGE, "some pages are done")
    system.kill("worker")
    at_death = left(system)
    assert 0 < at_death < OLD
    assert at_death % PAGE == 0
    assert written(system) - before == OLD - at_death
    system.start("worker")
    system.publish_again("retention.forget", "maintenance", times=2)
    eventually(lambda: left(system) == 0, "the rest is done")
    eventually(lambda: [state for state, _ in system.sql(DONE)] == ["lost", "succeeded"], "the second run is over")
    assert written(system) - before == OLD
    runs = system.sql(DONE)
    assert runs[1][1] == at_death
    assert 0 <= OLD - at_death - runs[0][1] <= PAGE, "a run may die before it has counted its last page"
