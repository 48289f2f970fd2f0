"""Is the installation ready? Bounded checks of what it depends on, none of which grows with the data."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooSlow
from dataclasses import dataclass, field
from enum import StrEnum

import structlog

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 1.5
CACHE_SECONDS = 1.0


class Status(StrEnum):
    PASS = "pass"  # noqa: S105 - not a password
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Check:
    """What one check found. `detail` is for signed-in operators and logs, never for strangers."""

    status: Status
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """All checks together: as bad as the worst of them."""

    checks: dict[str, Check]

    @property
    def status(self) -> Status:
        found = {check.status for check in self.checks.values()}
        return next((status for status in (Status.FAIL, Status.WARN) if status in found), Status.PASS)


@dataclass
class Readiness:
    """Runs the probes side by side, each at most once at a time, and remembers the report for a second.

    A frozen Postgres or Redis blocks only its own probe's thread; the report says `fail` when the patience is over, and
    no second thread is spent on it until the first one returns.
    """

    probes: dict[str, Callable[[], dict[str, Check]]]
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _running: dict[str, Future[dict[str, Check]]] = field(default_factory=dict)
    _report: Report | None = None
    _checked_at: float = float("-inf")

    def __post_init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=len(self.probes), thread_name_prefix="readiness")

    def report(self) -> Report:
        """The state of things, at most a second old."""
        with self._lock:
            if self._report is None or time.monotonic() - self._checked_at > CACHE_SECONDS:
                self._report = Report(self._run())
                self._checked_at = time.monotonic()
            return self._report

    def _run(self) -> dict[str, Check]:
        started = {name: self._started(name) for name in self.probes}
        deadline = time.monotonic() + PATIENCE_SECONDS
        checks: dict[str, Check] = {}
        for name, future in started.items():
            try:
                checks |= future.result(max(0.0, deadline - time.monotonic()))
            except TooSlow:
                checks[name] = Check(Status.FAIL, f"no answer within {PATIENCE_SECONDS} s")
            except Exception as error:  # whatever a probe raises means "not ready"
                log.warning("readiness.failed", check=name, exc_info=error)
                checks[name] = Check(Status.FAIL, type(error).__name__)
        return checks

    def _started(self, name: str) -> Future[dict[str, Check]]:
        running = self._running.get(name)
        if running is None or running.done():
            running = self._running[name] = self._threads.submit(self.probes[name])
        return running
