"""The published contract as a file: `python -m ops.openapi` writes `ops/docs/openapi.json`, `--check` compares.

The file is committed, so that a change of the contract is seen in review, and never by a client first.
"""

import difflib
import json
import sys
from pathlib import Path

from flask import Flask

from api.app import create_app
from shared.core.log import configure_logging
from shared.core.settings import Settings
from shared.wiring import build_services

SNAPSHOT = Path(__file__).resolve().parent / "docs" / "openapi.json"
NOWHERE = {
    "environment": "test",
    "database_url": "postgresql://nobody@127.0.0.1:9/none",
    "redis_url": "redis://127.0.0.1:9/0",
    "auth_secret_key": "not used to describe the API",
    "order_photo_signing_secret": "not used either",
}
"""Describing the API needs no server; nothing connects to these."""


def describing_app() -> Flask:
    """The application on no servers: good for being looked at."""
    configure_logging("error")
    settings = Settings(**NOWHERE)
    return create_app(settings, build_services(settings))


def generate() -> str:
    """The OpenAPI document of this code, as it is served at `/v1/openapi.json`."""
    document = describing_app().test_client().get("/v1/openapi.json").get_json()
    return json.dumps(document, indent=2, sort_keys=True) + "\n"


def main() -> int:
    """Write the file, or with `--check` fail when it is stale."""
    generated = generate()
    if "--check" not in sys.argv:
        SNAPSHOT.write_text(generated)
        return 0
    committed = SNAPSHOT.read_text() if SNAPSHOT.exists() else ""
    if committed == generated:
        print(f"openapi: {SNAPSHOT.name} is what the code serves")
        return 0
    sys.stdout.writelines(
        difflib.unified_diff(committed.splitlines(True), generated.splitlines(True), "committed", "code")
    )
    print("openapi: the contract has changed; look at the difference, then `make openapi`", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
