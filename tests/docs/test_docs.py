"""What the documentation says is there: links, commands, files, and the walk through the API in the README."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from ops.quickstart import ports

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted([ROOT / "README.md", ROOT / "CHANGELOG.md", *(ROOT / "ops" / "docs").rglob("*.md")])
GENERATED = {"ops/docs/settings.md", "ops/docs/permissions.md", "ops/docs/bench.md"}
WRITTEN = [page for page in PAGES if str(page.relative_to(ROOT)) not in GENERATED]

MADE_BY_RUNNING = ("var/", ".venv/", ".env")
EXAMPLE_FEATURE = "vehicles"
"""The feature that the instructions add; it does not exist."""

_FENCE = re.compile(r"^ *```.*?^ *```$", re.DOTALL | re.MULTILINE)
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_MAKE = re.compile(r"\bmake ([a-z][a-z-]*)\b")
_TARGET = re.compile(r"^([a-z][a-z-]*):", re.MULTILINE)
_PATH = re.compile(r"[\w.-]+(?:/[\w.-]+)+/?|[\w-]+\.(?:md|yml|cfg|toml)|Makefile|Dockerfile\.\w+")


def _id(page: Path) -> str:
    return str(page.relative_to(ROOT))


def _targets() -> set[str]:
    return set(_TARGET.findall((ROOT / "Makefile").read_text()))


def _code(page: Path) -> str:
    """What the page shows as code: blocks, and words in backticks."""
    text = page.read_text()
    return "\n".join([*_FENCE.findall(text), *_CODE.findall(_FENCE.sub("", text))])


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", _FENCE.sub("", page.read_text()), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _named_paths(page: Path) -> set[str]:
    """Words in backticks that look like a path of the repository: they begin with a name of its top folder."""
    top = {entry.name for entry in ROOT.iterdir()}
    found = set()
    for word in _CODE.findall(_FENCE.sub("", page.read_text())):
        if _PATH.fullmatch(word) and word.split("/")[0] in top | {"Dockerfile.api", "Dockerfile.worker"}:
            found.add(word)
    return found


@pytest.mark.parametrize("page", PAGES, ids=_id)
def test_relative_links_lead_somewhere(page: Path) -> None:
    for link in _LINK.findall(_FENCE.sub("", page.read_text())):
        if link.startswith(("https://", "http://", "mailto:")):
            continue
        target, _, anchor = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        assert file.is_relative_to(ROOT), f"{link} leaves the repository"
        assert file.exists(), link
        if anchor:
            assert anchor in _anchors(file), link


@pytest.mark.parametrize("page", WRITTEN, ids=_id)
def test_every_make_command_exists(page: Path) -> None:
    assert set(_MAKE.findall(_code(page))) - _targets() == set()


@pytest.mark.parametrize("page", WRITTEN, ids=_id)
def test_every_named_file_exists(page: Path) -> None:
    missing = {
        path
        for path in _named_paths(page)
        if not path.startswith(MADE_BY_RUNNING) and EXAMPLE_FEATURE not in path and not (ROOT / path).exists()
    }
    assert missing == set()


def test_the_checks_above_see_something() -> None:
    """Or they could not fail."""
    assert {"run", "test", "help"} <= set(_MAKE.findall(_code(ROOT / "README.md"))) & _targets()
    assert "shared/core/transaction.py" in _named_paths(ROOT / "ops" / "docs" / "README.md")
    assert len(PAGES) > 12


def test_every_decision_is_in_the_index_and_has_its_parts() -> None:
    folder = ROOT / "ops" / "docs" / "adr"
    pages = sorted(folder.glob("[0-9]*.md"))
    index = (folder / "README.md").read_text()
    assert [page.name[:4] for page in pages] == [f"{number:04}" for number in range(1, len(pages) + 1)]
    parts = re.findall(r"^## (.+)$", (folder / "template.md").read_text(), re.MULTILINE)
    for page in pages:
        assert f"({page.name})" in index, page.name
        assert re.findall(r"^## (.+)$", page.read_text(), re.MULTILINE) == parts, page.name


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Path]:
    """A folder whose `var` is a running quickstart, on ports that nobody else prefers."""
    folder = tmp_path.resolve()
    chosen: dict[str, int] = {}
    for name in ("api", "flower", "sandbox", "smtp", "postgres", "redis"):
        chosen[name] = ports.free_port(taken=frozenset(chosen.values()))
    (folder / "var" / "run").mkdir(parents=True)
    (folder / "var" / "run" / "ports.json").write_text(json.dumps(chosen))
    started = _quickstart(folder, "run", "--detach", "--no-demo")
    try:
        assert started.returncode == 0, started.stdout + started.stderr
        yield folder
    finally:
        _quickstart(folder, "stop")


def _quickstart(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    outside = ("DATABASE_URL", "MIGRATION_DATABASE_URL", "REDIS_URL")
    return subprocess.run(
        [sys.executable, "-m", "ops.quickstart", *words, "--var", str(folder / "var")],
        cwd=ROOT,
        env={name: value for name, value in os.environ.items() if name not in outside},
        capture_output=True,
        text=True,
        timeout=110,
        check=False,
    )


@pytest.mark.timeout(240)
@pytest.mark.skipif(not (shutil.which("bash") and shutil.which("curl")), reason="the walk needs bash and curl")
def test_the_walk_in_the_readme_works_when_pasted(running: Path) -> None:
    blocks = re.findall(r"^```bash\n(.*?)^```$", (ROOT / "README.md").read_text(), re.DOTALL | re.MULTILINE)
    assert len(blocks) >= 7
    walked = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", "".join(blocks)],
        cwd=running,
        env=os.environ | {"NO_PROXY": "127.0.0.1", "no_proxy": "127.0.0.1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    said = walked.stdout
    assert walked.returncode == 0, said + walked.stderr
    assert "Idempotent-Replayed: true" in said
    assert "Confirmed: Spring cleaning" in said
    assert "a photo, written anew" in said
    assert said.count("'status': 200") == 3
    assert said.count('"stripe_payment_intent_id"') == 1
    assert '"code": "orders.wrong_state"' in said
    assert "'amount': 13650" in said
    assert '"code": "orders.slot_taken"' in said
    assert said.count('"local_start"') == 3
    assert "'event': 'order_pending'" in said
