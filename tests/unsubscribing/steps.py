"""Steps of the tests about unsubscribing."""

from typing import Any
from uuid import UUID

from shared.core.transaction import read_only
from shared.messages import unsubscribe_links
from shared.messages.model import Message
from tests.factories.messages import make_message
from tests.factories.organizations import Company
from tests.rows import rows

HEADER = {"List-Unsubscribe": "One-Click"}


def path_of(company: Company, message_id: UUID) -> str:
    """Where the link in a mail leads."""
    with read_only(company.scope) as session:
        message = session.execute(Message.__table__.select().where(Message.id == message_id)).one()
    url = unsubscribe_links.url(company.services.settings, message)
    return url.removeprefix(company.services.settings.api_base_url)


def make_link(company: Company, *, to: str | None = None) -> str:
    """The link in a reminder to the company's client."""
    return path_of(company, make_message(company, kind="order_reminder", to=to))


def suppressions_of(company: Company) -> list[dict[str, Any]]:
    """What keeps mails of the company from people, oldest first."""
    return rows("SELECT * FROM mail_suppressions WHERE org_id = :org ORDER BY id", org=company.org_id)


def reasons_of(company: Company) -> list[tuple[str, str]]:
    return [(each["email"], each["reason"]) for each in suppressions_of(company)]
