"""Health and readiness: the truth, quickly, and nothing that strangers should not know."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg2
import pytest
from pydantic import SecretStr
from redis import Redis

from shared.core import heartbeats, schema_version
from shared.core.jobs import Queue
from shared.core.settings import Settings
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.jobs_probe import JobsProbe
from tests.variants import bound, client_on, with_settings

ALL_PASS = {"database": "pass", "migrations": "pass", "redis": "pass", "heartbeats": "pass"}


def _beat(services: Services, *queues: Queue, age: float = 0.0) -> None:
    for queue in queues or tuple(Queue):
        heartbeats.write(services.redis, queue, datetime.now(UTC) - timedelta(seconds=age))


@pytest.fixture
def client(services: Services) -> CheckedClient:
    """On an application of its own, which remembers nothing of how ready it was a second ago."""
    return client_on(services)


def test_alive_is_a_word_and_nothing_else(client: CheckedClient) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.data) == (200, b"ok\n")
    assert answer.headers["Cache-Control"] == "no-store"


def test_ready_when_everything_is_there(client: CheckedClient, services: Services) -> None:
    _beat(services)
    answer = client.get("/readyz")
    assert answer.status_code == 200
    assert answer.get_json() == {"status": "pass", "checks": ALL_PASS}
    assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(("required", "status", "word"), [(False, 200, "warn"), (True, 503, "fail")])
@pytest.mark.parametrize("silent", list(Queue))
def test_one_silent_queue_is_a_warning_or_a_failure(
    services: Services, silent: Queue, required: bool, status: int, word: str
) -> None:
    _beat(services, *(queue for queue in Queue if queue != silent))
    answer = client_on(with_settings(services, job_heartbeat_required=required)).get("/readyz")
    assert answer.status_code == status
    assert answer.get_json() == {"status": word, "checks": ALL_PASS | {"heartbeats": word}}


@pytest.mark.parametrize(("age", "word"), [(0, "pass"), (290, "pass"), (302, "fail"), (10**6, "fail")])
def test_a_heartbeat_goes_stale(services: Services, age: int, word: str) -> None:
    _beat(services)
    _beat(services, Queue.EMAIL, age=age)
    answer = client_on(with_settings(services, job_heartbeat_required=True)).get("/readyz")
    assert answer.get_json()["checks"]["heartbeats"] == word


def test_the_life_of_a_heartbeat_is_a_setting(services: Services) -> None:
    _beat(services, age=20)
    for life, word in ((10.0, "warn"), (60.0, "pass")):
        answer = client_on(with_settings(services, job_heartbeat_ttl_seconds=life)).get("/readyz")
        assert answer.get_json()["checks"]["heartbeats"] == word


def test_heartbeats_written_by_the_real_tasks_count(services: Services, jobs: JobsProbe) -> None:
    for job in heartbeats.HEARTBEATS.values():
        jobs.run(job.name)
    answer = client_on(with_settings(services, job_heartbeat_required=True)).get("/readyz")
    assert answer.get_json()["checks"] == ALL_PASS


@pytest.fixture
def other_migration(settings: Settings, services: Services) -> Iterator[str]:
    """The database is at another migration; really, because its owner says so."""
    url = settings.migration_database_url
    assert url is not None
    dsn = url.get_secret_value().replace("+psycopg2", "")
    connection = psycopg2.connect(dsn)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute("UPDATE alembic_version SET version_num = '0000-elsewhere'")
        yield "0000-elsewhere"
        cursor.execute("UPDATE alembic_version SET version_num = %s", (schema_version.in_code(),))
    connection.close()


def test_another_migration_than_the_codes_is_not_ready(
    client: CheckedClient, services: Services, other_migration: str
) -> None:
    _beat(services)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json() == {"status": "fail", "checks": ALL_PASS | {"migrations": "fail"}}
    assert other_migration not in answer.get_data(as_text=True)


@pytest.fixture
def nobody_listens(services: Services) -> Services:
    """Redis is away: its port is closed."""
    return replace(services, redis=Redis(host="127.0.0.1", port=1, socket_connect_timeout=1, retry=None))


def test_without_redis_it_is_not_ready_and_still_alive(nobody_listens: Services) -> None:
    client = client_on(nobody_listens)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["checks"]["redis"] == "fail"
    assert answer.get_json()["checks"]["database"] == "pass"
    assert client.get("/healthz").status_code == 200


@pytest.fixture
def no_database(services: Services) -> Iterator[Services]:
    """Postgres is away: its port is closed."""
    dead = SecretStr("postgresql+psycopg2://crewline_app:very-secret@127.0.0.1:1/crewline")
    with bound(services, database_url=dead):
        yield with_settings(services, database_url=dead)


def test_without_the_database_it_is_not_ready_and_tells_no_secret(no_database: Services) -> None:
    _beat(no_database)
    client = client_on(no_database)
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.get_json()["checks"]["database"] == "fail"
    assert answer.get_json()["checks"]["redis"] == "pass"
    text = answer.get_data(as_text=True)
    for secret in ("very-secret", "crewline_app", "127.0.0.1", "OperationalError", "psycopg"):
        assert secret not in text
    assert client.get("/healthz").status_code == 200


def test_without_the_database_a_request_is_one_503(no_database: Services) -> None:
    answer = client_on(no_database).post("/v1/auth/login", json={"email": "a@b.test", "password": "x"})
    assert answer.status_code == 503
    assert answer.get_json()["code"] == "database.unavailable"
    assert int(answer.headers["Retry-After"]) >= 1
    assert "very-secret" not in answer.get_data(as_text=True)


def test_what_strangers_see_is_words_only(client: CheckedClient, services: Services) -> None:
    answer = client.get("/readyz").get_json()
    assert set(answer) == {"status", "checks"}
    assert {answer["status"], *answer["checks"].values()} <= {"pass", "warn", "fail"}
