"""Steps of the tests about reminders."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text, update

from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.messages.model import Message
from shared.orders import reminders
from shared.organizations.model import Organization
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.rows import rows

HOUR = timedelta(hours=1)


def make_due(company: Company, *, starts_in: timedelta = 3 * HOUR, state: str = "confirmed", **changes: Any) -> UUID:
    """A confirmed order that begins soon."""
    start = datetime.now(UTC) + starts_in
    wanted = {"scheduled_start": start, "scheduled_end": start + 2 * HOUR} | changes
    return set_order_state(company, make_order(company, **wanted), state)


def copy_order(company: Company, order_id: UUID, times: int) -> None:
    """So many more orders like this one, each a second later."""
    sql = """
        INSERT INTO orders (org_id, id, number, client_id, state, title, address, notes, scheduled_start, scheduled_end,
                            total_amount, paid_amount, currency, photo_consent, version, created_at, updated_at)
        SELECT org_id, gen_random_uuid(), number + n, client_id, state, title, address, notes,
               scheduled_start + n * interval '1 second', scheduled_end + n * interval '1 second',
               total_amount, paid_amount, currency, photo_consent, version, created_at, updated_at
        FROM orders, generate_series(1, :times) AS n WHERE id = :id
    """
    with transaction(company.scope) as session:
        session.execute(text(sql), {"id": order_id, "times": times})


def scan(company: Company | None = None, *, now: datetime | None = None, limit: int = 500) -> int:
    """Look for reminders, of one company or of all. How many were promised."""
    with transaction(company.scope if company else PLATFORM) as session:
        return reminders.remind_due(session, now=now or datetime.now(UTC), limit=limit)["reminders"]


def reminders_of(company: Company) -> list[dict[str, Any]]:
    """The reminders of the company, oldest first."""
    return rows(
        "SELECT * FROM messages WHERE org_id = :org AND kind = 'order_reminder' ORDER BY id", org=company.org_id
    )


def settle(company: Company, **policy: Any) -> None:
    """Change the company's policy of reminders."""
    changed = {"hours_before": 24, "enabled": True} | policy
    with transaction(company.scope) as session:
        own = update(Organization).where(Organization.id == company.org_id)
        session.execute(own.values(reminder_policy=changed))


def set_mail(company: Company, **values: Any) -> None:
    """Change columns of the company's reminders, as time or a worker would."""
    with transaction(company.scope) as session:
        mine = (Message.org_id == company.org_id, Message.kind == "order_reminder")
        session.execute(update(Message).where(*mine).values(**values))
