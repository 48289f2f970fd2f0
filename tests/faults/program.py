"""A process of our own that can be ended in every way a process can end."""

import os
import signal
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from tests import forking
from tests.faults.waiting import eventually


class Program:
    """Runs `command`, which is `python -m` something, as the leader of its own process group, with its output in `log`.
    Can be started again."""

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.command, self.env, self.log = list(command), dict(env), log
        self._child: ForkServerProcess | None = None
        self._log_start = 0

    @property
    def pid(self) -> int:
        assert self._child is not None, "not started"
        assert self._child.pid is not None
        return self._child.pid

    @property
    def runs(self) -> bool:
        return self._child is not None and self._child.is_alive()

    @property
    def output(self) -> str:
        """What this start of the program has written so far."""
        if not self.log.exists():
            return ""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode("utf-8", "replace")

    def start(self) -> None:
        self._log_start = self.log.stat().st_size if self.log.exists() else 0
        module, *arguments = self.command[2:]
        self._child = forking.start(module, arguments, self.env, self.log)

    def kill(self) -> None:
        """SIGKILL for the whole group, as when the container or the machine dies. Harmless when all of it is gone."""
        self._signal_group(signal.SIGKILL)
        if self._child is not None:
            self._child.join()

    def freeze(self) -> None:
        self._signal_group(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_group(signal.SIGCONT)

    def terminate(self) -> None:
        """SIGTERM for the leader, as a supervisor or an orchestrator sends it."""
        os.kill(self.pid, signal.SIGTERM)

    def wait(self, seconds: float = 45.0) -> int:
        """Wait until the leader has ended, and return its exit status."""
        assert self._child is not None
        self._child.join(seconds)
        assert self._child.exitcode is not None, f"still there after {seconds:.0f} s"
        return self._child.exitcode

    def wait_killed(self) -> None:
        """Wait until the program has killed itself, and clear away what is left of its group."""
        eventually(lambda: not self.runs, "the program dies at its crash point")
        self.kill()

    def end(self) -> None:
        """End the program and everything in its group at once, whatever state it is in."""
        self.kill()

    def _signal_group(self, sig: signal.Signals) -> None:
        if self._child is None:
            return
        with suppress(ProcessLookupError, PermissionError):
            if self.runs:
                os.kill(self.pid, sig)  # a fork that is a moment old leads no group yet
            os.killpg(self.pid, sig)
