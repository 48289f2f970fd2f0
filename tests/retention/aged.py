"""One row of each category whose age the test chooses: what is over, at the edge and a second before."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from tests.factories.leads import make_lead
from tests.factories.messages import make_dead, make_sent
from tests.factories.order_photos import make_photo
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company, sign_in
from tests.factories.privacy import make_client_export
from tests.retention.steps import add, execute, set_age
from tests.rows import row

Maker = Callable[[Company, datetime], Any]
"""Makes a row that is over since `datetime`; returns its identifier."""


def message(company: Company, since: datetime) -> Any:
    return set_age("messages", make_sent(company), created_at=since)


def dead_message(company: Company, since: datetime) -> Any:
    return set_age("messages", make_dead(company), created_at=since, variables="{}")


def lead(company: Company, since: datetime) -> Any:
    return set_age("leads", make_lead(company), updated_at=since, created_at=since)


def lost_lead(company: Company, since: datetime) -> Any:
    return set_age("leads", lead(company, since), state="lost", lost_reason="too dear")


def export(company: Company, since: datetime, *, about: Any = None, **values: Any) -> Any:
    return add(
        "exports",
        **{
            "org_id": company.org_id,
            "event": "order.created",
            "resource_id": about or company.client_id,
            "payload": {"client": "Anna"},
            "state": "delivered",
            "created_at": since,
            "delivered_at": since,
        }
        | values,
    )


def dead_export(company: Company, since: datetime) -> Any:
    return export(company, since, state="dead", dead_at=since, delivered_at=None)


def photo(company: Company, since: datetime, *, order_state: str = "completed", **changes: Any) -> Any:
    order_id = set_order_state(company, make_order(company, **changes), order_state)
    set_age("orders", order_id, ended_at=since)
    return set_age("order_photos", make_photo(company, order_id).id, created_at=since)


def session(company: Company, since: datetime) -> Any:
    sign_in(company.services, company.owner)
    newest = row("SELECT id FROM sessions WHERE org_id = :org ORDER BY id DESC LIMIT 1", org=company.org_id)
    return set_age("sessions", newest["id"], created_at=since, idle_until=since)


def revoked_session(company: Company, since: datetime) -> Any:
    sign_in(company.services, company.owner)
    newest = row("SELECT id FROM sessions WHERE org_id = :org ORDER BY id DESC LIMIT 1", org=company.org_id)
    return set_age("sessions", newest["id"], revoked_at=since)


def csv_file(company: Company, since: datetime) -> Any:
    file_id = add(
        "csv_files",
        org_id=company.org_id,
        kind="orders",
        filters={},
        state="expired",
        rows=1,
        bytes=1,
        created_at=since,
        expires_at=since,
    )
    execute("INSERT INTO csv_file_parts VALUES (:org, :id, 0, 'x')", org=company.org_id, id=file_id)
    return file_id


def client_export(company: Company, since: datetime) -> Any:
    made = make_client_export(company)
    execute("DELETE FROM client_exports WHERE id = :id", id=made)
    return add(
        "client_exports",
        org_id=company.org_id,
        client_id=company.client_id,
        state="expired",
        created_at=since,
        expires_at=since,
    )


def job_run(company: Company | None, since: datetime, state: str = "succeeded") -> Any:
    return add(
        "job_runs",
        org_id=company and company.org_id,
        job="cleanup",
        state=state,
        created_at=since,
        started_at=since,
        counts={},
    )


def audit_entry(company: Company, since: datetime, *, about: Any = None) -> Any:
    return add(
        "audit_entries",
        org_id=company.org_id,
        actor_label="test",
        action="clients.change",
        resource="clients",
        resource_id=about or company.client_id,
        before={},
        after={},
        created_at=since,
    )


def stripe_event(since: datetime, *, state: str = "handled", payload: dict[str, Any] | None = None) -> Any:
    number = row("SELECT count(*) AS n FROM stripe_events")["n"]
    return add(
        "stripe_events",
        id=f"evt_old_{number}",
        type="payment_intent.succeeded",
        payload=payload or {"data": {"object": {}}},
        state=state,
        created_at=since,
        received_at=since,
        handled_at=since,
    )


CASES: dict[str, tuple[str, str, int, Maker]] = {
    "a mail that was sent": ("messages", "messages", 90, message),
    "a mail that was given up": ("messages", "messages", 90, dead_message),
    "a lead that nobody has touched": ("leads", "leads", 365, lead),
    "a lead that is lost": ("leads", "leads", 365, lost_lead),
    "an event that was delivered": ("exports", "exports", 30, export),
    "an event that was given up": ("exports", "exports", 30, dead_export),
    "a photo of an order that is over": ("photos", "order_photos", 700, photo),
    "a session that nobody has used": ("sessions", "sessions", 30, session),
    "a session that was ended": ("sessions", "sessions", 30, revoked_session),
    "a file that has expired": ("csv_files", "csv_files", 30, csv_file),
    "a copy for a client that has expired": ("client_exports", "client_exports", 30, client_export),
    "a run of a job": ("job_runs", "job_runs", 30, job_run),
    "an entry of the audit log": ("audit_entries", "audit_entries", 2555, audit_entry),
}
"""Category, table, days in the installation of these tests, and who makes a row."""
SETTINGS = {"retention_enable_leads": True, "retention_photo_days": 700}


def is_left(table: str, row_id: Any) -> bool:
    """Whether there is still something to forget of the row."""
    found = row(f"SELECT count(*) AS n FROM {table} WHERE id = :id", id=row_id)["n"]
    if table != "messages" or not found:
        return bool(found)
    sql = "SELECT variables <> '{}' OR last_error IS NOT NULL OR delivery_detail IS NOT NULL AS says FROM messages"
    return bool(row(f"{sql} WHERE id = :id", id=row_id)["says"])
