"""The processes that are measured, each ended by us."""

import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import psutil

from ops.bench.errors import BenchError
from ops.quickstart.database import REPOSITORY

STOP_SECONDS = 40.0


class Program:
    """A Python module as a child process; its output goes to `log`."""

    def __init__(self, module: list[str], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        self.started_at = time.perf_counter()
        with log.open("ab") as output:
            self._child = subprocess.Popen(
                [sys.executable, "-m", *module],
                env=dict(env),
                cwd=REPOSITORY,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def workers(self) -> list[psutil.Process]:
        """The processes that do the work: gunicorn's or Celery's children."""
        return psutil.Process(self._child.pid).children()

    def check(self) -> None:
        """Raises `BenchError` with the end of the log when the program has ended."""
        if self._child.poll() is not None:
            tail = self.log.read_text(errors="replace")[-2000:]
            raise BenchError(f"{self.log.stem} ended with {self._child.returncode}:\n{tail}")

    def stop(self) -> None:
        """Ask it to end, wait, insist."""
        children = self.workers if self._child.poll() is None else []
        self._child.send_signal(signal.SIGTERM)
        try:
            self._child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        for child in psutil.wait_procs(children, timeout=5)[1]:
            child.kill()
