"""The people of a company, as an administrator of theirs sees them over HTTP."""

from itertools import count
from typing import Any
from uuid import UUID

import pytest

from shared import models
from shared.core.actor import Actor
from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.organizations import Company
from tests.rows import row, rows

_numbers = count(1)


class Office:
    """Asks for things at `/v1/iam/users` of one company, by default as its owner."""

    def __init__(self, client: CheckedClient, company: Company) -> None:
        self.client, self.company = client, company

    def ask(self, method: str, path: Any = "", *, by: Role | dict[str, str] = Role.OWNER, **options: Any) -> Any:
        """The answer to somebody of the role `by`, or with these headers."""
        caller = self.company.headers(by) if isinstance(by, Role) else by
        headers = caller | options.pop("headers", {})
        return self.client.open(f"/v1/iam/users{path}", method=method, headers=headers, **options)

    def do(self, verb: str, user_id: Any, **options: Any) -> Any:
        return self.ask("POST", f"/{user_id}/{verb}", **options)

    def change(self, user_id: Any, *, by: Role | dict[str, str] = Role.OWNER, **body: Any) -> Any:
        return self.ask("PATCH", f"/{user_id}", by=by, json=body)

    def invite(self, *, by: Role = Role.OWNER, headers: dict[str, str] | None = None, **changes: Any) -> Any:
        body = {"email": f"new-{next(_numbers)}@staff.test", "name": "Dan Dispatcher", "role": "dispatcher"} | changes
        return self.ask("POST", by=by, json=body, headers=headers or {})

    def newcomer(self, **changes: Any) -> tuple[Actor, str, str]:
        """Somebody who was invited: as an actor, their address and their temporary password."""
        shown = self.invite(**changes).get_json()
        actor = Actor(self.company.org_id, UUID(shown["id"]), Role(shown["role"]), "user")
        return actor, shown["email"], shown["temp_password"]

    def sign_in(self, email: str, password: str, **more: Any) -> Any:
        body = {"org": self.company.slug, "email": email, "password": password} | more
        return self.client.post("/v1/auth/login", json=body)

    def bearer(self, email: str, password: str, **more: Any) -> dict[str, str]:
        """`Authorization` of somebody who signs in."""
        return {"Authorization": f"Bearer {self.sign_in(email, password, **more).get_json()['access_token']}"}

    def opens(self, headers: dict[str, str]) -> bool:
        """Whether somebody with `headers` is still signed in."""
        return bool(self.client.get("/v1/auth/me", headers=headers).status_code == 200)


@pytest.fixture
def office(client: CheckedClient, company: Company) -> Office:
    company.headers()
    return Office(client, company)


def kept_anywhere(secret: str) -> list[str]:
    """The tables in which `secret` can be read."""
    every_row = "SELECT t::text AS whole FROM {} AS t"
    return [
        table
        for table in sorted(models.metadata.tables)
        if any(secret in each["whole"] for each in rows(every_row.format(table)))
    ]


def user_row(user_id: Any) -> dict[str, Any]:
    return row("SELECT * FROM users WHERE id = :id", id=user_id)


def entry_of(action: str, user_id: Any) -> dict[str, Any]:
    """The one audit entry of `action` about somebody."""
    sql = "SELECT * FROM audit_entries WHERE action = :action AND resource_id = :id"
    return row(sql, action=action, id=user_id)
