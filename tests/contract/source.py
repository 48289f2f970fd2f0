"""The project's own source, parsed: what the rules about code are read from."""

import ast
import importlib
import pkgutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import ModuleType

import api
import shared
import worker

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("api", "shared", "worker")


def nodes(*folders: str) -> Iterator[tuple[str, ast.AST]]:
    """Each node of each Python file below `folders`, with the file's path from the repository's root."""
    files = [file for folder in folders for file in sorted((ROOT / folder).rglob("*.py"))]
    assert files
    for file in files:
        path = str(file.relative_to(ROOT))
        for node in _nodes(file):
            yield path, node


@cache
def _nodes(file: Path) -> list[ast.AST]:
    """Parsed and walked once: every rule looks at all of them."""
    return list(ast.walk(ast.parse(file.read_text(), str(file))))


@cache
def modules() -> dict[str, ModuleType]:
    """Each module of the product, imported, by its path from the repository's root.

    Not the entry point of gunicorn: importing it starts the application.
    """
    names = [
        found.name
        for package in (api, shared, worker)
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}.")
        if found.name != "api.wsgi"
    ]
    imported = [importlib.import_module(name) for name in names]
    return {str(Path(module.__file__ or "").relative_to(ROOT)): module for module in imported}
