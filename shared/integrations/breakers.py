"""A circuit breaker around a provider: after some failures in a row it is left alone for a while, then asked once.

Around calls over the network only, never around a local computation such as checking a signature. Each process has its
own: what one process sees of a provider need not be what another sees.
"""

from collections.abc import Callable
from typing import Any, TypeVar

import structlog
from pybreaker import CircuitBreaker, CircuitBreakerError, CircuitBreakerListener, CircuitBreakerState

log = structlog.get_logger(__name__)

Result = TypeVar("Result")


class CircuitOpenError(Exception):
    """The provider was not asked."""


class Breaker:
    """Opens after `failures` calls in a row that raised what `is_failure` says is the provider's fault: a refusal that
    would be the same again, such as a 4xx, is not. A call that does not fail closes it."""

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

    @property
    def is_open(self) -> bool:
        """Whether calls are refused now."""
        return bool(self._circuit.current_state == "open")

    def call(self, function: Callable[..., Result], *args: Any, **kwargs: Any) -> Result:
        """Call `function`, whatever it raises. Raises `CircuitOpenError` without calling it while the circuit is
        open."""
        try:
            result: Result = self._circuit.call(function, *args, **kwargs)
        except CircuitBreakerError as error:
            raise CircuitOpenError(str(error)) from error
        return result


class _Log(CircuitBreakerListener):
    def state_change(
        self, cb: CircuitBreaker, old_state: CircuitBreakerState | None, new_state: CircuitBreakerState
    ) -> None:
        level = log.error if new_state.name == "open" else log.warning
        level("circuit.changed", circuit=cb.name, was=old_state.name if old_state else None, now=new_state.name)
