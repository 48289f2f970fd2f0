"""An organization with one of every thing: what the tests of the whole are run on. A new table gets its row here."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pyotp

from shared import models
from shared.checklists import service as checklists
from shared.core import idempotency
from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.identity import accounts, mfa
from shared.identity.model import UsedRefreshToken
from shared.job_runs.model import JobRun
from shared.payments.model import Payment
from tests.factories.catalog import make_estimate
from tests.factories.checklists import make_checklist_template
from tests.factories.clients import make_address
from tests.factories.crews import make_blackout, make_team, make_worker
from tests.factories.csv_files import make_ready_csv_file
from tests.factories.exports import LEAD, make_dead_export, make_endpoint
from tests.factories.identity import make_link
from tests.factories.leads import make_lead
from tests.factories.messages import make_dead, make_message, make_sent, make_suppression
from tests.factories.order_photos import make_photo
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company, make_user, sign_in
from tests.factories.privacy import make_client_export
from tests.factories.recurrences import make_recurrence, place_ahead
from tests.factories.storage_deletes import make_storage_delete
from tests.factories.time_entries import make_time_entry
from tests.orders.steps import let_it_begin
from tests.rows import TENANT_TABLES, footprint, rows


@dataclass(frozen=True)
class Everything:
    """A company with a row in every tenant table. `ids` has one identifier of each table, and is what requests name:
    a pending order with its photo, a user who may become a worker's account, a session of the owner; and the company
    itself, as `org_slug`. What such a row does not allow is asked of the one in `instead`, by operationId."""

    company: Company
    ids: dict[str, Any]
    instead: dict[str, dict[str, UUID]] = field(default_factory=dict)

    @property
    def org_id(self) -> UUID:
        return self.company.org_id

    def ids_for(self, operation_id: str) -> dict[str, Any]:
        """Rows that allow the operation."""
        return self.ids | self.instead.get(operation_id, {})

    def everybody(self) -> dict[Role, dict[str, str]]:
        """The headers of somebody of each role."""
        return {role: self.company.headers(role) for role in Role}

    def traces(self) -> set[str]:
        """What would tell one of this organization's rows in an answer to somebody else: identifiers, addresses."""
        telling = [
            f"SELECT {column}::text AS trace FROM {table} WHERE org_id = :org"
            for table in TENANT_TABLES
            for column in {"id", "email", "recipient"} & set(models.metadata.tables[table].columns.keys())
        ]
        kept = rows(" UNION ".join(telling), org=self.org_id)  # in one statement, because tests ask often
        return {str(self.org_id), self.company.slug} | {each["trace"] for each in kept if each["trace"]}


def make_everything(company: Company) -> Everything:
    """Fill `company`, and sign in somebody of each role."""
    everything = Everything(company, {})
    everything.everybody()
    team_id, estimate_id = make_team(company), make_estimate(company)
    worker_id = make_worker(company, team_id=team_id)
    later = datetime.now(UTC) + timedelta(days=3)  # requests are made for tomorrow
    order_id = make_order(
        company,
        team_id=team_id,
        worker_ids=[worker_id],
        scheduled_start=later,
        scheduled_end=later + timedelta(hours=2),
    )
    named = {
        "clients": company.client_id,
        "estimates": estimate_id,
        "client_addresses": make_address(company),
        "client_exports": make_client_export(company),
        "leads": make_lead(company, estimate_id=estimate_id, address="12 Elm Street, Calgary"),
        "orders": order_id,
        "order_photos": make_photo(company, order_id).id,
        "messages": make_message(company, about=order_id),
        "mail_suppressions": make_suppression(company, f"gone@{company.slug}.test"),
        "users": _colleague(company),
        "sessions": _second_session(company),
        "teams": team_id,
        "workers": worker_id,
        "recurrences": make_recurrence(company),
        "storage_deletes": make_storage_delete(company, state="stuck").id,
    }
    place_ahead(company, named["recurrences"])
    make_blackout(company, team_id=named["teams"])
    make_blackout(company, worker_id=named["workers"])
    everything.instead.update(_work(company, order_id))
    everything.instead.update(_mail(company))
    make_endpoint(company)
    make_dead_export(company, about=named["orders"])
    dead = make_dead_export(company, event="lead.created", about=named["leads"], payload=LEAD)
    everything.instead["replay_dead_letter"] = {"exports": dead}
    make_link(company.owner)
    make_ready_csv_file(company)
    _add_rows(company, order_id, named["sessions"])
    empty = [table for table, (number, _) in footprint(company.org_id).items() if number == 0]
    assert empty == [], f"nothing in {empty}: let make_everything in tests/factories/everything.py make a row"
    everything.ids.update(_any_ids(company) | named | {"org_slug": company.slug})
    return everything


def _work(company: Company, order_id: UUID) -> dict[str, dict[str, UUID]]:
    """A checklist at the pending order; a running and a paused time entry at a confirmed one. What to ask instead."""
    service_id = rows("SELECT id FROM services WHERE org_id = :org ORDER BY id LIMIT 1", org=company.org_id)[0]["id"]
    make_checklist_template(company, service_id)
    with transaction(company.scope) as session:
        checklists.copy_to_order(session, company.owner, order_id, service_id, now=datetime.now(UTC))
    confirmed = set_order_state(company, make_order(company), "confirmed")
    make_time_entry(company, confirmed, make_worker(company))
    paused = make_time_entry(company, confirmed, make_worker(company), paused=True)
    in_progress = set_order_state(company, make_order(company), "in_progress")
    begun = set_order_state(company, make_order(company), "confirmed")
    let_it_begin(company, begun)
    return {
        "start_order": {"orders": confirmed},
        "complete_order": {"orders": in_progress},
        "mark_no_show": {"orders": begun},
        "list_time_entries": {"orders": confirmed},
        "start_time_entry": {"orders": confirmed},
        "resume_time_entry": {"time_entries": paused},
    }


def _mail(company: Company) -> dict[str, dict[str, UUID]]:
    """A mail that was given up, and an order whose last mail was sent. What to ask instead."""
    mailed = make_order(company)
    make_sent(company, about=mailed)
    return {"replay_message": {"messages": make_dead(company)}, "resend_last_email": {"orders": mailed}}


def _colleague(company: Company) -> UUID | None:
    """A user with the role worker, who is no worker's account yet, and has a second factor."""
    person, now = make_user(company.org_id, Role.WORKER), datetime.now(UTC)
    with transaction(company.scope) as session:
        user = accounts.lock_own(session, person)
        secret, _ = mfa.begin(session, company.services.settings, person, user, now=now)
        mfa.confirm(session, company.services.settings, person, user, pyotp.TOTP(secret).at(now), now=now)
    return person.user_id


def _second_session(company: Company) -> Any:
    sign_in(company.services, company.owner)
    sql = "SELECT id FROM sessions WHERE org_id = :org AND user_id = :user ORDER BY id DESC LIMIT 1"
    return rows(sql, org=company.org_id, user=company.owner.user_id)[0]["id"]


def _add_rows(company: Company, order_id: UUID, session_id: UUID) -> None:
    """Rows that no factory makes."""
    now = datetime.now(UTC)
    with transaction(company.scope) as session:
        answered = idempotency.IdempotentRequest("a-key", "a fingerprint")
        idempotency.store_answer(session, company.owner, answered, status=201, body={}, now=now)
        used = f"hash-{company.slug}"
        session.add(UsedRefreshToken(org_id=company.org_id, session_id=session_id, token_hash=used, used_at=now))
        session.add(JobRun(org_id=company.org_id, job="cleanup", slot_at=now, created_at=now))
        session.add(
            Payment(
                org_id=company.org_id,
                order_id=order_id,
                state="succeeded",
                amount=1,
                currency="cad",
                stripe_payment_intent_id=f"pi_{company.slug}",
                paid_at=now,
                created_at=now,
            )
        )


def _any_ids(company: Company) -> dict[str, UUID]:
    """One row of each table that has identifiers."""
    tables = [table for table in TENANT_TABLES if "id" in models.metadata.tables[table].columns]
    sql = "SELECT id FROM {} WHERE org_id = :org ORDER BY id LIMIT 1"
    return {table: rows(sql.format(table), org=company.org_id)[0]["id"] for table in tables}
