"""Every job has a task that takes its arguments, a queue that is consumed, and a way back when its message is lost."""

import inspect
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import yaml

from shared.core import jobs as core_jobs
from shared.core.jobs import Job, Queue
from shared.core.settings import Settings
from shared.schedule import table
from tests.contract.source import ROOT, modules
from worker.app import app as celery_app
from worker.core import periodic
from worker.schedule import schedule


@pytest.fixture(autouse=True)
def _configured(settings: Settings) -> Settings:
    """Celery reads its configuration from the environment when it is first used."""
    return settings


def _declared() -> dict[str, Job]:
    """Each Job constant of `shared`, by name; in a dictionary, too, as the heartbeats are."""
    found: dict[str, Job] = {}
    for path, module in modules().items():
        if not path.startswith("shared/"):
            continue
        for value in vars(module).values():
            held = value.values() if isinstance(value, dict) else [value]
            for job in held:
                if isinstance(job, Job):
                    assert found.setdefault(job.name, job) == job, f"two jobs are named {job.name}"
    assert len(found) >= 11
    return found


def _tasks() -> dict[str, Any]:
    celery_app.loader.import_default_modules()
    return {name: task for name, task in celery_app.tasks.items() if not name.startswith("celery.")}


def _bound(task: Any) -> dict[str, Any]:
    """The job and the function that `worker.core.task.task` has bound to each other."""
    return dict(inspect.getclosurevars(inspect.unwrap(task.run)).nonlocals)


def test_every_job_has_one_task_and_every_task_a_job() -> None:
    assert set(_tasks()) == set(_declared())


def test_every_task_takes_exactly_its_jobs_arguments() -> None:
    for name, task in _tasks().items():
        bound = _bound(task)
        assert bound["job"] == _declared()[name]
        assert tuple(inspect.signature(bound["function"]).parameters) == bound["job"].args, name


def test_arguments_are_identifiers_and_survive_json() -> None:
    for job in _declared().values():
        assert all(argument.endswith("_id") for argument in job.args), job.name
        sent = core_jobs.message(job, **dict.fromkeys(job.args, "0199a000-0000-7000-8000-000000000000"))
        assert json.loads(json.dumps(sent.arguments)) == sent.arguments


def test_every_lost_message_is_brought_back_by_a_scheduled_sweep_or_may_be_lost() -> None:
    declared = _declared()
    scheduled = {entry["task"] for entry in _schedule().values()}
    for job in declared.values():
        if job.healed_by is None:
            assert job.lossy, job.name
        else:
            assert job.healed_by in declared, f"{job.name} is healed by {job.healed_by}, which does not exist"
            assert job.healed_by in scheduled, f"{job.healed_by} is never sent, so {job.name} is never healed"


def test_every_scheduled_entry_names_a_task_and_the_queue_of_its_job() -> None:
    for entry in _schedule().values():
        job = _declared()[entry["task"]]
        assert entry["task"] in _tasks()
        assert entry["options"]["queue"] == job.queue
        assert job.args == ()
        assert entry["schedule"] > 0


def test_every_scheduled_entry_says_why_and_is_never_published_elsewhere() -> None:
    entries = table(_settings())
    assert all(entry.why for entry in entries)
    assert len({entry.name for entry in entries}) == len(entries)
    sent = [entry.job.name for entry in entries if entry.job]
    assert len(set(sent)) == len(sent)
    assert all((entry.job is None) == (entry.every is None) for entry in entries)


def test_every_job_of_the_table_has_a_work() -> None:
    _tasks()
    assert [entry.name for entry in table(_settings()) if not periodic.has_work(entry.name)] == []


def test_a_slot_by_hand_begins_with_each_of_beats() -> None:
    """So that both at once are one run."""
    for entry in table(_settings()):
        for minutes in (0, 7, 209, 210, 211, 5000):
            slot = entry.slot(datetime(2026, 3, 1, tzinfo=UTC) + timedelta(minutes=minutes, seconds=13))
            assert entry.hand_slot(slot) == entry.slot(slot) == slot, entry.name


def test_every_queue_has_a_heartbeat() -> None:
    beats = {job.queue for name, job in _declared().items() if name.startswith("heartbeats.")}
    assert beats == set(Queue)


def test_the_worker_consumes_every_queue() -> None:
    assert {queue.name for queue in celery_app.conf.task_queues} == set(Queue)
    assert {job.queue for job in _declared().values()} <= set(Queue)


def test_the_composed_workers_together_consume_every_queue() -> None:
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    (image_command,) = [
        json.loads(line.removeprefix("CMD "))
        for line in (ROOT / "Dockerfile.worker").read_text().splitlines()
        if line.startswith("CMD [")
    ]
    commands = [
        service.get("command", image_command)
        for service in services.values()
        if service.get("build", {}).get("dockerfile") == "Dockerfile.worker" and "profiles" not in service
    ]
    workers = [command for command in commands if "worker" in command]
    assert workers
    consumed = set().union(*(_queues_named_by(command) for command in workers))
    assert consumed == set(Queue)
    assert any("beat" in command for command in commands)


def test_the_composed_worker_has_memory_for_as_many_photos_as_it_takes_at_once() -> None:
    """800 MB for the largest; left to itself, Celery takes one for each core of the host."""
    worker = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["worker"]
    (at_once,) = [int(word.removeprefix("--concurrency=")) for word in worker["command"] if "--concurrency=" in word]
    gigabytes = int(worker["mem_limit"].removesuffix("g"))
    assert at_once * 0.8 < gigabytes


def test_the_settings_that_keep_work_from_being_lost_are_in_force() -> None:
    conf = celery_app.conf
    assert conf.task_acks_late
    assert not conf.task_reject_on_worker_lost
    assert conf.task_ignore_result
    assert not conf.task_always_eager
    assert conf.worker_prefetch_multiplier == 1
    assert conf.accept_content == ["json"]
    assert conf.task_soft_time_limit < conf.task_time_limit < conf.broker_transport_options["visibility_timeout"]


def _queues_named_by(command: list[str]) -> set[str]:
    for flag in ("-Q", "--queues"):
        if flag in command:
            return set(command[command.index(flag) + 1].split(","))
    return set(Queue)


def _settings() -> Settings:
    dsn = "postgresql://nobody@127.0.0.1/nothing"
    secret = "x" * 40
    return Settings(
        database_url=dsn,
        redis_url="redis://127.0.0.1",
        auth_secret_key=secret,
        order_photo_signing_secret=secret,
        environment="test",
    )


def _schedule() -> dict[str, dict[str, Any]]:
    return schedule(_settings())
