"""Looking at an uploaded file without decoding it.

Strangers' bytes meet no decoder in the API: the container is walked by its specification, with a bound on the parts
that are looked at, and no pixel is read. What is found out is the real type, the declared size, and whether the file
is whole, stands still, and is nothing else besides: a file that is also a web page, a program or an archive is a
weapon against whoever opens it next (https://owasp.org/www-community/vulnerabilities/Unrestricted_File_Upload).

    kinds      which format the first bytes say
    foreign    traces of other formats, wherever a browser, PHP, a PDF reader or an unzipper would find them
    jpeg, png, webp, heif (boxes, items)    one walk per format
    trailers   what honest phones write behind the end of a picture
"""

import threading
from dataclasses import dataclass
from typing import BinaryIO

from shared.order_photos.inspection import foreign, heif, jpeg, kinds, png, webp
from shared.order_photos.inspection.content import content_of

__all__ = ["Inspected", "inspect"]

_MEASURE = {
    kinds.JPEG: jpeg.measure,
    kinds.PNG: png.measure,
    kinds.WEBP: webp.measure,
    kinds.HEIC: heif.measure,
}


_one_at_a_time = threading.Lock()
"""A mapped file counts as memory of the process while it is looked at. The work is done by one thread at a time anyway,
so that nobody waits longer for it."""


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a file says of itself. `width` and `height` in pixels, as declared, before any rotation."""

    mime: str
    width: int
    height: int


def inspect(source: BinaryIO) -> Inspected:
    """Look at the whole file, wherever `source` stands; it stands at its start afterwards. Raises `Invalid`."""
    with _one_at_a_time, content_of(source) as content:
        mime = kinds.mime_of(content)
        foreign.refuse(content)
        size = _MEASURE[mime](content)
    source.seek(0)
    return Inspected(mime, size.width, size.height)
