"""Tables as files, asked for and written through the domain."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from shared.core.transaction import transaction
from shared.csv_files import service as csv_files
from shared.csv_files import writing
from shared.csv_files.model import CsvFileState, CsvKind
from tests.factories.organizations import Company


def make_csv_file(company: Company, kind: CsvKind = CsvKind.ORDERS, **filters: Any) -> UUID:
    """A file that is still to be written; its job is enqueued."""
    with transaction(company.scope) as session:
        file = csv_files.request_file(session, company.owner, kind, filters, now=datetime.now(UTC))
    found: UUID = file.id
    return found


def make_ready_csv_file(company: Company, kind: CsvKind = CsvKind.ORDERS) -> UUID:
    """A file that can be read."""
    csv_file_id, now = make_csv_file(company, kind), datetime.now(UTC)
    with transaction(company.scope) as session:
        file = writing.claim(session, company.org_id, csv_file_id, now=now)
        while file is not None and file.state == CsvFileState.WRITING:
            file = writing.write_part(session, file, now=now)
    return csv_file_id
