"""An organization with one of every thing: what the tests of the whole are run on. A new table gets its row here."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pyotp

from shared import models
from shared.core import idempotency
from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.identity import accounts, mfa
from shared.identity.model import UsedRefreshToken
from shared.payments.model import Payment
from tests.factories.clients import make_address
from tests.factories.identity import make_link
from tests.factories.leads import make_lead
from tests.factories.messages import make_message
from tests.factories.order_photos import make_photo
from tests.factories.orders import make_order
from tests.factories.organizations import Company, make_user, sign_in
from tests.factories.privacy import make_client_export
from tests.rows import TENANT_TABLES, footprint, rows


@dataclass(frozen=True)
class Everything:
    """A company with a row in every tenant table. `ids` has one identifier of each table, and is what requests name:
    a pending order with its photo, a user who may do nothing special, a session of the owner."""

    company: Company
    ids: dict[str, UUID]

    @property
    def org_id(self) -> UUID:
        return self.company.org_id

    def everybody(self) -> dict[Role, dict[str, str]]:
        """The headers of somebody of each role."""
        return {role: self.company.headers(role) for role in Role}

    def traces(self) -> set[str]:
        """What would tell one of this organization's rows in an answer to somebody else: identifiers, addresses."""
        found = {str(self.org_id), self.company.slug}
        for table in TENANT_TABLES:
            columns = set(models.metadata.tables[table].columns.keys()) & {"id", "email", "recipient"}
            for kept in rows(
                f"SELECT {', '.join(sorted(columns)) or 'org_id'} FROM {table} WHERE org_id = :org", org=self.org_id
            ):
                found |= {str(value) for value in kept.values()}
        return found


def make_everything(company: Company) -> Everything:
    """Fill `company`, and sign in somebody of each role."""
    everything = Everything(company, {})
    everything.everybody()
    order_id = make_order(company)
    named = {
        "clients": company.client_id,
        "client_addresses": make_address(company),
        "client_exports": make_client_export(company),
        "leads": make_lead(company),
        "orders": order_id,
        "order_photos": make_photo(company, order_id).id,
        "messages": make_message(company),
        "users": _colleague(company),
        "sessions": _second_session(company),
    }
    make_link(company.owner)
    _add_rows(company, order_id, named["sessions"])
    empty = [table for table, (number, _) in footprint(company.org_id).items() if number == 0]
    assert empty == [], f"nothing in {empty}: let make_everything in tests/factories/everything.py make a row"
    everything.ids.update(_any_ids(company) | named)
    return everything


def _colleague(company: Company) -> UUID | None:
    """A user who may do nothing special, and has a second factor."""
    person, now = make_user(company.org_id, Role.VIEWER), datetime.now(UTC)
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
