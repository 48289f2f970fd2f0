"""What readiness looks at: the database and its schema, Redis, and a heartbeat through every queue."""

from datetime import timedelta
from functools import partial

from shared.core import clock, heartbeats, schema_version
from shared.core.health import Check, Readiness, Status
from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only
from shared.wiring import Services


def readiness(services: Services) -> Readiness:
    """The checks of this process."""
    return Readiness({"database": _database, "redis": partial(_redis, services)})


def _database() -> dict[str, Check]:
    with read_only(PLATFORM) as session:
        found = schema_version.in_database(session)
    expected = schema_version.in_code()
    matches = Check(Status.PASS) if found == expected else Check(Status.FAIL, f"at {found}, the code wants {expected}")
    return {"database": Check(Status.PASS), "migrations": matches}


def _redis(services: Services) -> dict[str, Check]:
    settings = services.settings
    ages = heartbeats.ages(services.redis, clock.utc_now())
    stale = [
        f"{queue}: {'never' if age is None else f'{timedelta(seconds=round(age))} ago'}"
        for queue, age in ages.items()
        if age is None or age > settings.job_heartbeat_ttl_seconds
    ]
    bad = Status.FAIL if settings.job_heartbeat_required else Status.WARN
    beating = Check(bad, "; ".join(stale)) if stale else Check(Status.PASS)
    return {"redis": Check(Status.PASS), "heartbeats": beating}
