"""What a table has to say, worked out by Python's own csv module from the rows, and not by the code under test."""

import csv
import io
import re
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tests.rows import rows

DANGEROUS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001 - full-width on purpose
CLIENT_COLUMNS = ["client_name", "client_email", "client_phone", "address", "postal_code"]
ORDER_HEADER = (
    "id,number,state,source,title,service,team,client_id,client_name,client_email,client_phone,address,postal_code,"
    "scheduled_start,scheduled_end,local_start,timezone,started_at,ended_at,total,deposit,paid,cancellation_fee,"
    "refund_due,currency,created_at,updated_at"
)
PAYMENT_HEADER = (
    "id,order_id,order_number,state,amount,currency,refund_due,paid_at,local_paid_at,timezone,client_id,client_name,"
    "client_email,client_phone,stripe_payment_intent_id,created_at"
)
_DIGITS = {"jpy": 0, "kwd": 3}
_ORDERS = """
    SELECT o.*, c.name AS client_name, c.email AS client_email, c.phone AS client_phone, t.name AS team,
        s.name AS service, org.timezone
    FROM orders AS o JOIN clients AS c ON c.id = o.client_id JOIN organizations AS org ON org.id = o.org_id
        LEFT JOIN teams AS t ON t.id = o.team_id LEFT JOIN services AS s ON s.id = o.service_id
    WHERE o.org_id = :org
"""


def lines(header: str, found: list[dict[str, Any]]) -> bytes:
    """The whole file."""
    target = io.StringIO(newline="")
    writer = csv.writer(target, lineterminator="\r\n")
    writer.writerow(header.split(","))
    writer.writerows([_cell(each.get(name)) for name in header.split(",")] for each in found)
    return target.getvalue().encode()


def orders(org_id: Any) -> bytes:
    """All orders of the organization, in the order of their identifiers."""
    found = sorted(rows(_ORDERS, org=org_id), key=lambda each: str(each["id"]))
    for each in found:
        zone = ZoneInfo(each["timezone"])
        each["local_start"] = each["scheduled_start"].astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")
        for name in ("total", "deposit", "paid", "cancellation_fee", "refund_due"):
            each[name] = Amount(major(each[f"{name}_amount"], each["currency"]))
    return lines(ORDER_HEADER, found)


class Amount(str):
    """A number that is written as it is, whatever it begins with."""

    __slots__ = ()


def major(amount: int, currency: str) -> str:
    """An amount as people write it, by moving the point."""
    digits = _DIGITS.get(currency, 2)
    text = str(abs(amount)).rjust(digits + 1, "0")
    sign = "-" if amount < 0 else ""
    return f"{sign}{text[: len(text) - digits]}.{text[len(text) - digits :]}" if digits else f"{sign}{text}"


def moment(value: datetime) -> str:
    text = value.astimezone(UTC).isoformat().removesuffix("+00:00")
    return (text.rstrip("0") if "." in text else text) + "Z"


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, str) and not isinstance(value, Amount) and value.startswith(DANGEROUS):
        return f"'{_defused_inside(value)}"
    if isinstance(value, str) and not isinstance(value, Amount):
        return _defused_inside(value)
    return value


def _defused_inside(value: str) -> str:
    """Behind what separates cells somewhere in the world, too."""
    return re.sub(r"([;\t\r\n])(?=[=+@＝＋－＠-])", r"\1'", value)  # noqa: RUF001
