"""What the numbers were measured on."""

import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
import psycopg2
from redis import Redis

from ops.bench.installation import Installation

_PACKAGES = ("flask", "gunicorn", "sqlalchemy", "psycopg2-binary", "celery", "redis", "orjson", "flask-smorest")


def machine() -> dict[str, Any]:
    """Processor, cores, memory in GB; `load` is the load average before the run, which should be near zero."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": round(psutil.virtual_memory().total / 1e9, 1),
        "system": f"{platform.system()} {platform.release()}",
        "load": [round(load, 2) for load in os.getloadavg()],
    }


def versions(made: Installation) -> dict[str, str]:
    """Of Python, the servers and the packages that matter for speed."""
    connection = psycopg2.connect(made.env["DATABASE_URL"])
    postgres = connection.server_version
    connection.close()
    with Redis.from_url(made.redis.url()) as redis:
        redis_version = str(redis.info("server")["redis_version"])
    found = {
        "python": sys.version.split()[0],
        "postgres": f"{postgres // 10000}.{postgres % 10000}",
        "redis": redis_version,
    }
    return found | {package: version(package) for package in _PACKAGES}


def _cpu_model() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(": ")[2] for line in lines if line.startswith("model name")), platform.machine())
