"""The whole system by its command: it comes up, mends itself, says where everything is, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from ops.quickstart import probes, records
from ops.quickstart.database import REPOSITORY

from .conftest import wait_until

PROCESSES = ("postgres", "redis", "sandbox", "api", "worker", "beat", "flower")


@dataclass
class Installation:
    """One var directory and the commands on it."""

    var: Path

    def command(self, *words: str, **env: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [*self.argv(*words)],
            cwd=REPOSITORY,
            env=_clean(env),
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )

    def argv(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "ops.quickstart", *words, "--var", str(self.var)]

    @property
    def state(self) -> dict[str, Any]:
        content: dict[str, Any] = json.loads((self.var / "quickstart.json").read_text())
        return content

    def pid(self, name: str) -> int:
        return int(self.state["processes"][name]["pid"])

    def passes(self) -> bool:
        return probes.json_answer(self.state["api_url"] + "/readyz").get("status") == "pass"

    def left(self) -> list[psutil.Process]:
        """Living processes that carry this installation's mark or work in its directory."""
        return [process for process in psutil.process_iter() if self._is_ours(process)]

    def _is_ours(self, process: psutil.Process) -> bool:
        try:
            marked = process.environ().get(records.MARK) == str(self.var)
            return process.status() != psutil.STATUS_ZOMBIE and (marked or process.cwd().startswith(str(self.var)))
        except psutil.Error:
            return False


def _clean(more: dict[str, str]) -> dict[str, str]:
    outside = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if name not in outside} | more


@pytest.fixture
def installation(tmp_path: Path) -> Iterator[Installation]:
    installation = Installation(tmp_path.resolve() / "var")
    yield installation
    installation.command("stop")
    assert installation.left() == []


@pytest.mark.timeout(240)
def test_it_runs_mends_itself_and_is_found_even_without_its_supervisor(installation: Installation) -> None:
    started = installation.command("run", "--detach", "--no-demo")
    assert started.returncode == 0, started.stdout + started.stderr
    assert (installation.var / "quickstart.json").stat().st_mode & 0o077 == 0
    assert tuple(installation.state["processes"]) == PROCESSES
    for line in ("api_url", "docs_url", "flower_url", "mail_url", "s3_page_url", "s3_url", "database_url"):
        assert installation.state[line] in started.stdout

    again = installation.command("run", "--detach", "--no-demo")
    assert again.returncode == 0
    assert "already running" in again.stdout

    killed = {name: installation.pid(name) for name in PROCESSES}
    for pid in killed.values():
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: all(installation.pid(name) != pid for name, pid in killed.items()))
    wait_until(installation.passes, 30)
    assert installation.command("status").returncode == 0

    supervisor = records.load(installation.var / "run" / "processes.json")[0]
    os.kill(supervisor.pid, signal.SIGKILL)
    wait_until(lambda: not supervisor.is_alive())
    assert installation.passes()
    assert installation.command("status").returncode == 1
    assert installation.command("stop").returncode == 0
    assert installation.left() == []
    assert not (installation.var / "quickstart.json").exists()


def test_interrupting_the_start_leaves_nothing_behind(installation: Installation) -> None:
    with subprocess.Popen(
        installation.argv("run", "--no-demo"), cwd=REPOSITORY, env=_clean({}), stdout=subprocess.DEVNULL
    ) as run:
        wait_until(lambda: len(records.load(installation.var / "run" / "processes.json")) > 1, 30)
        run.send_signal(signal.SIGINT)
        run.wait(30)
    assert installation.left() == []


def test_a_start_that_fails_says_why_and_leaves_nothing_behind(installation: Installation) -> None:
    url = "postgresql://crewline_app:x@127.0.0.1:9/crewline"
    failed = installation.command("run", "--detach", "--no-demo", DATABASE_URL=url)
    assert failed.returncode == 1
    assert "migrations failed" in failed.stdout
    assert installation.left() == []


def test_stopping_what_does_not_run_is_harmless(installation: Installation) -> None:
    assert installation.command("stop").returncode == 0
    assert installation.command("status").returncode == 1


def test_the_logs_that_exist_are_named(installation: Installation) -> None:
    (installation.var / "log").mkdir(parents=True)
    (installation.var / "log" / "api.log").write_text("one\ntwo\n")
    assert installation.command("logs", "api", "-n", "1").stdout == "two\n"
    wrong = installation.command("logs", "apo")
    assert wrong.returncode == 1
    assert "there is: api" in wrong.stderr
