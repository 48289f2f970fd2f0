"""A bounded look at how a file is built, before a decoder meets it.

Decoders keep what they read: ten megabytes of empty segments cost them seconds and hundreds of megabytes. A photo has a
few dozen segments (JPEG, ITU T.81 B.1) or some thousands of chunks (PNG, W3C 5.2), so more is an attack.
"""

from typing import BinaryIO

MOST_SEGMENTS = 1_000
MOST_CHUNKS = 20_000
_START_OF_SCAN = 0xDA
_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD9)}


def is_reasonable(source: BinaryIO) -> bool:
    """Whether the file has no more parts than a photo has; True for a format that this does not know."""
    source.seek(0)
    head = source.read(8)
    if head.startswith(b"\xff\xd8"):
        source.seek(2)
        return _has_few_segments(source)
    return _has_few_chunks(source) if head == b"\x89PNG\r\n\x1a\n" else True


def _has_few_segments(source: BinaryIO) -> bool:
    """Up to the first scan; bytes that fill the gap before a marker count like segments."""
    for _ in range(MOST_SEGMENTS):
        byte = source.read(1)
        if byte == b"\xff":
            marker = source.read(1)
            if not marker or marker[0] == _START_OF_SCAN:
                return True
            if marker == b"\xff":
                source.seek(-1, 1)
            elif marker[0] not in _WITHOUT_LENGTH:
                source.seek(max(int.from_bytes(source.read(2), "big") - 2, 0), 1)
        elif not byte:
            return True
    return False


def _has_few_chunks(source: BinaryIO) -> bool:
    for _ in range(MOST_CHUNKS):
        length = source.read(4)
        if len(length) < 4:  # noqa: PLR2004 - the end of the file
            return True
        source.seek(int.from_bytes(length, "big") + 8, 1)
    return False
