"""What is in the running system: its demo company, its addresses and its logins."""

import json
import subprocess
import sys
from typing import Any

from ops.quickstart import settings
from ops.quickstart.database import REPOSITORY
from ops.quickstart.errors import QuickstartError
from ops.quickstart.system import System

_SEED_SECONDS = 60.0


def seed(env: dict[str, str]) -> Any:
    """Makes the demo company, or finds it, and returns what the seed printed. Raises QuickstartError."""
    command = [sys.executable, "-m", "ops.cli", "demo", "seed", "--json"]
    done = subprocess.run(
        command, cwd=REPOSITORY, env=env, capture_output=True, text=True, timeout=_SEED_SECONDS, check=False
    )
    if done.returncode != 0:
        raise QuickstartError(f"`ops.cli demo seed` failed:\n{(done.stdout + done.stderr)[-4000:]}")
    try:
        return json.loads(done.stdout)
    except ValueError:
        raise QuickstartError(f"`ops.cli demo seed --json` printed no JSON:\n{done.stdout[-2000:]}") from None


def describe(system: System, seeded: Any) -> dict[str, Any]:
    """What a script needs to use the running system; the processes are added by the one who runs them."""
    logins = seeded.get("logins", seeded) if isinstance(seeded, dict) else seeded
    return {
        "api_url": system.url("api"),
        "docs_url": system.url("api") + "/docs",
        "flower_url": system.url("flower"),
        "flower_login": {"username": settings.FLOWER_USER, "password": system.secret["flower_password"]},
        "sandbox_url": system.url("sandbox"),
        "mail_url": system.url("sandbox") + "/mail",
        "smtp_port": system.port["smtp"],
        "s3_url": system.url("s3"),
        "s3_page_url": system.url("sandbox") + "/s3",
        "database_url": system.env["DATABASE_URL"],
        "migration_database_url": system.env["MIGRATION_DATABASE_URL"],
        "redis_url": system.env["REDIS_URL"],
        "stripe_webhook_secret": system.env["STRIPE_WEBHOOK_SECRET"],
        "logins": logins,
        "environment": dict(system.env),
    }
