"""A connection to one checked address, on which every wait ends at a deadline and no answer is read for ever.

A time-out of sockets begins anew with every byte, so that a receiver that drips would hold a worker for hours. Here
each wait gets what is left until the deadline. The parser is that of `http.client`.
"""

import http.client
import io
import select
import socket
import ssl
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, cast

from shared.core.errors import Unavailable
from shared.core.webhook_urls import Place
from shared.integrations.export import WEBHOOK_TLS, WEBHOOK_UNREACHABLE
from shared.integrations.export.addresses import Address

MOST_ANSWER_BYTES = 64 * 1024
"""Of an answer with its headers; what comes after is not read."""
MOST_ADDRESSES = 4
_CHUNK_BYTES = 16 * 1024


class Wire:
    """An open connection. `deadline` is of `time.monotonic`, and moves with each request."""

    def __init__(self, sock: socket.socket, deadline: float) -> None:
        self._sock = sock
        self._unread = 0
        self.deadline = deadline
        self.opened_at = self.used_at = time.monotonic()
        self.has_answered = False

    def ask(self, request: bytes, deadline: float) -> http.client.HTTPResponse:
        """Send `request`; the answer, whose body is still to be read. Raises OSError, `HTTPException`."""
        self.deadline, self.has_answered, self._unread = deadline, False, MOST_ANSWER_BYTES
        self._send(request)
        response = _Response(cast(Any, self), method="POST")
        response.begin()
        if response.status < HTTPStatus.OK:
            raise http.client.HTTPException("another protocol was not asked for")
        return response

    def read(self, response: http.client.HTTPResponse, deadline: float) -> tuple[bytes, bool]:
        """The body, or its beginning, and whether that was all, so that another request may follow."""
        self.deadline, body = deadline, b""
        try:
            while chunk := response.read1(_CHUNK_BYTES):
                body += chunk
        except (OSError, http.client.HTTPException, ValueError):
            return body, False
        is_whole = response.isclosed() if response.length is None else response.length == 0
        return body, is_whole and not response.will_close

    @property
    def is_silent(self) -> bool:
        """Whether it is still open and nothing has come that nobody has asked for."""
        if isinstance(self._sock, ssl.SSLSocket) and self._sock.pending():
            return False
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        return not poll.poll(0)

    def makefile(self, *_: object) -> io.BufferedReader:
        """What `http.client` reads from."""
        return io.BufferedReader(_Reader(self))

    def receive_into(self, buffer: memoryview) -> int:
        """Wait for bytes until the deadline. 0 at the end, or when there were too many."""
        if not self._unread:
            return 0
        self._wait()
        count = self._sock.recv_into(buffer[: self._unread])
        self._unread -= count
        self.has_answered = self.has_answered or count > 0
        return count

    def close(self) -> None:
        self._sock.close()

    def _send(self, request: bytes) -> None:
        rest = memoryview(request)
        while rest:
            self._wait()
            rest = rest[self._sock.send(rest) :]

    def _wait(self) -> None:
        self._sock.settimeout(_left(self.deadline))


class _Response(http.client.HTTPResponse):
    """Passes over all that comes before the answer (RFC 9110, 15.2); the one of `http.client` knows 100 alone. Taken
    for an answer, the real one would be that of the next request."""

    def _read_status(self) -> tuple[str, int, str]:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]  # typeshed leaves it out
            if not HTTPStatus.SWITCHING_PROTOCOLS < status < HTTPStatus.OK:
                return version, status, reason
            http.client.parse_headers(self.fp)


class _Reader(io.RawIOBase):
    """Closing one leaves the connection open: the next answer comes on it."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        return self._wire.receive_into(memoryview(buffer))


def connect(place: Place, addresses: Sequence[Address], tls: ssl.SSLContext, deadline: float) -> Wire:
    """A connection to the first of `addresses` that takes one; with TLS, to who can prove to be the host of `place`.
    Raises `Unavailable`."""
    tried = addresses[:MOST_ADDRESSES]
    for number, address in enumerate(tried):
        try:
            # What is left is shared, so that an address which swallows everything leaves time for the next.
            patience = _left(deadline) / (len(tried) - number)
            sock = socket.create_connection((str(address), place.port), timeout=patience)
        except OSError as error:
            refusal = Unavailable(WEBHOOK_UNREACHABLE, f"No connection to the target: {_said(error)}.")
            continue
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return Wire(_secured(sock, place, tls, deadline) if place.is_tls else sock, deadline)
    raise refusal


def _secured(sock: socket.socket, place: Place, tls: ssl.SSLContext, deadline: float) -> ssl.SSLSocket:
    try:
        sock.settimeout(_left(deadline))
        return tls.wrap_socket(sock, server_hostname=place.host)
    except ssl.SSLCertVerificationError as error:
        sock.close()
        raise Unavailable(
            WEBHOOK_TLS, f"The certificate of the target is not accepted: {error.verify_message}."
        ) from error
    except OSError as error:
        sock.close()
        raise Unavailable(WEBHOOK_TLS, f"No TLS with the target: {_said(error)}.") from error


def _said(error: OSError) -> str:
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, ssl.SSLError):
        return (error.reason or "it ended").replace("_", " ").lower()
    return (error.strerror or type(error).__name__).lower()


def _left(deadline: float) -> float:
    """Seconds until then. Raises TimeoutError when there are none."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("the deadline is over")
    return left
