"""Photos of ten megabytes for the measurements: one real JPEG of noise, made distinct by a comment."""

import io
import os
from contextlib import suppress
from functools import cache

from PIL import Image

from ops.bench.client import connect
from ops.bench.errors import BenchError
from ops.bench.installation import Installation

PHOTO_BYTES = 10_000_000
_SIDE = 2400
_COMMENT_BYTES = 32
_BOUNDARY = "bench-boundary"
_FORM = (
    f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="phase"\r\n\r\nbefore\r\n'
    f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="photo.jpg"\r\n'
    "Content-Type: image/jpeg\r\n\r\n"
).encode()
_END = f"\r\n--{_BOUNDARY}--\r\n".encode()


@cache
def jpeg() -> bytes:
    """A JPEG of at most `PHOTO_BYTES`, and nearly that: noise, which does not compress."""
    for quality in range(95, 60, -1):
        target = io.BytesIO()
        noise = Image.frombytes("RGB", (_SIDE, _SIDE), os.urandom(3 * _SIDE * _SIDE))
        noise.save(target, "JPEG", quality=quality, subsampling=0)
        if len(target.getvalue()) <= PHOTO_BYTES - _COMMENT_BYTES:
            return target.getvalue()
    raise BenchError("no quality makes the photo small enough")


def post(port: int, path: str, token: str, body: list[bytes | memoryview], content_type: str) -> None:
    """Send one request on a connection of its own. Raises `BenchError` for any answer but 201."""
    head = (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {sum(map(len, body))}\r\nConnection: close\r\n\r\n"
    ).encode()
    with connect(port) as sock:
        with suppress(OSError):  # a refusal can come, and the connection go, before everything is sent
            for part in [head, *body]:
                sock.sendall(part)
        answer = b"".join(iter(lambda: sock.recv(65536), b""))
    if not answer.startswith(b"HTTP/1.1 201"):
        raise BenchError(f"an upload was not accepted: {answer[:600]!r}")


def upload(port: int, made: Installation) -> None:
    """Attach a photo that nobody has uploaded before to an order."""
    comment = os.urandom(_COMMENT_BYTES - 4).replace(b"%", b" ").replace(b"<", b" ")
    segment = b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment
    body: list[bytes | memoryview] = [_FORM, jpeg()[:2], segment, memoryview(jpeg())[2:], _END]
    path = f"/v1/orders/{made.seed.order_ids[0]}/photos"
    post(port, path, made.seed.reading.token, body, f"multipart/form-data; boundary={_BOUNDARY}")


def send_bare(port: int, _: Installation) -> None:
    """The same bytes, as a body, to the bare server."""
    post(port, "/files", "-", [_FORM, jpeg(), _END], "application/octet-stream")
