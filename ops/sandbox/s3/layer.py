"""The S3 server: each request meets the fault in force, is checked, and then answered by moto."""

import socket
import threading
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any, NoReturn
from urllib.parse import unquote

from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request, Response

from ops.sandbox.s3 import checks, signatures
from ops.sandbox.s3.errors import S3Error
from ops.sandbox.s3.faults import Fault, FaultPlan, Mode, Operation
from ops.sandbox.s3.log import Asked, RequestLog
from ops.sandbox.s3.store import Store

PIECES = 20

REFUSALS = {
    Mode.DOWN: S3Error(503, "SlowDown", "Please reduce your request rate."),
    Mode.ERROR: S3Error(500, "InternalError", "We encountered an internal error. Please try again."),
    Mode.FORBIDDEN: S3Error(403, "AccessDenied", "Access Denied"),
    Mode.VANISHED: S3Error(404, "NoSuchKey", "The specified key does not exist."),
}


class S3Layer:
    """A WSGI application in front of ``store``. ``stopping`` ends every wait."""

    def __init__(self, store: Store, faults: FaultPlan, log: RequestLog, stopping: threading.Event) -> None:
        self._store, self._faults, self._log, self._stopping = store, faults, log, stopping

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        """Raises ConnectionError, which the server passes over in silence, when the connection is to end."""
        request = Request(environ)
        bucket, _, key = unquote(environ["RAW_URI"].partition("?")[0]).lstrip("/").partition("/")
        operation = _operation(request, key)
        fault = self._faults.take(operation, key)
        response = None if fault.mode is Mode.RESET else self._answer(request, bucket, fault)
        status = response.status_code if response else None
        self._log.add(Asked(datetime.now(UTC), request.method, operation or "", bucket, key, fault.mode, status))
        if response is None:
            request.stream.read((request.content_length or 0) // 2)
            _hang_up(environ)
        if fault.mode is Mode.SLOW:
            self._stopping.wait(fault.seconds)
        body = response(environ, start_response)
        if fault.mode is Mode.DRIP:
            return self._dripping(b"".join(body), fault.seconds)
        return _first_half(b"".join(body), environ) if fault.mode is Mode.HALF else body

    def _answer(self, request: Request, bucket: str, fault: Fault) -> Response:
        try:
            body = request.stream.read()
            if fault.mode in REFUSALS:
                return REFUSALS[fault.mode].response()
            body = _other(body) if fault.mode is Mode.BAD_DIGEST else body
            signatures.check(request, bucket, datetime.now(UTC))
            checks.check(request, bucket, body)
        except S3Error as error:
            return error.response()
        except ClientDisconnected as error:
            raise ConnectionAbortedError("the body ended early") from error
        response = self._store.answer(request.environ, body)
        if fault.mode is Mode.CORRUPT and response.status_code == 200:
            response.data = _other(response.data)
        return response

    def _dripping(self, body: bytes, seconds: float) -> Iterator[bytes]:
        """In about twenty pieces, each in time, so that only a bound on the whole ends the wait."""
        size = len(body) // PIECES + 1
        for start in range(0, PIECES * size, size):
            self._stopping.wait(seconds / PIECES)
            yield body[start : start + size]


def _operation(request: Request, key: str) -> Operation | None:
    if request.method == "POST" and "delete" in request.args:
        return Operation.DELETE
    if not key:
        return Operation.LIST if request.method == "GET" else None
    named = {"PUT": Operation.PUT, "GET": Operation.GET, "HEAD": Operation.GET, "DELETE": Operation.DELETE}
    return named.get(request.method)


def _other(body: bytes) -> bytes:
    """As long, and one byte is another; none is none."""
    middle = len(body) // 2
    return body[:middle] + bytes(byte ^ 1 for byte in body[middle : middle + 1]) + body[middle + 1 :]


def _first_half(body: bytes, environ: dict[str, Any]) -> Iterator[bytes]:
    yield body[: len(body) // 2]
    _hang_up(environ)


def _hang_up(environ: dict[str, Any]) -> NoReturn:
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionAbortedError("hung up on purpose")
