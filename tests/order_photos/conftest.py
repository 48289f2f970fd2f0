import io
from collections.abc import Callable
from pathlib import Path
from uuid import UUID

import pytest

from shared.order_photos.encoding import Encoded, encode
from shared.wiring import Services
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.order_photos.storages import with_memory

Encode = Callable[[bytes, str], Encoded]


@pytest.fixture
def encoded(tmp_path: Path) -> Encode:
    """Writes a photo of a type anew, into a folder of the test's own."""
    return lambda content, mime: encode(io.BytesIO(content), mime, tmp_path)


@pytest.fixture
def order_id(company: Company) -> UUID:
    """An order of the company whose client has agreed to photos."""
    return make_order(company)


@pytest.fixture
def both(company: Company) -> Services:
    """Services with a second storage, `memory`; new photos go to `local`."""
    return with_memory(company.services)
