"""One installation for all tests of a process, healed before each of them. A module may say which programs its tests
begin with (`RUNS`, default: all of them)."""

import shutil
import tempfile
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.faults.owner import Owner
from tests.faults.system import System

EVERYTHING = ("api", "worker", "beat")

LOG_CHARACTERS = 6000


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, Any, None]:
    """Add what every program has written last to the report of a test that failed."""
    outcome = yield
    report = outcome.get_result()
    system = getattr(item, "funcargs", {}).get("system")
    if report.failed and system is not None:
        for name, program in system.programs.items():
            report.sections.append((f"log of {name}", program.output[-LOG_CHARACTERS:]))


@pytest.fixture(scope="session")
def installation() -> Iterator[System]:
    """Servers, schema and the demo company. Starting them costs seconds; every test leaves nothing owed."""
    folder = Path(tempfile.mkdtemp(prefix="crewline-faults-"))
    system = System(folder)
    try:
        system.install()
        yield system
    finally:
        system.end()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def system(installation: System, request: pytest.FixtureRequest) -> System:
    """The installation, healed: whatever the last test broke runs again."""
    installation.heal(*getattr(request.module, "RUNS", EVERYTHING))
    return installation


@pytest.fixture
def owner(system: System) -> Owner:
    return system.owner
