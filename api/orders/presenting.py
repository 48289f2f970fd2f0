"""What the views of orders share: an order for the caller, and an answer with its ETag."""

from typing import Any

from api.core.context import actor
from api.core.etags import etag
from api.core.idempotency import Answer
from api.orders import schemas
from shared.core.permissions import Permission


def present(order: Any) -> dict[str, Any]:
    """An order for the caller: keys and alarms are for dispatch alone."""
    return schemas.present(order, with_access_notes=actor().may(Permission.ORDERS_WRITE))


def versioned(order: Any) -> Answer:
    """An order, with the ETag of its version."""
    return present(order), 200, etag(order.version)
