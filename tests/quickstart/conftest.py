"""Real servers for these tests. Needs no other conftest and no other fixture."""

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ops.quickstart.postgres import Postgres


def wait_until(condition: Callable[[], object], seconds: float = 10.0) -> None:
    """Return as soon as the condition holds; fail when it does not within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


@pytest.fixture(scope="session")
def closed_folder() -> Iterator[Path]:
    """A folder that only its owner can enter, as `mktemp -d` makes them."""
    folder = Path(tempfile.mkdtemp())
    assert folder.stat().st_mode & 0o077 == 0
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres(closed_folder: Path) -> Iterator[Postgres]:
    server = Postgres(closed_folder / f"postgres-{os.getpid()}", fast=True)
    server.start()
    yield server
    server.stop("immediate")
