"""What is in a table: every byte of it."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import text

from api.csv_files import answering
from shared.core.transaction import read_only, transaction
from shared.csv_files import reading
from shared.csv_files.cells import money
from shared.csv_files.local_times import clock_values, local_time
from shared.csv_files.model import CsvKind
from tests.checked_client import CheckedClient
from tests.csv_files import expecting
from tests.csv_files.odd_orders import LONG, TEXTS, make_odd_orders
from tests.csv_files.steps import ORDERS, PAYMENTS, read_table
from tests.factories.crews import make_team
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.payments import make_payment
from tests.rows import row


def _set(company: Company, **values: Any) -> None:
    columns = ", ".join(f"{name} = :{name}" for name in values)
    with transaction(company.scope) as session:
        session.execute(text(f"UPDATE orders SET {columns}"), values)


def test_every_byte_is_what_the_csv_module_writes(client: CheckedClient, company: Company) -> None:
    make_odd_orders(company, [*TEXTS, LONG])
    make_order(company, team_id=make_team(company, name='The "A", Team'))
    answer = client.get(ORDERS, headers=company.headers())
    assert answer.data == expecting.orders(company.org_id)


@pytest.mark.parametrize("rows_of_piece", [1, 2, 7])
def test_the_pieces_make_the_same_table(
    client: CheckedClient, company: Company, monkeypatch: pytest.MonkeyPatch, rows_of_piece: int
) -> None:
    make_odd_orders(company)
    monkeypatch.setattr(answering, "FIRST_ROWS", rows_of_piece)
    monkeypatch.setattr(answering, "MOST_ROWS", rows_of_piece)
    assert client.get(ORDERS, headers=company.headers()).data == expecting.orders(company.org_id)


def test_long_rows_are_read_few_at_once(company: Company, monkeypatch: pytest.MonkeyPatch) -> None:
    order_ids = make_odd_orders(company, ["plain", "x" * 5_000, *TEXTS])
    monkeypatch.setattr(reading, "MOST_BYTES", 2_000)
    wanted = reading.Wanted(CsvKind.ORDERS, company.org_id, {}, True, "UTC")
    after, found, sizes = None, [], []
    while True:
        with read_only(company.scope) as session:
            piece = reading.read_piece(session, wanted, after)
        found += [line[:36].decode() for line in piece.lines]
        sizes.append(sum(map(len, piece.lines)))
        if piece.last_id is None:
            break
        after = piece.last_id
    assert found == sorted(map(str, order_ids))
    assert sorted(sizes)[-2] <= 2_000 < max(sizes), "a row that is too long comes alone"


@pytest.mark.parametrize("start", expecting.DANGEROUS)
def test_no_cell_begins_as_a_formula_does(client: CheckedClient, company: Company, start: str) -> None:
    make_order(company)
    _set(company, title=f"{start}1+1", address=f"{start}A1", postal_code=start)
    (found,) = read_table(client.get(ORDERS, headers=company.headers()))
    assert (found["title"], found["address"], found["postal_code"]) == (f"'{start}1+1", f"'{start}A1", f"'{start}")


@pytest.mark.parametrize("separator", [";", "\t", "\n", "\r\n"])
def test_nothing_begins_as_a_formula_where_another_separator_is_used(
    client: CheckedClient, company: Company, separator: str
) -> None:
    """Excel takes the separator of lists of its country, and then not our quotes."""
    make_order(company)
    _set(company, title=f"Bo{separator}=1+1{separator}@A1", address=f"12 Elm{separator}Street-1")
    (found,) = read_table(client.get(ORDERS, headers=company.headers()))
    assert found["title"] == f"Bo{separator}'=1+1{separator}'@A1"
    assert found["address"] == f"12 Elm{separator}Street-1"


def test_amounts_are_in_major_units_and_stay_numbers(client: CheckedClient, company: Company) -> None:
    make_order(company)
    for currency, total, paid in (("cad", "129.00", "0.05"), ("jpy", "12900", "5"), ("kwd", "12.900", "0.005")):
        _set(company, currency=currency, total_amount=12900, paid_amount=5)
        (found,) = read_table(client.get(ORDERS, headers=company.headers()))
        assert (found["total"], found["paid"], found["deposit"][:1], found["currency"]) == (total, paid, "0", currency)


@pytest.mark.parametrize(
    ("amount", "currency", "written"), [(-5, "cad", "-0.05"), (-129, "jpy", "-129"), (-12345, "kwd", "-12.345")]
)
def test_a_negative_amount_is_a_number_and_no_formula(
    company: Company, amount: int, currency: str, written: str
) -> None:
    values = f"(VALUES ({amount}::bigint, '{currency}')) AS r (amount, currency)"
    with read_only(company.scope) as session:
        found = session.exec_driver_sql(f"SELECT ({money('r.amount', 'r.currency')})::text FROM {values}")
        assert found.scalar() == written


def test_local_times_follow_the_clocks_of_the_organization(client: CheckedClient, company: Company) -> None:
    """In Edmonton clocks go back on 2024-11-03 at 08:00 UTC, and forward on 2024-03-10 at 09:00 UTC."""
    moments = ["2024-03-10T08:30", "2024-03-10T09:30", "2024-11-03T07:30", "2024-11-03T08:30"]
    change = "UPDATE orders SET scheduled_start = :start, scheduled_end = :end, blocked_until = NULL WHERE id = :id"
    for at in moments:
        start = datetime.fromisoformat(at).replace(tzinfo=UTC)
        times = {"id": make_order(company), "start": start, "end": start + timedelta(hours=1)}
        with transaction(company.scope) as session:
            session.execute(text(change), times)
    found = read_table(client.get(ORDERS, headers=company.headers()))
    assert [each["scheduled_start"] for each in found] == [f"{at}:00Z" for at in moments]
    assert [each["local_start"] for each in found] == [
        "2024-03-10 01:30:00",
        "2024-03-10 03:30:00",
        "2024-11-03 01:30:00",
        "2024-11-03 01:30:00",
    ]
    assert {each["timezone"] for each in found} == {"America/Edmonton"}


@pytest.mark.parametrize(
    "zone",
    [
        "America/Edmonton",
        "Europe/Berlin",
        "Asia/Kolkata",
        "Africa/Casablanca",
        "Australia/Lord_Howe",
        "Pacific/Apia",
        "UTC",
    ],
)
def test_local_times_are_those_of_python(company: Company, zone: str) -> None:
    """Postgres may have another edition of the time zones, and the rest of Crewline goes by Python's."""
    first = datetime(2011, 1, 1, tzinfo=UTC)
    moments = [first + timedelta(hours=7 * number) for number in range(20_000)]
    sql = f"SELECT {local_time('at')} FROM unnest(%(moments)s) WITH ORDINALITY AS each (at, number) ORDER BY number"
    with read_only(company.scope) as session:
        found = session.exec_driver_sql(sql, clock_values(zone) | {"moments": moments}).scalars().all()
    assert found == [moment.astimezone(ZoneInfo(zone)).replace(tzinfo=None) for moment in moments]


def test_payments_come_with_their_order_and_client(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company)
    make_payment(company, order_id, amount=12900)
    answer = client.get(PAYMENTS, headers=company.headers())
    (found,) = read_table(answer)
    order = row("SELECT number FROM orders WHERE id = :id", id=order_id)
    assert answer.data.splitlines()[0].decode() == expecting.PAYMENT_HEADER
    assert (found["order_id"], found["order_number"]) == (str(order_id), str(order["number"]))
    assert (found["amount"], found["currency"], found["refund_due"]) == ("129.00", "cad", "false")
    assert (found["client_name"], found["client_email"]) == ("Anna Berg", company.client_email)
    kept = row("SELECT paid_at, created_at FROM payments WHERE org_id = :org", org=company.org_id)
    assert (found["paid_at"], found["created_at"]) == (
        expecting.moment(kept["paid_at"]),
        expecting.moment(kept["created_at"]),
    )
