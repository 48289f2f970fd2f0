"""Cloudflare Turnstile: https://developers.cloudflare.com/turnstile/get-started/server-side-validation/."""

import threading
from concurrent.futures import Future
from http import HTTPStatus
from typing import Any

import orjson
import structlog
from requests import RequestException, Response, Session

from shared.core.errors import Invalid, Unavailable
from shared.core.settings import TURNSTILE_TEST_SECRETS, Settings
from shared.integrations.captcha import CAPTCHA_AWAY, CAPTCHA_REFUSED

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 5.0
"""For the whole check: name, connection and answer."""
MOST_AT_ONCE = 4
"""Checks in one process. A Turnstile that hangs must not keep every thread of the API waiting for it."""
LONGEST_TOKEN = 2048
LONGEST_ANSWER = 64 * 1024
RETRY_AFTER_SECONDS = 5

_ABOUT_THE_TOKEN = {"missing-input-response", "invalid-input-response", "timeout-or-duplicate"}
"""Every other error is Turnstile's, or ours, such as a wrong secret: nobody's token is to blame for it."""

Answer = dict[str, Any]


class TurnstileCaptcha:
    """Asks Turnstile once about each token, on a new connection: one that was kept may be dead without our knowing, and
    a token cannot be asked about twice."""

    def __init__(self, settings: Settings) -> None:
        self._secret = settings.turnstile_secret_key.get_secret_value()
        self._url = f"{settings.turnstile_api_base}/turnstile/v0/siteverify"
        self._hostnames = {name.lower() for name in settings.turnstile_hostnames}
        self._slots = threading.BoundedSemaphore(MOST_AT_ONCE)

    def verify(self, token: str | None, *, action: str, address: str | None) -> None:
        """See `Captcha.verify`."""
        if not token or len(token) > LONGEST_TOKEN:
            raise Invalid(CAPTCHA_REFUSED, "Send the token of the captcha in X-Captcha-Token.")
        form = {"secret": self._secret, "response": token} | ({"remoteip": address} if address else {})
        self._judge(self._ask_in_time(form), action)

    def _judge(self, answer: Answer, action: str) -> None:
        """Raises unless `answer` says that the token is good, for `action`, on a page of ours."""
        faults = answer.get("error-codes") or []
        if answer["success"] is not True:
            if not faults or not all(isinstance(fault, str) and fault in _ABOUT_THE_TOKEN for fault in faults):
                log.error("captcha.not_checked", faults=faults)
                raise _away()
            raise Invalid(CAPTCHA_REFUSED, "The captcha has to be solved again.")
        if self._secret in TURNSTILE_TEST_SECRETS:
            return
        hostname = str(answer.get("hostname", "")).lower()
        if answer.get("action") != action or (self._hostnames and hostname not in self._hostnames):
            log.warning("captcha.misused", action=answer.get("action"), hostname=hostname, wanted=action)
            raise Invalid(CAPTCHA_REFUSED, "The captcha was solved for something else, or on another page.")

    def _ask_in_time(self, form: dict[str, str]) -> Answer:
        """The answer, waited for `PATIENCE_SECONDS` in all: in a thread, because a name server may be slow as well, and
        a timeout of sockets begins anew with every byte."""
        if not self._slots.acquire(blocking=False):
            raise _away()
        future: Future[Answer] = Future()
        threading.Thread(target=self._ask, args=(form, future), name="captcha", daemon=True).start()
        try:
            return future.result(PATIENCE_SECONDS)
        except (RequestException, OSError, ValueError) as error:
            log.warning("captcha.away", error=type(error).__name__)
            raise _away() from error

    def _ask(self, form: dict[str, str], future: "Future[Answer]") -> None:
        try:
            future.set_result(self._post(form))
        except BaseException as error:  # noqa: BLE001 - raised where the answer is waited for
            future.set_exception(error)
        finally:
            self._slots.release()

    def _post(self, form: dict[str, str]) -> Answer:
        """One POST. Raises ValueError for what is not an answer of Turnstile."""
        with _Direct() as session:
            options: dict[str, Any] = {"allow_redirects": False, "stream": True, "timeout": PATIENCE_SECONDS}
            with session.post(self._url, data=form, **options) as response:
                raw, status = _read(response), response.status_code
        answer = orjson.loads(raw)
        if not isinstance(answer, dict) or not isinstance(answer.get("success"), bool):
            raise ValueError("no answer of Turnstile")  # noqa: TRY004 - said by a stranger, not by a caller
        if status != HTTPStatus.OK and (answer["success"] or status >= HTTPStatus.INTERNAL_SERVER_ERROR):
            raise ValueError(f"status {status}")
        return answer


class _Direct(Session):
    """Goes where the settings say: no proxy and no password of the environment."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False


def _read(response: Response) -> bytes:
    """The body. Raises ValueError for one that is too long."""
    raw = b""
    for part in response.iter_content(8192):
        raw += part
        if len(raw) > LONGEST_ANSWER:
            raise ValueError("too long for an answer of Turnstile")
    return raw


def _away() -> Unavailable:
    return Unavailable(
        CAPTCHA_AWAY, "The captcha cannot be checked now. Try again in a moment.", retry_after=RETRY_AFTER_SECONDS
    )
