"""Which processes were started, kept in a file: so that they can be ended even after the supervisor was killed."""

import json
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import psutil

# In the environment of every process of one installation, with its var directory as the value.
MARK = "CREWLINE_QUICKSTART"
# The kernel's start time has ticks of 10 ms, and the clock it is read against may be adjusted a little.
_SAME_START_SECONDS = 1.0
_KILLED_SECONDS = 5.0


@dataclass(frozen=True)
class Record:
    """A process that leads its own process group. `started_at` is in seconds since the epoch, `grace` in seconds."""

    name: str
    pid: int
    started_at: float
    log: str
    mark: str
    stop_signal: int = signal.SIGTERM
    grace: float = 10.0

    def is_alive(self) -> bool:
        """Whether this very process runs: the same number with another start time is somebody else's."""
        try:
            process = psutil.Process(self.pid)
            same = abs(process.create_time() - self.started_at) < _SAME_START_SECONDS
            return same and process.status() != psutil.STATUS_ZOMBIE
        except psutil.Error:
            return False

    def end(self) -> None:
        """Asks the process to stop, waits for its grace, then kills what is left of its group. Harmless when gone."""
        if self.is_alive():
            with suppress(ProcessLookupError):
                os.kill(self.pid, self.stop_signal)
            deadline = time.monotonic() + self.grace
            while self.is_alive() and time.monotonic() < deadline:
                time.sleep(0.05)
        self.kill()

    def kill(self) -> None:
        """Kills whatever lives in the process's group, and returns when it is gone."""
        deadline = time.monotonic() + _KILLED_SECONDS
        while members := list(self._members()):
            for member in members:
                with suppress(psutil.Error):
                    member.kill()
            psutil.wait_procs(members, timeout=0.2)
            if time.monotonic() > deadline:
                break

    def _members(self) -> Iterator[psutil.Process]:
        leader_is_ours = self.is_alive()
        for process in psutil.process_iter():
            with suppress(psutil.Error, ProcessLookupError, PermissionError):
                if os.getpgid(process.pid) != self.pid or process.status() == psutil.STATUS_ZOMBIE:
                    continue
                # Without its leader, a group's number proves nothing; the mark in the environment does.
                if leader_is_ours or process.environ().get(MARK) == self.mark:
                    yield process


def own_start_time() -> float:
    """When this process started, in seconds since the epoch."""
    return psutil.Process().create_time()


def save(path: Path, records: list[Record]) -> None:
    """Writes the records, oldest first, in one atomic step."""
    write_private_json(path, [asdict(record) for record in records])


def load(path: Path) -> list[Record]:
    """The records, oldest first; none when the file is missing or unreadable."""
    try:
        return [Record(**fields) for fields in json.loads(path.read_text())]
    except (OSError, ValueError, TypeError):
        return []


def write_private_json(path: Path, value: Any) -> None:
    """Writes a file that only its owner may read, so that a reader sees the old one or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}.", delete=False) as draft:
        json.dump(value, draft, indent=2)
        draft.write("\n")
    Path(draft.name).replace(path)  # mkstemp made it with mode 0600
