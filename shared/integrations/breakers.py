"""A circuit breaker around a provider: after some failures in a row it is left alone for a while, then asked once.

Around calls over the network only, never around a local computation such as checking a signature. Each process has its
own: what one process sees of a provider need not be what another sees.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from pybreaker import (
    STATE_CLOSED,
    STATE_OPEN,
    CircuitBreaker,
    CircuitBreakerListener,
    CircuitBreakerState,
)

log = structlog.get_logger(__name__)

Result = TypeVar("Result")


class CircuitOpenError(Exception):
    """The provider was not asked."""


class Breaker:
    """Opens after `failures` calls in a row that raised what `is_failure` says is the provider's fault: a refusal that
    would be the same again, such as a 4xx, is not. A call that does not fail closes it.

    pybreaker holds its lock while it calls, which would let the threads of a process through one by one. So it calls
    only when one is to ask for all; otherwise it is told afterwards what came of a call.
    """

    def __init__(
        self, name: str, *, failures: int, recovery_seconds: float, is_failure: Callable[[Exception], bool]
    ) -> None:
        self._circuit = CircuitBreaker(
            name=name,
            fail_max=failures,
            reset_timeout=recovery_seconds,
            exclude=[lambda error: not is_failure(error)],
            listeners=[_Log()],
            throw_new_error_on_trip=False,
        )
        self._asking = threading.Lock()
        self._recovery_seconds = recovery_seconds
        self._asks_at = 0.0

    @property
    def is_resting(self) -> bool:
        """Whether a call made now would be refused: the circuit is open, and it is too early to ask again."""
        return bool(self._circuit.current_state == STATE_OPEN) and time.monotonic() < self._asks_at

    def call(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Call `function`, whatever it raises. Raises `CircuitOpenError` without calling it while the circuit is
        open."""
        if self._circuit.current_state != STATE_CLOSED:
            return self._ask_alone(function, *args, **kwargs)
        try:
            result = function(*args, **kwargs)
        except Exception as error:
            self._tell(error)
            raise
        self._tell(None)
        return result

    def _ask_alone(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """One call when it is time for it; nobody waits for what comes of it."""
        if not self._asking.acquire(blocking=False):
            raise CircuitOpenError("somebody else is asking")
        try:
            return self._ask(function, *args, **kwargs)
        finally:
            self._asking.release()

    def _ask(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        if self.is_resting:
            raise CircuitOpenError("it is too early to ask again")
        if self._circuit.current_state == STATE_OPEN:
            # pybreaker itself would look at the clock on the wall, which somebody may set back.
            self._circuit.half_open()
        try:
            result: Result = self._circuit.call(function, *args, **kwargs)
        except Exception:
            self._wait()
            raise
        return result

    def _tell(self, error: Exception | None) -> None:
        """Count what came of a call; nothing, when the circuit has opened meanwhile."""
        if self._circuit.current_state == STATE_CLOSED:
            if error is not None:
                self._wait()
            with suppress(Exception):
                self._circuit.call(_repeat, error)

    def _wait(self) -> None:
        self._asks_at = time.monotonic() + self._recovery_seconds


def _repeat(error: Exception | None) -> None:
    if error is not None:
        raise error


class _Log(CircuitBreakerListener):
    def state_change(
        self, cb: CircuitBreaker, old_state: CircuitBreakerState | None, new_state: CircuitBreakerState
    ) -> None:
        level = log.error if new_state.name == "open" else log.warning
        level("circuit.changed", circuit=cb.name, was=old_state.name if old_state else None, now=new_state.name)
