"""Processes are kept up, ended with all that they started, and never mistaken for somebody else's."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from ops.quickstart import records
from ops.quickstart.errors import QuickstartError
from ops.quickstart.records import Record
from ops.quickstart.supervisor import Process, Supervisor

from .conftest import wait_until

SLEEP = "import time; time.sleep(600)"
# A parent and a child of its own that ignores every polite signal; the child's number goes to standard output.
FAMILY = """
import subprocess, sys, time
child = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
started = subprocess.Popen([sys.executable, '-c', child], stdout=subprocess.PIPE)
started.stdout.readline()
print(started.pid, flush=True)
time.sleep(600)
"""
STUBBORN = (
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up', flush=True); time.sleep(600)"
)


@dataclasses.dataclass
class Bench:
    """A supervisor, what it said, and a short way to describe a Python process."""

    folder: Path
    supervisor: Supervisor
    said: list[str]
    remembered: list[list[Record]]

    def process(self, name: str, program: str, **more: object) -> Process:
        command = [sys.executable, "-c", program]
        given = Process(name, command, dict(os.environ), self.folder / f"{name}.log", self.folder)
        return dataclasses.replace(given, **more)  # type: ignore[arg-type]

    def start(self, name: str, program: str, **more: object) -> Record:
        self.supervisor.start(self.process(name, program, **more))
        return self.record(name)

    def record(self, name: str) -> Record:
        return next(record for record in self.supervisor.records if record.name == name)

    def printed(self, name: str) -> str:
        wait_until(lambda: (self.folder / f"{name}.log").read_text().endswith("\n"))
        return (self.folder / f"{name}.log").read_text().strip()

    def tick_until(self, condition: Callable[[], object], seconds: float = 15.0) -> None:
        def ticked() -> object:
            self.supervisor.tick()
            return condition()

        wait_until(ticked, seconds)


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    said: list[str] = []
    remembered: list[list[Record]] = []
    supervisor = Supervisor(str(tmp_path), changed=remembered.append, say=said.append)
    yield Bench(tmp_path, supervisor, said, remembered)
    supervisor.stop()


def _gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_a_killed_process_is_back_and_somebody_is_told(bench: Bench) -> None:
    first = bench.start("api", SLEEP)
    os.kill(first.pid, signal.SIGKILL)
    bench.tick_until(lambda: bench.record("api").pid != first.pid, seconds=5)
    assert bench.record("api").is_alive()
    assert bench.said == [f"api (pid {first.pid}) ended with -9; starting it again"]
    assert bench.remembered[-1] == [bench.record("api")]


def test_what_a_killed_process_left_is_killed_before_its_successor_starts(bench: Bench) -> None:
    first = bench.start("worker", FAMILY)
    child = int(bench.printed("worker"))
    os.kill(first.pid, signal.SIGKILL)
    bench.tick_until(lambda: bench.record("worker").pid != first.pid)
    assert _gone(child)


def test_a_process_that_keeps_dying_is_started_ever_more_slowly(bench: Bench) -> None:
    bench.start("beat", "raise SystemExit(3)")
    began = time.monotonic()
    bench.tick_until(lambda: len(bench.said) == 4)
    assert time.monotonic() - began > 0.2 + 0.4 + 0.8


def test_a_successor_that_cannot_start_is_tried_again(bench: Bench) -> None:
    troubles = [None, QuickstartError("port taken"), None]

    def prepare() -> None:
        trouble = troubles.pop(0)
        if trouble:
            raise trouble

    first = bench.start("postgres", SLEEP, prepare=prepare)
    os.kill(first.pid, signal.SIGKILL)
    bench.tick_until(lambda: bench.record("postgres").pid != first.pid)
    assert bench.said[1:] == ["postgres cannot start: port taken"]


def test_stopping_ends_the_whole_group_the_last_started_first(bench: Bench) -> None:
    order = bench.folder / "order"
    tell = f"import signal, sys\ndef end(*_):\n open({str(order)!r}, 'a').write(sys.argv[1])\n sys.exit()\n"
    tell += "signal.signal(signal.SIGTERM, end)\nprint('up', flush=True)\nsignal.pause()"
    started = [bench.start("family", FAMILY)]
    child = int(bench.printed("family"))
    for name in ("a", "b"):
        process = bench.process(name, tell)
        bench.supervisor.start(dataclasses.replace(process, command=[*process.command, name]))
        bench.printed(name)
        started.append(bench.record(name))
    bench.supervisor.stop()
    assert order.read_text() == "ba"
    assert all(_gone(pid) for pid in (child, *(record.pid for record in started)))


def test_who_does_not_listen_is_killed_after_its_grace(bench: Bench) -> None:
    record = bench.start("api", STUBBORN, grace=0.3)
    bench.printed("api")
    began = time.monotonic()
    bench.supervisor.stop()
    assert 0.3 <= time.monotonic() - began < 5
    assert _gone(record.pid)


@pytest.mark.parametrize(
    ("end", "seconds"),
    [("time.sleep(600)", 1.0), ("raise SystemExit(78)", 60.0)],
    ids=["waits for ever", "keeps dying"],
)
def test_a_process_that_is_never_ready_shows_its_log(bench: Bench, end: str, seconds: float) -> None:
    program = f"import time; print('no database', flush=True); {end}"
    bench.start("api", program, is_ready=lambda: False, ready_within=seconds)
    with pytest.raises(QuickstartError, match=r"(?s)api is not ready.*no database"):
        bench.supervisor.wait_ready()


def test_a_recycled_number_is_never_killed(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", SLEEP], start_new_session=True) as stranger:
        started = psutil.Process(stranger.pid).create_time()
        stale = Record("api", stranger.pid, started - 60, str(tmp_path / "log"), str(tmp_path))
        assert not stale.is_alive()
        stale.end()
        assert stranger.poll() is None
        stranger.kill()


def test_processes_are_found_again_after_the_supervisor_was_killed(bench: Bench) -> None:
    file = bench.folder / "processes.json"
    leader = bench.start("worker", FAMILY)
    child = int(bench.printed("worker"))
    records.save(file, bench.supervisor.records)
    assert file.stat().st_mode & 0o077 == 0
    os.kill(leader.pid, signal.SIGKILL)  # the worst case: the leader is gone too, only its child is left
    wait_until(lambda: _gone(leader.pid))
    for record in records.load(file):
        record.end()
    wait_until(lambda: _gone(child))


def test_a_damaged_file_of_processes_names_nobody(tmp_path: Path) -> None:
    file = tmp_path / "processes.json"
    assert records.load(file) == []
    file.write_text('[{"name": "api"')
    assert records.load(file) == []
