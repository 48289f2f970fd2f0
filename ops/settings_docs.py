"""Writes `.env.example` and `ops/docs/settings.md` from the settings class: `python -m ops.settings_docs [--check]`."""

import sys
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_core import PydanticUndefined

from shared.core.settings import Settings

ROOT = Path(__file__).resolve().parents[1]
COMPOSE = {
    "POSTGRES_PASSWORD": "Superuser of the database container; letters and digits.",
    "CREWLINE_OWNER_PASSWORD": "Schema owner, used by migrations; letters and digits.",
    "CREWLINE_APP_PASSWORD": "Login of API and workers; letters and digits.",
    "REDIS_PASSWORD": "Letters and digits.",
    "FLOWER_BASIC_AUTH": "Login of Flower, user:password.",
}
"""What docker-compose.yml needs besides the settings. It assembles DATABASE_URL and REDIS_URL from the passwords."""

SECRETS_TO_MAKE = (*COMPOSE, "AUTH_SECRET_KEY", "ORDER_PHOTO_SIGNING_SECRET")
"""What `python -m ops.cli init` fills with random values."""

GROUPS = {
    "Process": ("environment", "log_level"),
    "Database": ("database_", "migration_"),
    "Redis": ("redis_",),
    "API": ("api_",),
    "Proxies": ("trust_", "trusted_"),
    "Auth": ("auth_",),
    "Basic auth (legacy)": (
        "legacy_",
        "owner_",
        "admin_",
        "dispatcher_",
        "accountant_",
        "viewer_",
    ),
    "Email": ("email_", "smtp_", "sendgrid_"),
    "Storage and photos": ("order_", "photo_", "storage_"),
    "Storage: S3, R2, Cloudflare Images": ("s3_", "r2_", "cf_images_"),
    "Stripe": ("stripe_",),
    "Captcha": ("captcha_", "turnstile_"),
    "Metrics": ("metrics_",),
    "Exports": ("export_",),
    "Retention": ("cleanup_", "retention_"),
    "Jobs and heartbeats": ("job_", "sweep_"),
}


def render_settings_page() -> str:
    """The settings as Markdown tables."""
    lines = ["# Settings", "", "Generated from `shared/core/settings.py` by `make settings-docs`; do not edit.", ""]
    for group, names in _grouped().items():
        lines += [f"## {group}", "", "| name | default | meaning |", "| --- | --- | --- |"]
        lines += [
            f"| `{name.upper()}` | {_default_text(name)} | {Settings.model_fields[name].description} |"
            for name in names
        ]
        lines.append("")
    return "\n".join(lines)


def render_env_example() -> str:
    """A `.env` with every setting, its meaning, and its default commented out."""
    lines = ["# Settings of a Crewline installation. `python -m ops.cli init` copies this with fresh secrets.", ""]
    for group, names in _grouped().items():
        lines += [f"# --- {group} ---"]
        for name in names:
            field = Settings.model_fields[name]
            lines += [
                f"# {field.description}",
                f"{'' if field.is_required() else '# '}{name.upper()}={_plain(field.default)}",
            ]
        lines.append("")
    lines.append("# --- Docker Compose (make up) ---")
    for name, meaning in COMPOSE.items():
        lines += [f"# {meaning}", f"{name}="]
    return "\n".join([*lines, ""])


def _grouped() -> dict[str, list[str]]:
    left = list(Settings.model_fields)
    grouped: dict[str, list[str]] = {}
    for group, prefixes in GROUPS.items():
        grouped[group] = [name for name in left if name.startswith(prefixes)]
        left = [name for name in left if name not in grouped[group]]
    if left:
        raise SystemExit(f"settings without a group in ops/settings_docs.py: {left}")
    return grouped


def _plain(default: Any) -> str:
    if default is PydanticUndefined or default is None:
        return ""
    if isinstance(default, SecretStr):
        return default.get_secret_value()
    if isinstance(default, tuple):
        return ",".join(default)
    return str(default).lower() if isinstance(default, bool) else str(default)


def _default_text(name: str) -> str:
    field = Settings.model_fields[name]
    if field.is_required():
        return "**required**"
    return f"`{_plain(field.default)}`" if _plain(field.default) else "none"


def main() -> None:
    """Write both files, or with `--check` fail when they are not what the class says."""
    wanted = {ROOT / ".env.example": render_env_example(), ROOT / "ops/docs/settings.md": render_settings_page()}
    if "--check" in sys.argv:
        stale = [
            str(path.relative_to(ROOT))
            for path, text in wanted.items()
            if not path.exists() or path.read_text() != text
        ]
        sys.exit(f"stale: {', '.join(stale)}; run `make settings-docs`" if stale else 0)
    for path, text in wanted.items():
        path.write_text(text)


if __name__ == "__main__":
    main()
