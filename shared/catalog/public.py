"""What a company offers, as anybody may see it."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import Row, Select, Table, bindparam, select

from shared.catalog.model import Addon, Service
from shared.core.actor import Actor
from shared.core.orm import Reader, table_of

MOST_OFFERED = 500
"""Services, and add-ons: far more than anybody wants to choose from, and a bound on the answer."""


class Offered(NamedTuple):
    """Active services and add-ons, by name: `id`, `key`, `name`, `description`."""

    services: Sequence[Row[Any]]
    addons: Sequence[Row[Any]]


def _active(table: Table) -> Select[*tuple[Any, ...]]:
    query = select(*(table.c[name] for name in ("id", "key", "name", "description")))
    query = query.where(table.c.org_id == bindparam("org_id"), table.c.is_active)
    return query.order_by(table.c.name, table.c.id).limit(MOST_OFFERED)


_SERVICES, _ADDONS = _active(table_of(Service)), _active(table_of(Addon))


def offered(session: Reader, actor: Actor) -> Offered:
    """What can be asked for now."""
    mine = {"org_id": actor.org_id}
    return Offered(session.execute(_SERVICES, mine).all(), session.execute(_ADDONS, mine).all())
