"""One request to Cloudflare and its answer, within bounds of time and size."""

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from io import BytesIO
from typing import Any, BinaryIO

import certifi
import urllib3

from shared.core.errors import Unavailable
from shared.integrations.storage import STORAGE_AWAY
from shared.integrations.storage.cloudflare_answers import Answer, TimedOut, failed

MOST_BYTES = 64 * 1024 * 1024
"""Of an image; Cloudflare may give back a larger one than it was given."""
MOST_ANSWER_BYTES = 8 * 1024 * 1024
MOST_CONNECTIONS = 8
_CHUNK_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked for `operation`. `fields` are the query of a GET and the form of a POST; `body` is sent as it is
    made."""

    operation: str
    method: str
    url: str
    headers: Mapping[str, str]
    fields: Mapping[str, str] | None = None
    body: Iterable[bytes] | None = None


class Wire:
    """Goes where it is told: no proxy and no password of the environment, no cookies, no redirects. Keeps connections.
    Safe to use from several threads."""

    def __init__(self, *, connect_seconds: float, read_seconds: float) -> None:
        self._options: dict[str, Any] = {
            "timeout": urllib3.Timeout(connect=connect_seconds, read=read_seconds),
            "retries": False,
            "redirect": False,
            "preload_content": False,
        }
        self._kept = _connections()

    def ask(self, request: Request, deadline: float, *, into: BinaryIO | None = None) -> Answer:
        """Send `request` and read the answer before `deadline` (`time.monotonic`); the body of a 200 goes `into` a file
        if there is one. Raises `Unavailable`, which is `Failed` when Cloudflare or the way to it is not well.

        Only the head of an answer could take longer, one byte after the other, each in time."""
        return self._ask(self._kept, request, deadline, into)

    def ask_on_a_new_connection(self, request: Request, deadline: float) -> Answer:
        """As `ask`, for what cannot be sent again: a connection that was kept may be dead without our knowing."""
        with _connections() as new:
            return self._ask(new, request, deadline, None)

    def _ask(
        self, connections: urllib3.PoolManager, request: Request, deadline: float, into: BinaryIO | None
    ) -> Answer:
        try:
            response = connections.request(
                request.method,
                request.url,
                headers=request.headers,
                fields=request.fields,
                body=None if request.body is None else _in_time(request.body, deadline),
                **self._options,
            )
            try:
                return _received(request.operation, response, deadline, into)
            finally:
                response.close()
        except (urllib3.exceptions.TimeoutError, TimeoutError) as error:
            raise failed(request.operation, type(error).__name__, TimedOut) from error
        except (urllib3.exceptions.HTTPError, _TooLongError) as error:
            raise failed(request.operation, type(error).__name__) from error
        except OSError as error:
            raise Unavailable(STORAGE_AWAY, f"The photo could not be kept here: {error.strerror}.") from error


class _TooLongError(Exception):
    """More than any answer of Cloudflare."""


def _connections() -> urllib3.PoolManager:
    return urllib3.PoolManager(maxsize=MOST_CONNECTIONS, ca_certs=certifi.where())


def _received(operation: str, response: urllib3.BaseHTTPResponse, deadline: float, into: BinaryIO | None) -> Answer:
    if into is not None and response.status == HTTPStatus.OK:
        _copy(response, into, MOST_BYTES, deadline)
        return Answer(operation, response.status, response.headers)
    raw = BytesIO()
    _copy(response, raw, MOST_ANSWER_BYTES, deadline)
    return Answer(operation, response.status, response.headers, raw.getvalue())


def _copy(response: urllib3.BaseHTTPResponse, target: BinaryIO, most: int, deadline: float) -> None:
    size = 0
    while chunk := response.read1(_CHUNK_BYTES):
        size += len(chunk)
        if size > most:
            raise _TooLongError
        if time.monotonic() > deadline:
            raise TimeoutError
        target.write(chunk)


def _in_time(chunks: Iterable[bytes], deadline: float) -> Iterator[bytes]:
    for chunk in chunks:
        if time.monotonic() > deadline:
            raise TimeoutError
        yield chunk
