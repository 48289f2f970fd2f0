"""What is kept of mails and addresses, for tests to look at."""

from typing import Any
from uuid import UUID

from tests.factories.organizations import Company
from tests.rows import row, rows


def mail_of(message_id: UUID) -> dict[str, Any]:
    return row("SELECT * FROM messages WHERE id = :id", id=message_id)


def delivery_of(message_id: UUID) -> str | None:
    found: str | None = mail_of(message_id)["delivery"]
    return found


def suppressed_by(company: Company) -> list[tuple[str, str]]:
    """(address, reason), in order."""
    found = rows("SELECT email, reason FROM mail_suppressions WHERE org_id = :org ORDER BY 1, 2", org=company.org_id)
    return [(each["email"], each["reason"]) for each in found]
