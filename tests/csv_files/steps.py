"""Tables at once and as files: asked for, read, and what they leave in the database."""

import csv
import io
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text

from shared.core.transaction import transaction
from shared.csv_files import writing
from tests.checked_client import CheckedClient
from tests.factories.csv_files import make_csv_file
from tests.factories.organizations import Company
from tests.rows import row, rows

FILES, ORDERS, PAYMENTS = "/v1/exports/files", "/v1/exports/orders.csv", "/v1/exports/payments.csv"


def read_table(answer: Any) -> list[dict[str, str]]:
    assert answer.status_code == 200, answer.get_data(as_text=True)
    return list(csv.DictReader(io.StringIO(answer.get_data(as_text=True), newline="")))


def content(client: CheckedClient, company: Company, csv_file_id: Any, **headers: str) -> Any:
    return client.get(f"{FILES}/{csv_file_id}/content", headers=company.headers() | headers)


def change(company: Company, sql: str, **values: Any) -> None:
    with transaction(company.scope) as session:
        session.execute(text(sql), values)


def file_row(csv_file_id: Any) -> dict[str, Any]:
    return row("SELECT * FROM csv_files WHERE id = :id", id=csv_file_id)


def parts_of(csv_file_id: Any) -> list[dict[str, Any]]:
    return rows("SELECT * FROM csv_file_parts WHERE csv_file_id = :id ORDER BY number", id=csv_file_id)


def half_written(company: Company) -> UUID:
    """A file of which a worker has written one part, before it died."""
    csv_file_id = make_csv_file(company)
    with transaction(company.scope) as session:
        claimed = writing.claim(session, company.org_id, csv_file_id, now=datetime.now(UTC))
    assert claimed is not None
    with transaction(company.scope) as session:
        assert writing.write_part(session, claimed, now=datetime.now(UTC)) is not None
    return csv_file_id


def audited(company: Company, action: str) -> list[dict[str, Any]]:
    sql = "SELECT * FROM audit_entries WHERE org_id = :org AND action = :action ORDER BY id"
    return rows(sql, org=company.org_id, action=action)
