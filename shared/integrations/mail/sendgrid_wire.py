"""One request to SendGrid and its answer, within bounds of time and size.

SendGrid's SDK goes through `urllib`, which follows a redirect with the API key in hand, goes where proxies of the
environment lead, and does not say whether a request was ever written. This takes the SDK's place at that one point.
"""

import http.client
import logging
import ssl
import time
from email.message import Message
from http import HTTPStatus
from typing import Any
from urllib.request import AbstractHTTPHandler, OpenerDirector, Request

from python_http_client import Client

MOST_ANSWER_BYTES = 64 * 1024
_CHUNK_BYTES = 16 * 1024

# The SDK writes down every request with all headers, the API key among them, at this level.
logging.getLogger("python_http_client").setLevel(logging.INFO)


class CannotConnectError(OSError):
    """No connection came about, so nothing was offered on it."""


class Wire(Client):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client, which gives back whatever was answered. Goes where it is told: no proxies, no redirects."""

    def __init__(self, *, opener: OpenerDirector | None = None, **options: Any) -> None:
        super().__init__(**options)
        self._opener = opener or _opener()

    def _build_client(self, name: str | None = None) -> "Wire":
        return Wire(
            opener=self._opener,
            host=self.host,
            version=self._version,
            request_headers=self.request_headers,
            url_path=[*self._url_path, name] if name else self._url_path,
            timeout=self.timeout,
        )

    def _make_request(self, opener: OpenerDirector, request: Request, timeout: float | None = None) -> "_Answer":  # noqa: ARG002 - the SDK's own opener
        with self._opener.open(request, timeout=self.timeout) as response:
            return _Answer(response, time.monotonic() + self.timeout)


class _Answer:
    """What the SDK reads an answer from."""

    def __init__(self, response: http.client.HTTPResponse, deadline: float) -> None:
        self._status: int = response.status
        self._headers = response.headers
        # What is taken is taken, whatever becomes of the rest of the answer.
        self._body = b"" if response.status == HTTPStatus.ACCEPTED else _start_of(response, deadline)

    def getcode(self) -> int:
        return self._status

    def read(self) -> bytes:
        return self._body

    def info(self) -> Message:
        return self._headers


def _start_of(response: http.client.HTTPResponse, deadline: float) -> bytes:
    """As much of the body as an honest one has. A status says enough, should it break off."""
    body = b""
    try:
        while len(body) < MOST_ANSWER_BYTES and time.monotonic() < deadline and (chunk := response.read1(_CHUNK_BYTES)):
            body += chunk
    except (OSError, http.client.HTTPException):
        return body
    return body


def _opener() -> OpenerDirector:
    opener = OpenerDirector()
    opener.add_handler(_Handler(ssl.create_default_context()))
    return opener


class _Handler(AbstractHTTPHandler):
    def __init__(self, tls: ssl.SSLContext) -> None:
        super().__init__()
        self._tls = tls

    def http_request(self, request: Request) -> Request:
        return self.do_request_(request)

    def https_request(self, request: Request) -> Request:
        return self.do_request_(request)

    def http_open(self, request: Request) -> http.client.HTTPResponse:
        return self.do_open(_Connection, request)

    def https_open(self, request: Request) -> http.client.HTTPResponse:
        return self.do_open(_TlsConnection, request, context=self._tls)


class _Connection(http.client.HTTPConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            raise CannotConnectError(*error.args) from error


class _TlsConnection(http.client.HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except OSError as error:
            raise CannotConnectError(*error.args) from error
