"""One gzip file in parts (RFC 1952), each compressed for itself.

A part ends with a full flush: at a byte, and nothing behind it refers to what is before, so that any worker can go on
there. The first one begins with gzip's header, the last one ends with its check sum and length.
"""

import struct
import zlib

_HEADER = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"
_LAST_BLOCK = b"\x03\x00"
_RAW = -15
_LEVEL = 4
_32_BITS = 0xFFFFFFFF


def pack(content: bytes, *, crc32: int, size: int, is_first: bool, is_last: bool) -> bytes:
    """A part. `crc32` and `size` are of all that was written, this part included."""
    packer = zlib.compressobj(_LEVEL, zlib.DEFLATED, _RAW)
    packed = packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH) if content else b""
    trailer = _LAST_BLOCK + struct.pack("<II", crc32, size & _32_BITS)
    return (_HEADER if is_first else b"") + packed + (trailer if is_last else b"")
