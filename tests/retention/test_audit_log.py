"""Old entries of the audit log go through a function of the database, and nothing else about it changes."""

from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from shared.wiring import Services
from tests.factories.organizations import Company
from tests.retention import aged, steps
from tests.retention.aged import is_left
from tests.retention.steps import ago
from tests.rows import as_role, footprint

FORGET = text("SELECT forget_audit_entries(CAST(:entries AS uuid[]))")


def forget(database: Connection, role: str, org_id: Any, entries: list[UUID]) -> Any:
    with database.begin_nested():
        as_role(database, role, org_id)
        found = database.scalar(FORGET, {"entries": entries})
        as_role(database, "none")
    return found


def test_entries_that_are_younger_than_a_year_stay_whatever_is_asked(company: Company, database: Connection) -> None:
    young = [aged.audit_entry(company, ago(days)) for days in (0, 1, 364, 364.99)]
    old = aged.audit_entry(company, ago(365.01))
    assert forget(database, "crewline_tenant", company.org_id, [*young, old]) == 1
    assert [is_left("audit_entries", each) for each in [*young, old]] == [True] * 4 + [False]


def test_entries_of_others_stay(company: Company, neighbour: Company, database: Connection) -> None:
    theirs = aged.audit_entry(neighbour, ago(9000))
    before = footprint(neighbour.org_id)
    for org_id in (company.org_id, ""):
        assert forget(database, "crewline_tenant", org_id, [theirs]) == 0
    assert footprint(neighbour.org_id) == before


@pytest.mark.parametrize("role", ["crewline_platform", "none"])
def test_only_an_organization_may_ask(company: Company, database: Connection, role: str) -> None:
    entry = aged.audit_entry(company, ago(9000))
    with pytest.raises(ProgrammingError, match="permission denied"):
        forget(database, role, company.org_id, [entry])


def test_the_shortest_limit_is_what_the_database_allows(company: Company, services: Services) -> None:
    steps.configure(services, retention_audit_days=365)
    aged.audit_entry(company, ago(366))
    aged.audit_entry(company, ago(364))
    assert steps.counts(company, dry_run=True) == steps.counts(company) == {"audit_entries": 1}
