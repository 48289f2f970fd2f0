"""Running retention, and making rows as old as a test wants them."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from shared.core.ids import lowest_id_at, new_id
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.job_runs.model import Trigger
from shared.job_runs.service import Asked
from shared.wiring import Services
from tests.factories.organizations import Company
from tests.rows import row
from tests.variants import with_settings
from worker.core import boot, periodic
from worker.tasks import retention

assert retention  # its jobs are known once it is imported

ONE = timedelta(seconds=1)


def ago(days: float, *, seconds: float = 0) -> datetime:
    """So long ago, by the wall clock."""
    return datetime.now(UTC) - timedelta(days=days, seconds=seconds)


def run(company: Company | None = None, *, dry_run: bool = False) -> dict[str, Any]:
    """One run of retention, in one organization or all; its row when it is over, however it ended."""
    asked = Asked("retention", company.org_id if company else None, Trigger.STAFF, dry_run=dry_run)
    outcome = periodic.run_now(asked)
    return row("SELECT * FROM job_runs WHERE id = :id", id=outcome["run_id"])


def counts(company: Company | None = None, *, dry_run: bool = False) -> dict[str, int]:
    """What a run has removed, or would, where it is more than nothing."""
    done = run(company, dry_run=dry_run)
    assert done["state"] == "succeeded", done["error"]
    return {name: number for name, number in done["counts"].items() if number}


def configure(services: Services, **settings: Any) -> Services:
    """The services with other settings, in this process's worker."""
    changed = with_settings(services, **settings)
    boot.use(changed)
    return changed


def choose(company: Company, **days: int) -> None:
    """Give the organization a policy of its own."""
    sql = "UPDATE organizations SET retention_policy = retention_policy || CAST(:days AS jsonb) WHERE id = :org"
    execute(sql, days=days, org=company.org_id)


def execute(sql: str, **values: Any) -> None:
    """One statement over all organizations."""
    with transaction(PLATFORM) as session:
        session.execute(text(sql), values)


def set_age(table: str, row_id: Any, **columns: Any) -> Any:
    """Set columns of a row, whoever may not."""
    changes = ", ".join(f"{name} = :{name}" for name in columns)
    execute(f"UPDATE {table} SET {changes} WHERE id = :row_id", row_id=row_id, **columns)
    return row_id


def add(table: str, **values: Any) -> Any:
    """A row as it is in the database; its identifier is of the time of `created_at`."""
    if "id" not in values:
        values["id"] = make_id(values.get("created_at"))
    names = ", ".join(values)
    given = ", ".join(
        f"CAST(:{name} AS jsonb)" if isinstance(value, dict) else f":{name}" for name, value in values.items()
    )
    execute(f"INSERT INTO {table} ({names}) VALUES ({given})", **values)
    return values["id"]


def make_id(moment: datetime | None = None) -> UUID:
    """A new identifier, of `moment`."""
    fresh = new_id()
    return UUID(int=lowest_id_at(moment).int | fresh.int & (1 << 62) - 1) if moment else fresh
