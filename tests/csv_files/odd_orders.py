"""Orders with texts that files, spreadsheets and readers stumble over."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

from sqlalchemy import text

from shared.core.transaction import transaction
from tests.factories.clients import make_client
from tests.factories.orders import make_order
from tests.factories.organizations import Company

LONG = 'Häuser, Gärten und "Dächer"\n' * 35_000  # a megabyte in UTF-8
TEXTS = [
    "plain",
    "",
    " leading blank",
    'says "hello"',
    "a, b; c",
    "two\r\nlines",
    "one\nfeed",
    "one\rreturn",
    "\u202eright to left\u202c",
    "\u200f\u200e",
    "\ufeffwith a mark",
    "Ünïcödé 🧹 日本",
    "\\N",
    "\\.",
    "'already",
    "NULL",
    "1e5",
    "12 Elm Street",
    "a\x7fb\x01c",
    "=1+1",
    "=cmd|' /C calc'!A0",
    "+1 403",
    "-2+3",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    '="quoted","too"',
    "Bo;=cmd|' /C calc'!A0;",
    "Bo\n=1+1",
    "a;+1;-2;@3;;=4;＝5",  # noqa: RUF001 - full-width on purpose
    "＝1",  # noqa: RUF001 - full-width on purpose
    "＋1",  # noqa: RUF001
    "－1",  # noqa: RUF001
    "＠A1",  # noqa: RUF001
]


def make_odd_orders(company: Company, texts: list[str] = TEXTS) -> list[UUID]:
    """An order for each text, which stands in its title, its address and its client's name; written past the API,
    which takes no such texts."""
    start = datetime(2126, 3, 1, 9, 30, tzinfo=UTC)
    made = []
    for number, odd in enumerate(texts):
        client_id = make_client(company, phone=f"+1403555{1000 + number}")
        order_id = make_order(
            company,
            client_id=client_id,
            scheduled_start=start + timedelta(days=number),
            scheduled_end=start + timedelta(days=number, hours=1),
        )
        with transaction(company.scope) as session:
            values = {"odd": odd, "order": order_id, "client": client_id}
            session.execute(text("UPDATE orders SET title = :odd, address = :odd WHERE id = :order"), values)
            session.execute(text("UPDATE clients SET name = :odd WHERE id = :client"), values)
        made.append(order_id)
    return made
