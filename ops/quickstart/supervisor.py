"""Starts processes, keeps them up, and ends every one of them.

Each process leads its own session, so that its whole group can be killed. What a killed process leaves behind
(gunicorn's workers, Celery's pool) is killed before its successor starts: it would hold the port or work twice.
"""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from ops.quickstart import records
from ops.quickstart.errors import QuickstartError
from ops.quickstart.records import Record

FIRST_DELAY, LONGEST_DELAY = 0.2, 5.0  # seconds before a restart; doubled each time
STEADY_SECONDS = 10.0  # a process that was up this long starts again without a history
_HOPELESS_DEATHS = 3  # before it was ever ready: a wrong setting does not go away by waiting
_LOG_LIMIT = 20_000_000  # bytes; an older log is set aside once
_PR_SET_CHILD_SUBREAPER = 36


@dataclass(frozen=True)
class Process:
    """What to run. `prepare` runs before every start; `is_ready` says whether the process serves; times in seconds."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    log: Path
    cwd: Path
    is_ready: Callable[[], bool] = lambda: True
    prepare: Callable[[], None] = lambda: None
    stop_signal: int = signal.SIGTERM
    grace: float = 10.0
    ready_within: float = 30.0


@dataclass
class _Running:
    process: Process
    child: subprocess.Popen[bytes] | None = None
    record: Record | None = None
    launched: float = 0.0
    delay: float = FIRST_DELAY
    due: float = 0.0
    deaths: int = 0


class Supervisor:
    """Runs processes in the order in which they are started. Not thread-safe: one loop calls `tick()`.

    `mark` tells this installation's processes from another's; `changed` gets the records after every start.
    `sole_parent` says that this program starts no other children: then every orphan is known to be a leftover.
    """

    def __init__(
        self,
        mark: str,
        *,
        changed: Callable[[list[Record]], None] = lambda _: None,
        say: Callable[[str], None] = print,
        sole_parent: bool = False,
    ) -> None:
        self._mark, self._changed, self._say = mark, changed, say
        self._running: dict[str, _Running] = {}
        self._sole_parent = sole_parent and _adopt_orphans()

    @property
    def records(self) -> list[Record]:
        """The newest process of each name, in the order of starting."""
        return [running.record for running in self._running.values() if running.record is not None]

    def start(self, process: Process) -> None:
        """Starts a process and keeps it up from now on. Raises QuickstartError or OSError when it cannot start."""
        if process.name in self._running:
            raise ValueError(f"{process.name} is started already")
        process.prepare()
        self._running[process.name] = _Running(process)
        self._launch(self._running[process.name])

    def wait_ready(self, *names: str) -> None:
        """Returns when the named processes (default: all) serve; restarts what dies meanwhile.

        Raises QuickstartError with the end of the log of one that does not serve in its time, or keeps dying.
        """
        for running in [self._running[name] for name in names or self._running]:
            deadline = running.launched + running.process.ready_within
            while not (running.child is not None and running.process.is_ready()):
                if time.monotonic() > deadline or running.deaths >= _HOPELESS_DEATHS:
                    log = running.process.log
                    raise QuickstartError(f"{running.process.name} is not ready. The end of {log}:\n{tail(log)}")
                self.tick()
                time.sleep(0.05)

    def tick(self) -> None:
        """Notices who died and starts again who is due. Call it several times a second."""
        now = time.monotonic()
        for running in self._running.values():
            if running.child is not None and running.child.poll() is not None:
                self._bury(running, now)
            if running.child is None and now >= running.due:
                self._relaunch(running, now)

    def stop(self) -> None:
        """Ends all processes, the last started first. Returns when nothing is left of them."""
        while self._running:
            _, running = self._running.popitem()
            if running.child is not None and running.record is not None:
                running.record.end()
                _kill_group(running.child.pid)  # before wait(): until then nobody else can have the number
                running.child.wait()
            self._kill_orphans()

    def _launch(self, running: _Running) -> None:
        process = running.process
        process.log.parent.mkdir(parents=True, exist_ok=True)
        with suppress(FileNotFoundError):
            if process.log.stat().st_size > _LOG_LIMIT:
                process.log.replace(process.log.with_name(process.log.name + ".1"))
        with process.log.open("ab") as log:
            child = subprocess.Popen(
                list(process.command),
                env={**process.env, records.MARK: self._mark},
                cwd=process.cwd,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        running.child, running.launched = child, time.monotonic()
        started_at = psutil.Process(child.pid).create_time()
        running.record = Record(
            name=process.name,
            pid=child.pid,
            started_at=started_at,
            log=str(process.log),
            mark=self._mark,
            stop_signal=process.stop_signal,
            grace=process.grace,
        )
        self._changed(self.records)

    def _relaunch(self, running: _Running, now: float) -> None:
        try:
            running.process.prepare()
            self._launch(running)
        except (QuickstartError, OSError) as error:
            self._say(f"{running.process.name} cannot start: {error}")
            self._postpone(running, now)

    def _bury(self, running: _Running, now: float) -> None:
        assert running.child is not None
        pid, code, running.child = running.child.pid, running.child.returncode, None
        _kill_group(pid)
        self._kill_orphans()
        running.deaths += 1
        if now - running.launched > STEADY_SECONDS:
            running.delay = FIRST_DELAY
        self._say(f"{running.process.name} (pid {pid}) ended with {code}; starting it again")
        self._postpone(running, now)

    def _postpone(self, running: _Running, now: float) -> None:
        running.due = now + running.delay
        running.delay = min(2 * running.delay, LONGEST_DELAY)

    def _kill_orphans(self) -> None:
        """Kills what dead children left to us: PostgreSQL's backends, which each lead a session of their own."""
        if not self._sole_parent:
            return
        ours = {running.child.pid for running in self._running.values() if running.child is not None}
        for child in psutil.Process().children():
            if child.pid in ours:
                continue
            for process in (*child.children(recursive=True), child):
                with suppress(psutil.Error):
                    process.kill()
            with suppress(ChildProcessError):
                os.waitpid(child.pid, 0)


def tail(log: Path, characters: int = 2000) -> str:
    """The end of a log file; empty when there is none."""
    try:
        return log.read_text(errors="replace")[-characters:]
    except OSError:
        return ""


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _adopt_orphans() -> bool:
    """Makes orphaned grandchildren children of this process, so that it finds and reaps them. Linux only."""
    if sys.platform != "linux":
        return False
    return bool(ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
