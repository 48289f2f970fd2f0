"""What people do in these tests: sign in, set up a second factor, wait."""

import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from io import BytesIO
from typing import Any

import pyotp
from sqlalchemy import text
from werkzeug.test import TestResponse

from shared.core.actor import Actor
from shared.core.permissions import Role
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.identity import passwords
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD, make_person
from tests.factories.organizations import Company

WRONG = "not the right phrase"
STEP = timedelta(seconds=30)


def login(client: Any, *, at: str = "127.0.0.1", headers: dict[str, str] | None = None, **body: Any) -> TestResponse:
    """Sign in from the address `at`."""
    found: TestResponse = client.post(
        "/v1/auth/login", json=body, headers=headers, environ_overrides={"REMOTE_ADDR": at}
    )
    return found


def bearer(tokens: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {tokens['access_token']}"}


def refresh(client: Any, token: str) -> TestResponse:
    found: TestResponse = client.post("/v1/auth/refresh", json={"refresh_token": token})
    return found


def post_slowly(client: Any, path: str, **body: Any) -> TestResponse:
    """A request whose body comes half a second and more after its head."""
    content = json.dumps(body).encode()
    found: TestResponse = client.post(
        path, input_stream=_Slow(content), content_length=len(content), content_type="application/json"
    )
    return found


class _Slow(BytesIO):
    def readinto(self, buffer: Any) -> int:
        time.sleep(0.6)
        return super().readinto(buffer)


def statuses(client: Any, number: int, **how: Any) -> list[int]:
    """The statuses of `number` sign-ins with a wrong password."""
    return [login(client, **{"password": WRONG} | how).status_code for _ in range(number)]


def sql(statement: str, **values: Any) -> None:
    """Change what only time changes."""
    with transaction(PLATFORM) as session:
        session.execute(text(statement), values)


def let_pass(seconds: float) -> None:
    """Make everything that is known of attempts so much older."""
    sql(
        "UPDATE sign_in_attempts SET blocked_until = blocked_until - make_interval(secs => :s),"
        " stale_at = stale_at - make_interval(secs => :s)",
        s=seconds,
    )


def code_at(secret: str, moment: datetime) -> str:
    return pyotp.TOTP(secret).at(moment)


@dataclass
class Person:
    """Somebody who is signed in."""

    actor: Actor
    email: str
    tokens: dict[str, Any]
    secret: str = ""
    recovery_codes: tuple[str, ...] = ()

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.tokens)

    def code(self, steps: int = 0) -> str:
        """What the app shows, or showed or will show so many steps from now."""
        return code_at(self.secret, datetime.now(UTC) + steps * STEP)


def signed_in(client: CheckedClient, company: Company, role: Role = Role.DISPATCHER) -> Person:
    """Somebody new."""
    actor, email = make_person(company.org_id, role)
    return Person(actor, email, login(client, org=company.slug, email=email, password=PASSWORD).get_json())


def enrolled(client: CheckedClient, company: Company, role: Role = Role.DISPATCHER) -> Person:
    """Somebody new with a second factor, none of whose codes has been used but one of long ago."""
    person = signed_in(client, company, role)
    begun = client.post("/v1/auth/mfa", json={"password": PASSWORD}, headers=person.headers).get_json()
    person.secret = begun["secret"]
    confirmed = client.post("/v1/auth/mfa/confirm", json={"code": person.code()}, headers=person.headers)
    assert confirmed.status_code == 200, confirmed.get_json()
    person.recovery_codes = tuple(confirmed.get_json()["recovery_codes"])
    forget_used_codes(person)
    return person


def forget_used_codes(person: Person) -> None:
    """As if minutes had passed since the last code was used."""
    sql("UPDATE users SET totp_last_step = totp_last_step - 10 WHERE id = :id", id=person.actor.user_id)


def use_todays_hash(actor: Actor) -> None:
    """As after a first sign-in: parallel ones do not replace the hash under each other."""
    sql(
        "UPDATE users SET password_hash = :hash WHERE id = :id",
        hash=passwords.hash_password(PASSWORD),
        id=actor.user_id,
    )
