"""What there is as a table, column by column. A new kind is a new entry of `TABLES` (and a value of `CsvKind`).

The order of the columns is for ever: readers may count on it. A new column goes to the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from shared.csv_files.cells import flag, local, moment, money, text
from shared.csv_files.model import CsvKind
from shared.orders.states import OrderState
from shared.payments.model import PaymentState


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in the header, and the SQL of its cells. One `of_client` is only for who may read clients."""

    name: str
    sql: str
    of_client: bool = False


@dataclass(frozen=True, slots=True)
class Table:
    """Rows of the database table `source`, which is `r` in SQL, in the order of their identifiers; the first column is
    the identifier. `filters` are conditions by name, with the value under the same name; `status` takes `states`, the
    others take moments."""

    source: str
    joins: str
    columns: tuple[Column, ...]
    states: type[StrEnum]
    filters: Mapping[str, str]

    def shown(self, *, with_clients: bool) -> list[Column]:
        """The columns that somebody gets."""
        return [column for column in self.columns if with_clients or not column.of_client]

    def conditions(self, filters: Mapping[str, Any]) -> str:
        """SQL of the rows that `filters` let through."""
        return "".join(f" AND {self.filters[name]}" for name in sorted(filters))


def _range(name: str, column: str) -> dict[str, str]:
    """From a moment, which is included, to another one, which is not."""
    return {
        f"{name}_from": f"r.{column} >= %({name}_from)s::timestamptz",
        f"{name}_to": f"r.{column} < %({name}_to)s::timestamptz",
    }


_STATUS = {"status": "r.state = ANY(%(status)s::text[])"}
_TIMEZONE = Column("timezone", "%(timezone)s::text")
_CLIENT = (
    Column("client_name", text("c.name"), of_client=True),
    Column("client_email", text("c.email"), of_client=True),
    Column("client_phone", text("c.phone"), of_client=True),
)
_ORDERS = Table(
    source="orders",
    joins=(
        "LEFT JOIN clients AS c ON c.org_id = r.org_id AND c.id = r.client_id"
        " LEFT JOIN teams AS t ON t.org_id = r.org_id AND t.id = r.team_id"
        " LEFT JOIN services AS s ON s.org_id = r.org_id AND s.id = r.service_id"
    ),
    columns=(
        Column("id", "r.id"),
        Column("number", "r.number"),
        Column("state", "r.state"),
        Column("source", "r.source"),
        Column("title", text("r.title")),
        Column("service", text("s.name")),
        Column("team", text("t.name")),
        Column("client_id", "r.client_id"),
        *_CLIENT,
        Column("address", text("r.address"), of_client=True),
        Column("postal_code", text("r.postal_code"), of_client=True),
        Column("scheduled_start", moment("r.scheduled_start")),
        Column("scheduled_end", moment("r.scheduled_end")),
        Column("local_start", local("r.scheduled_start")),
        _TIMEZONE,
        Column("started_at", moment("r.started_at")),
        Column("ended_at", moment("r.ended_at")),
        Column("total", money("r.total_amount", "r.currency")),
        Column("deposit", money("r.deposit_amount", "r.currency")),
        Column("paid", money("r.paid_amount", "r.currency")),
        Column("cancellation_fee", money("r.cancellation_fee_amount", "r.currency")),
        Column("refund_due", money("r.refund_due_amount", "r.currency")),
        Column("currency", "r.currency"),
        Column("created_at", moment("r.created_at")),
        Column("updated_at", moment("r.updated_at")),
    ),
    states=OrderState,
    filters={
        **_STATUS,
        **_range("scheduled", "scheduled_start"),
        **_range("created", "created_at"),
        "updated_since": "r.updated_at >= %(updated_since)s::timestamptz",
    },
)
_PAYMENTS = Table(
    source="payments",
    joins=(
        "JOIN orders AS o ON o.org_id = r.org_id AND o.id = r.order_id"
        " LEFT JOIN clients AS c ON c.org_id = o.org_id AND c.id = o.client_id"
    ),
    columns=(
        Column("id", "r.id"),
        Column("order_id", "r.order_id"),
        Column("order_number", "o.number"),
        Column("state", "r.state"),
        Column("amount", money("r.amount", "r.currency")),
        Column("currency", "r.currency"),
        Column("refund_due", flag("r.refund_due")),
        Column("paid_at", moment("r.paid_at")),
        Column("local_paid_at", local("r.paid_at")),
        _TIMEZONE,
        Column("client_id", "o.client_id"),
        *_CLIENT,
        Column("stripe_payment_intent_id", text("r.stripe_payment_intent_id")),
        Column("created_at", moment("r.created_at")),
    ),
    states=PaymentState,
    filters={**_STATUS, **_range("paid", "paid_at"), **_range("created", "created_at")},
)
TABLES: dict[CsvKind, Table] = {CsvKind.ORDERS: _ORDERS, CsvKind.PAYMENTS: _PAYMENTS}
