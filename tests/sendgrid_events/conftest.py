from collections.abc import Callable
from typing import Any

import pytest

from tests.checked_client import CheckedClient
from tests.factories.sendgrid_events import posted

Tell = Callable[..., None]


@pytest.fixture
def tell(client: CheckedClient) -> Tell:
    """Posts events in one batch."""

    def post(*events: Any) -> None:
        assert client.post("/v1/sendgrid/events", **posted(list(events))).status_code == 200

    return post
