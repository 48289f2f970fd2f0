"""Calls to the Cloudflare API about the images of one account: https://developers.cloudflare.com/api/resources/images/.

They are tried again where that is safe, and not made at all while Cloudflare is left alone.
"""

import math
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from http import HTTPStatus
from typing import Any, BinaryIO, TypeVar
from urllib.parse import quote

from shared.core.errors import Unavailable
from shared.core.settings import Settings
from shared.integrations.breakers import Breaker, CircuitOpenError
from shared.integrations.storage import CIRCUIT_OPEN
from shared.integrations.storage.cloudflare_answers import Answer, Failed, TimedOut, TooManyRequests, failed, result_of
from shared.integrations.storage.cloudflare_wire import Request, Wire
from shared.integrations.storage.multipart import FileForm

RETRY_WAITS = (0.1, 0.4)
"""Seconds before the second and the third try of a call that may be made twice."""
LONGEST_CALL = 6
"""The longest call with all its tries, in read timeouts: a server that sends a byte now and then breaks none of
them."""
_NO_IMAGE = ("text/", "application/json")

Result = TypeVar("Result")
Read = Callable[[dict[str, Any]], Result]
"""Makes something of a result. Raises LookupError, TypeError or ValueError when it makes no sense."""
Attempt = Callable[[float], Result]
"""One try, which has to end at a moment of `time.monotonic`."""


class CloudflareApi:
    """The API as one process sees it. Safe to use from several threads. Raises `Unavailable`, and `NotFound` about an
    image that is not there."""

    def __init__(self, settings: Settings) -> None:
        account = quote(settings.cf_images_account_id, safe="")
        self._base = f"{settings.cf_images_api_base}/client/v4/accounts/{account}/images"
        self._authorization = {"Authorization": f"Bearer {settings.cf_images_api_token.get_secret_value()}"}
        read_seconds = settings.cf_images_read_timeout_seconds
        self._wire = Wire(connect_seconds=settings.cf_images_connect_timeout_seconds, read_seconds=read_seconds)
        self._longest = LONGEST_CALL * read_seconds
        self._recovery_seconds = settings.storage_circuit_recovery_seconds
        self._breaker = Breaker(
            "cloudflare_images",
            failures=settings.storage_circuit_failure_threshold,
            recovery_seconds=self._recovery_seconds,
            is_failure=lambda error: isinstance(error, Failed),
        )
        self._left_alone_until = 0.0

    def call(
        self, operation: str, method: str, path: str, read: Read[Result], *, fields: Mapping[str, str] | None = None
    ) -> Result:
        """What `read` makes of the result. For calls that may be made twice: they are, when Cloudflare is not well."""
        request = Request(operation, method, self._base + path, self._authorization, fields)
        return self._guarded(lambda deadline: _read(self._wire.ask(request, deadline), read), RETRY_WAITS)

    def download(self, path: str) -> BinaryIO:
        """An image, as a temporary file at its end. It is all there: Cloudflare need not say beforehand how long it is,
        and a download that breaks off can be tried again."""
        request = Request("open", "GET", self._base + path, self._authorization)
        return self._guarded(partial(self._download, request), RETRY_WAITS)

    def upload(self, url: str, form: FileForm, read: Read[Result]) -> Result:
        """Send `form` to an address that takes it once, without our token. Never tried again."""
        request = Request("put", "POST", url, form.headers, body=form)
        return self._guarded(
            lambda deadline: _read(self._wire.ask_on_a_new_connection(request, deadline), read), waits=()
        )

    def _guarded(self, attempt: Attempt[Result], waits: tuple[float, ...]) -> Result:
        """Make a call, unless Cloudflare is left alone."""
        left_alone_for = self._left_alone_until - time.monotonic()
        if left_alone_for > 0:
            raise _left_alone(left_alone_for)
        deadline = time.monotonic() + self._longest
        try:
            return self._breaker.call(lambda: _tried(attempt, waits, deadline))
        except CircuitOpenError as error:
            raise _left_alone(self._recovery_seconds) from error
        except TooManyRequests as refusal:
            self._left_alone_until = time.monotonic() + refusal.fields["retry_after"]
            raise

    def _download(self, request: Request, deadline: float) -> BinaryIO:
        with ExitStack() as unless_it_is_there:
            content = unless_it_is_there.enter_context(tempfile.TemporaryFile())
            answer = self._wire.ask(request, deadline, into=content)
            if answer.status != HTTPStatus.OK:
                result_of(answer)
            if answer.status != HTTPStatus.OK or answer.headers.get("Content-Type", "").startswith(_NO_IMAGE):
                raise failed("open", f"status {answer.status}, and no image")
            unless_it_is_there.pop_all()
            return content


def _tried(attempt: Attempt[Result], waits: tuple[float, ...], deadline: float) -> Result:
    for wait in waits:
        try:
            return attempt(deadline)
        except TimedOut:
            raise
        except Failed:
            time.sleep(wait)
    return attempt(deadline)


def _read(answer: Answer, read: Read[Result]) -> Result:
    try:
        return read(result_of(answer))
    except (LookupError, TypeError, ValueError) as error:
        raise failed(answer.operation, "an answer that makes no sense") from error


def _left_alone(seconds: float) -> Unavailable:
    return Unavailable(
        CIRCUIT_OPEN, "The photo storage is left alone for a moment. Try again later.", retry_after=math.ceil(seconds)
    )
