"""Databases with very many orders, for the groups that need them: `many_orders.sql`, around an organization that is
made through the domain. `python -m ops.bench.many_orders` makes that one and prints it as JSON; it runs in a process of
its own, with the environment of the new database.
"""

import json
import subprocess
import sys
import time
from dataclasses import asdict, dataclass

from ops.bench.errors import BenchError
from ops.bench.installation import Installation
from ops.bench.seed import Company, company
from ops.quickstart.database import REPOSITORY, create_installation, migrate, run_psql
from ops.quickstart.settings import Paths, kept_secrets
from shared.core.settings import load_settings
from shared.wiring import build_services

SLUG = "lists"


@dataclass(frozen=True, slots=True)
class Filled:
    """A database on the installation's server. `company` is the organization that is read; `env` is what processes are
    told; `seconds` is how long it took."""

    env: dict[str, str]
    company: Company
    seconds: float


def fill(made: Installation, database: str, *, orders: int, others: int, orders_of_other: int) -> Filled:
    """Make `database`: an organization with `orders` orders, among `others` with `orders_of_other` each."""
    started = time.monotonic()
    secret = kept_secrets(Paths(made.folder))
    app, owner = create_installation(
        made.postgres,
        database=database,
        owner_password=secret["postgres_owner_password"],
        app_password=secret["postgres_app_password"],
    )
    env = {**made.env, "DATABASE_URL": app, "MIGRATION_DATABASE_URL": owner}
    migrate(env)
    read = _company(env)
    values = {
        "measured_org": read.org_id,
        "measured": str(orders),
        "others": str(others),
        "orders_of_other": str(orders_of_other),
    }
    script = (REPOSITORY / "ops/bench/many_orders.sql").read_text()
    run_psql(made.postgres.superuser_dsn(database), script, values)
    return Filled(env, read, time.monotonic() - started)


def _company(env: dict[str, str]) -> Company:
    command = [sys.executable, "-m", "ops.bench.many_orders"]
    done = subprocess.run(command, cwd=REPOSITORY, env=env, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise BenchError(f"the organization with many orders could not be made:\n{done.stderr[-3000:]}")
    return Company(**json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    settings = load_settings()
    build_services(settings)
    made, _ = company(settings, SLUG)
    print(json.dumps(asdict(made)))


if __name__ == "__main__":
    main()
