"""Leaves a mail server alone that has failed some times in a row (`shared/integrations/breakers`)."""

from shared.core.errors import Refusal, Unavailable
from shared.core.settings import Settings
from shared.integrations.breakers import Breaker, CircuitOpenError
from shared.integrations.mail import MAIL_AWAY, MAIL_DEFERRED, Mail, Mailer


class RestingMailer:
    """A `Mailer` around another one. What is refused while it rests is not tried, and not held against the mail."""

    def __init__(self, mailer: Mailer, settings: Settings) -> None:
        self._mailer = mailer
        self._recovery_seconds = settings.email_circuit_recovery_seconds
        self._breaker = Breaker(
            "mail",
            failures=settings.email_circuit_failure_threshold,
            recovery_seconds=self._recovery_seconds,
            is_failure=_is_fault_of_server,
        )

    @property
    def is_resting(self) -> bool:
        """See `Mailer.is_resting`."""
        return self._breaker.is_resting

    def send(self, mail: Mail) -> str | None:
        """See `Mailer.send`."""
        try:
            return self._breaker.call(self._mailer.send, mail)
        except CircuitOpenError as error:
            detail = "The mail server has failed several times in a row, and is left alone for a while."
            raise Unavailable(MAIL_AWAY, detail, retry_after=self._recovery_seconds) from error


def _is_fault_of_server(error: Exception) -> bool:
    """Whether the next mail would most likely fare the same. What is no refusal is, above all, a task that ran out of
    time: of a server that answers, but never to the end."""
    if isinstance(error, Refusal):
        return isinstance(error, Unavailable) and error.code != MAIL_DEFERRED
    return True
