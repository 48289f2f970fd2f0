"""The rule of the database, asked directly."""

from collections.abc import Callable
from datetime import datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import Connection, insert
from sqlalchemy.exc import IntegrityError

from shared.core.orm import table_of
from shared.orders.model import Order
from tests.factories.organizations import Company
from tests.rows import as_role
from tests.slots.schedule import order_row


@pytest.fixture
def lets_in(company: Company, database: Connection) -> Callable[[UUID, datetime, datetime, timedelta], bool]:
    """Whether Postgres takes an order of the team at a time; it is not kept."""

    def attempt(team_id: UUID, start: datetime, end: datetime, buffer: timedelta) -> bool:
        row = order_row(company, team_id, start, end, buffer=buffer, notes="", paid_amount=0)
        values = {name: value for name, value in vars(row).items() if name in table_of(Order).columns}
        nested, violated = database.begin_nested(), ""
        try:
            as_role(database, "crewline_tenant", company.org_id)
            database.execute(insert(table_of(Order)).values(**values, photo_consent=False, version=1))
        except IntegrityError as error:
            violated = str(error)
        finally:
            nested.rollback()
        assert not violated or "ex_orders_team" in violated
        return not violated

    return attempt
