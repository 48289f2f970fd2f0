"""Uploads byte by byte: what a client library would never send."""

import socket
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.faults.owner import Owner, Placed

BOUNDARY = "wire-test"
HEAD = (
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="phase"\r\n\r\nbefore\r\n'
    f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="photo.png"\r\n'
    "Content-Type: image/png\r\n\r\n"
).encode()
END = f"\r\n--{BOUNDARY}--\r\n".encode()
PIECE = 16 * 1024


@dataclass(frozen=True)
class Answered:
    """What came back: the status, 0 when nothing came, and the body as text."""

    status: int
    body: str


def form(photo: bytes) -> bytes:
    """The whole body of an upload."""
    return HEAD + photo + END


def chunked(body: bytes) -> list[bytes]:
    """The body in chunks (RFC 9112, 7.1), with the one that ends it."""
    pieces = [body[at : at + PIECE] for at in range(0, len(body), PIECE)]
    return [b"%x\r\n%s\r\n" % (len(piece), piece) for piece in pieces] + [b"0\r\n\r\n"]


def send(owner: Owner, placed: Placed, parts: Iterable[bytes], *, hang_up: bool = False, **headers: str) -> Answered:
    """Send the headers and then `parts`; close our side and read the answer, or `hang_up` without reading it."""
    address = urlsplit(owner.base_url)
    assert address.hostname is not None
    lines = {
        "Host": "crewline",
        "Authorization": owner.headers["Authorization"],
        "Content-Type": f"multipart/form-data; boundary={BOUNDARY}",
        "Connection": "close",
    } | {name.replace("_", "-"): value for name, value in headers.items()}
    request = f"POST /v1/orders/{placed.id}/photos HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines.items())
    with socket.create_connection((address.hostname, address.port or 80), timeout=20) as peer:
        with suppress(OSError):  # a refusal can come, and the connection go, before everything is sent
            for part in [f"{request}\r\n".encode(), *parts]:
                peer.sendall(part)
            if hang_up:
                return Answered(0, "")
            peer.shutdown(socket.SHUT_WR)
        return _read(peer)


def _read(peer: socket.socket) -> Answered:
    found = b""
    with suppress(OSError):
        while data := peer.recv(65536):
            found += data
    head, _, body = found.partition(b"\r\n\r\n")
    return Answered(int(head.split()[1]) if head else 0, body.decode())
