"""`rotate-secret`: the key of now becomes the one before, and nothing else in the file changes."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from ops.cli.__main__ import cli

OLD = "the-key-of-yesterday-" + "k" * 20
FILE = f"""# Settings
DATABASE_URL=postgresql://a:b@c/d

AUTH_SECRET_KEY={OLD}
# The key before, while rotating.
# AUTH_SECRET_KEY_PREVIOUS=
ORDER_PHOTO_SIGNING_SECRET=photos # a comment
"""


@pytest.fixture
def env(tmp_path: Path) -> Path:
    path = tmp_path / ".env"
    path.write_text(FILE)
    path.chmod(0o600)
    return path


def _rotate(path: Path, *words: str) -> Result:
    return CliRunner().invoke(cli, ["rotate-secret", "AUTH_SECRET_KEY", "--file", str(path), *words])


def _values(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if "=" in line and not line.startswith("#")]
    return {name: value for name, _, value in (line.partition("=") for line in lines)}


def test_the_old_key_is_kept_as_the_previous_one_and_the_new_one_is_fresh(env: Path) -> None:
    done = _rotate(env)
    assert done.exit_code == 0, done.output
    values = _values(env)
    assert values["AUTH_SECRET_KEY_PREVIOUS"] == OLD
    assert values["AUTH_SECRET_KEY"] != OLD
    assert len(values["AUTH_SECRET_KEY"]) == 48
    assert "python -m ops.cli reseal" in done.output
    assert values["AUTH_SECRET_KEY"] not in done.output
    assert OLD not in done.output


def test_other_lines_stay_as_they_were_to_the_byte(env: Path) -> None:
    env.write_bytes(FILE.replace("\n", "\r\n").encode())
    assert _rotate(env).exit_code == 0
    before, after = FILE.split("\n"), env.read_bytes().decode().split("\r\n")
    assert [at for at, (old, new) in enumerate(zip(before, after, strict=True)) if old != new] == [3, 5]


def test_the_file_keeps_its_rights_and_leaves_no_copy_beside_it(env: Path) -> None:
    env.chmod(0o640)
    assert _rotate(env).exit_code == 0
    assert env.stat().st_mode & 0o777 == 0o640
    assert [each.name for each in env.parent.iterdir()] == [".env"]


def test_a_link_to_the_file_stays_a_link(env: Path, tmp_path: Path) -> None:
    link = tmp_path / "link"
    link.symlink_to(env)
    assert _rotate(link).exit_code == 0
    assert link.is_symlink()
    assert _values(env)["AUTH_SECRET_KEY_PREVIOUS"] == OLD


def test_a_rotation_that_is_not_finished_is_refused_unless_forced(env: Path) -> None:
    assert _rotate(env).exit_code == 0
    first = env.read_text()
    refused = _rotate(env)
    assert refused.exit_code == 1
    assert "AUTH_SECRET_KEY_PREVIOUS is still set" in refused.output
    assert env.read_text() == first
    newer = _values(env)["AUTH_SECRET_KEY"]
    assert _rotate(env, "--force").exit_code == 0
    assert _values(env)["AUTH_SECRET_KEY_PREVIOUS"] == newer


@pytest.mark.parametrize("cleared", ["AUTH_SECRET_KEY_PREVIOUS=", 'AUTH_SECRET_KEY_PREVIOUS=""', ""])
def test_a_previous_key_that_was_cleared_or_never_there_is_no_obstacle(env: Path, cleared: str) -> None:
    env.write_text(FILE.replace("# AUTH_SECRET_KEY_PREVIOUS=", cleared))
    assert _rotate(env).exit_code == 0
    assert _values(env)["AUTH_SECRET_KEY_PREVIOUS"] == OLD


def test_quotes_around_the_key_go_with_it(env: Path) -> None:
    env.write_text(FILE.replace(OLD, f'"{OLD}"'))
    assert _rotate(env).exit_code == 0
    assert _values(env)["AUTH_SECRET_KEY_PREVIOUS"] == f'"{OLD}"'


@pytest.mark.parametrize("text", ["AUTH_SECRET_KEY=\n", "OTHER=1\n", FILE + "AUTH_SECRET_KEY=second\n"])
def test_a_file_without_exactly_one_key_is_left_alone(env: Path, text: str) -> None:
    env.write_text(text)
    assert _rotate(env).exit_code == 1
    assert env.read_text() == text
