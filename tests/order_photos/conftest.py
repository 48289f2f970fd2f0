import io
from collections.abc import Callable
from pathlib import Path

import pytest

from shared.order_photos.encoding import Encoded, encode

Encode = Callable[[bytes, str], Encoded]


@pytest.fixture
def encoded(tmp_path: Path) -> Encode:
    """Writes a photo of a type anew, into a folder of the test's own."""
    return lambda content, mime: encode(io.BytesIO(content), mime, tmp_path)
