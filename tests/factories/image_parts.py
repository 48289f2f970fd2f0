"""The parts that image files are made of, to make files that no encoder makes, and to read those that ours made."""

import re
import zlib
from collections.abc import Iterator

PNG_START = b"\x89PNG\r\n\x1a\n"
JPEG_MARKER = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")


def segment(marker: int, content: bytes = b"") -> bytes:
    """One segment of a JPEG: 0xE1 for Exif and XMP, 0xED for IPTC, 0xFE for a comment."""
    return bytes([0xFF, marker]) + (2 + len(content)).to_bytes(2, "big") + content


def after_start(jpeg: bytes, *segments: bytes) -> bytes:
    """The JPEG with more segments at its beginning."""
    return jpeg[:2] + b"".join(segments) + jpeg[2:]


def frame(width: int, height: int, marker: int = 0xC0) -> bytes:
    """The segment that declares a JPEG's size: 8 bits, three components."""
    sizes = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return segment(marker, b"\x08" + sizes + b"\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00")


def empty_jpeg(width: int, height: int) -> bytes:
    """A JPEG that declares its size and has no pixels."""
    return b"\xff\xd8" + frame(width, height) + segment(0xDA, bytes(10)) + b"\x00" * 20 + b"\xff\xd9"


def jpeg_markers(jpeg: bytes) -> list[int]:
    """The markers of a JPEG in their order, without those inside of segments."""
    markers, at = [], 0
    while found := JPEG_MARKER.search(jpeg, at):
        markers.append(jpeg[found.end() - 1])
        at = found.end() + (0 if markers[-1] in {0xD8, 0xD9} else int.from_bytes(jpeg[found.end() :][:2], "big"))
    return markers


def chunk(kind: bytes, content: bytes = b"") -> bytes:
    """One chunk of a PNG."""
    return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")


def png(width: int, height: int, *chunks: bytes, packed: bytes = zlib.compress(bytes(64)), depth: int = 8) -> bytes:
    """An RGB picture that says how large it is, and need not have the data for it: `chunks` go before the data."""
    header = width.to_bytes(4, "big") + height.to_bytes(4, "big") + bytes([depth, 2, 0, 0, 0])
    return PNG_START + b"".join([chunk(b"IHDR", header), *chunks, chunk(b"IDAT", packed), chunk(b"IEND")])


def before_data(whole: bytes, *chunks: bytes) -> bytes:
    """The PNG with more chunks right behind its header."""
    return whole[:33] + b"".join(chunks) + whole[33:]


def png_chunks(whole: bytes) -> Iterator[bytes]:
    """The kinds of a PNG's chunks."""
    at = len(PNG_START)
    while at < len(whole):
        yield whole[at + 4 : at + 8]
        at += 12 + int.from_bytes(whole[at : at + 4], "big")


def riff(*chunks: bytes) -> bytes:
    """A WebP of these chunks."""
    content = b"WEBP" + b"".join(chunks)
    return b"RIFF" + len(content).to_bytes(4, "little") + content


def riff_chunk(kind: bytes, content: bytes) -> bytes:
    return kind + len(content).to_bytes(4, "little") + content + bytes(len(content) % 2)


def canvas(width: int, height: int, flags: int = 0) -> bytes:
    """The chunk that declares a WebP's size."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return riff_chunk(b"VP8X", bytes([flags, 0, 0, 0]) + sides)


def webp_chunks(whole: bytes) -> Iterator[bytes]:
    """The kinds of a WebP's chunks."""
    at = 12
    while at < len(whole):
        yield whole[at : at + 4]
        length = int.from_bytes(whole[at + 4 : at + 8], "little")
        at += 8 + length + length % 2


def samsung_trailer(name: bytes, content: bytes) -> bytes:
    """One block of data, and the directory behind it (https://exiftool.org/TagNames/Samsung.html#Trailer)."""
    block = b"\x00\x00\x30\x0a" + len(name).to_bytes(4, "little") + name + content
    length = len(block).to_bytes(4, "little")
    directory = (
        b"SEFH" + (107).to_bytes(4, "little") + (1).to_bytes(4, "little") + b"\x00\x00\x30\x0a" + length + length
    )
    return block + directory + len(directory).to_bytes(4, "little") + b"SEFT"
