"""Making an organization: what it starts with, from new code, from old code, and from the command line."""

import json
import subprocess
from datetime import UTC, datetime

import psycopg2
import pytest
from psycopg2.extras import RealDictCursor
from sqlalchemy import text

from shared.core.errors import Invalid
from shared.core.ids import new_id
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.organizations import service as organizations
from shared.wiring import Services
from tests import forking
from tests.factories.organizations import make_company
from tests.rows import row, rows
from tests.servers import Addresses, create_database, environment

OWN = {"id", "slug", "name", "created_at"}
GOOD = {"slug": "bright", "name": "Bright", "timezone": "UTC", "currency": "cad"}


def test_code_that_knows_no_settings_makes_organizations_with_the_same_ones(services: Services) -> None:
    """The old release runs on the new schema; and the defaults of model and migration agree."""
    made, old = make_company(services, timezone="UTC").org_id, new_id()
    with transaction(PLATFORM) as session:
        session.execute(
            text(
                "INSERT INTO organizations (id, slug, name, timezone, currency, created_at)"
                " VALUES (:id, 'old', 'Old', 'UTC', 'cad', now())"
            ),
            {"id": old},
        )
    first, second = (row("SELECT * FROM organizations WHERE id = :id", id=each) for each in (made, old))
    assert {name: value for name, value in first.items() if name not in OWN} == {
        name: value for name, value in second.items() if name not in OWN
    }


@pytest.mark.parametrize("name", ["business_hours", "deposit_policy", "cancellation_policy", "reminder_policy"])
def test_the_defaults_of_the_database_are_the_ones_of_the_code(services: Services, name: str) -> None:
    company = make_company(services)
    kept = row(f"SELECT {name} AS kept FROM organizations WHERE id = :id", id=company.org_id)["kept"]
    assert kept == getattr(organizations.settings, name.upper())


def test_a_plan_is_one_of_ours(services: Services) -> None:
    sql = "SELECT pg_get_constraintdef(oid) AS rule, convalidated FROM pg_constraint WHERE conname = :name"
    found = row(sql, name="ck_organizations_plan")
    assert found["convalidated"]
    assert "'free'" in found["rule"]
    assert "'pro'" in found["rule"]


def test_a_locale_is_taken_or_refused_together_with_the_rest(services: Services) -> None:
    company = make_company(services, locale="fr-CA")
    assert row("SELECT locale FROM organizations WHERE id = :id", id=company.org_id)["locale"] == "fr-CA"
    bad = {"slug": "-", "timezone": "Mars", "currency": "dollars", "locale": "french"}
    with pytest.raises(Invalid) as refused, transaction(PLATFORM) as session:
        organizations.create(session, **{**GOOD, **bad}, now=datetime.now(UTC))
    assert {error["pointer"] for error in refused.value.errors} == {f"/{name}" for name in bad}
    assert rows("SELECT 1 FROM organizations WHERE slug = '-'") == []


def test_the_command_takes_a_locale(addresses: Addresses, worker_id: str) -> None:
    database = f"crewline_org_create_{worker_id}"
    mine = create_database(addresses, database, 0)
    command = ["org", "create", "--json", "--currency", "CAD", "--timezone", "UTC"]
    command += ["--owner-email", "olive@bright.test", "--owner-name", "Olive", "--name", "Bright"]

    def run(*more: str) -> subprocess.CompletedProcess[str]:
        return forking.run("ops.cli", [*command, *more], environment(mine))

    refused = run("--slug", "bad", "--locale", "english")
    assert refused.returncode == 1
    assert "organizations.bad_locale" in refused.stderr
    for slug, more in (("usual", []), ("french", ["--locale", "fr-CA"])):
        done = run("--slug", slug, *more)
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["slug"] == slug
    connection = psycopg2.connect(mine.superuser_dsn.replace("@/postgres?", f"@/{database}?"))
    with connection, connection.cursor(cursor_factory=RealDictCursor) as cursor:
        cursor.execute("SELECT slug, locale FROM organizations ORDER BY slug")
        assert [(found["slug"], found["locale"]) for found in cursor] == [("french", "fr-CA"), ("usual", "en")]
    connection.close()
