"""What a person sees."""

from collections.abc import Sequence
from typing import Any

from ops.quickstart.settings import Paths


def overview(state: dict[str, Any], paths: Paths, how_to_stop: str) -> str:
    """One screen: what is where, with which login, and how to stop it."""
    flower = state["flower_login"]
    rows = [
        ("API", f"{state['api_url']}/v1", f"docs: {state['docs_url']}"),
        ("Flower", state["flower_url"], f"login: {flower['username']} / {flower['password']}"),
        ("Mails", state["mail_url"], f"SMTP on port {state['smtp_port']}"),
        ("S3, R2", state["s3_page_url"], f"S3 at {state['s3_url']}"),
        ("Sandbox", state["sandbox_url"], "Stripe and the rest of the outside world"),
        ("PostgreSQL", state["database_url"], ""),
        ("Redis", state["redis_url"], ""),
    ]
    lines = ["", "Crewline runs.", ""]
    lines += [f"  {name:<11} {where:<36} {more}".rstrip() for name, where, more in rows]
    lines += ["", "Logins of the demo company:", ""]
    lines += [f"  {line}" for line in table(_logins(state["logins"]))]
    lines += ["", f"For scripts: {paths.state}   Logs: {paths.log('NAME')}", f"{how_to_stop}", ""]
    return "\n".join(lines)


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows as lines with aligned columns."""
    if not rows:
        return []
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def _logins(logins: Any) -> list[list[str]]:
    """The seed's logins, whether it printed a list of them or an object by role."""
    entries = [{"role": role, **login} for role, login in logins.items()] if isinstance(logins, dict) else logins
    names = [name for name in ("role", "email", "password") if any(name in entry for entry in entries)]
    return [[str(entry.get(name) or "-") for name in names] for entry in entries]
