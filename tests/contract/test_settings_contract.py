"""Every setting is read by something and described where operators look."""

import ast

from ops import settings_docs
from shared.core.settings import Settings
from tests.contract.source import PRODUCT, ROOT, nodes


def test_every_setting_is_read() -> None:
    read = {
        node.attr
        for path, node in nodes(*PRODUCT, "migrations", "ops")
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load) and "quickstart" not in path
    }
    assert set(Settings.model_fields) - read == set()


def test_every_setting_is_described() -> None:
    assert [name for name, field in Settings.model_fields.items() if not field.description] == []


def test_the_committed_settings_page_is_the_one_the_class_makes() -> None:
    assert (ROOT / "ops/docs/settings.md").read_text() == settings_docs.render_settings_page()


def test_the_committed_env_example_is_the_one_the_class_makes() -> None:
    assert (ROOT / ".env.example").read_text() == settings_docs.render_env_example()


def test_the_example_names_every_setting_and_holds_no_secret() -> None:
    lines = settings_docs.render_env_example().splitlines()
    values = dict(
        line.removeprefix("# ").split("=", 1)
        for line in lines
        if ("=" in line and line.split("=")[0].isupper())
        or (line.startswith("# ") and "=" in line and line[2:].split("=")[0].isupper())
    )
    assert {name.upper() for name in Settings.model_fields} - set(values) == set()
    for name, field in Settings.model_fields.items():
        if "SecretStr" in str(field.annotation):
            assert values[name.upper()] == "", name
