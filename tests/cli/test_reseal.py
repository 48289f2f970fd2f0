"""`reseal`: what the last key has sealed, under the one of now."""

import json
import threading
import time
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from shared.core.sealing import seal, unseal
from shared.core.settings import Settings
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.exports.model import WebhookEndpoint
from shared.identity import mfa
from shared.identity.model import User
from shared.messages.model import SEALED_PASSWORD
from shared.wiring import Services
from tests.factories.exports import OLD_SECRET, SECRET, make_endpoint
from tests.factories.identity import change_user, make_person
from tests.factories.messages import make_message
from tests.factories.organizations import Company
from tests.rows import row, rows

from .conftest import Command

NEW = "the-key-of-today-" + "n" * 24
KINDS = ("second factors", "passwords in mails to be sent", "secrets of webhook endpoints")


@pytest.fixture(autouse=True)
def nothing_sealed(services: Services) -> None:
    """What other tests have sealed would be counted, too."""
    with transaction(PLATFORM) as session:
        session.query(User).update({"totp_secret": None})
        session.query(WebhookEndpoint).update({"sealed_secret": None, "sealed_previous_secret": None})
    assert rows("SELECT 1 FROM users WHERE totp_secret IS NOT NULL") == []


@pytest.fixture
def old(services: Services) -> Settings:
    return services.settings


@pytest.fixture
def new(old: Settings) -> Settings:
    """What processes have after the rotation is over: the new key alone."""
    return Settings(database_url=old.database_url, redis_url=old.redis_url, auth_secret_key=SecretStr(NEW))


def _reseal(command: Command, old: Settings) -> tuple[int, dict[str, Any]]:
    keys = {"AUTH_SECRET_KEY": NEW, "AUTH_SECRET_KEY_PREVIOUS": old.auth_secret_key.get_secret_value()}
    done = command("reseal", "--json", **keys)
    assert done.stdout, done.stderr
    return done.returncode, json.loads(done.stdout)


def _counts(**of_kinds: tuple[int, int]) -> dict[str, Any]:
    nothing = {"resealed": 0, "current": 0, "unreadable": 0}
    return {kind: nothing | {name: n[at] for name, n in of_kinds.items()} for at, kind in enumerate(KINDS)}


def _person_with(company: Company, sealed: str) -> UUID:
    person, _ = make_person(company.org_id)
    change_user(person, totp_secret=sealed)
    assert person.user_id is not None
    return person.user_id


def _kept(user_id: UUID) -> Any:
    return row("SELECT totp_secret AS kept FROM users WHERE id = :id", id=user_id)["kept"]


def _mailed(message_id: UUID) -> dict[str, Any]:
    found: dict[str, Any] = row("SELECT variables FROM messages WHERE id = :id", id=message_id)["variables"]
    return found


def test_values_of_every_kind_come_under_the_new_key_and_a_second_run_changes_nothing(
    command: Command, company: Company, neighbour: Company, old: Settings, new: Settings
) -> None:
    people = [_person_with(each, seal(old, "SECRET")) for each in (company, neighbour)]
    sealed = {SEALED_PASSWORD: seal(old, "temporary")}
    mail = make_message(company, kind="password_reset", **sealed)
    others = {name: value for name, value in _mailed(mail).items() if name != SEALED_PASSWORD}
    make_endpoint(company, previous_secret=OLD_SECRET)
    make_endpoint(neighbour)

    status, counts = _reseal(command, old)
    assert status == 0
    assert counts == {
        name: {"resealed": n, "current": 0, "unreadable": 0} for name, n in zip(KINDS, (2, 1, 3), strict=True)
    }
    assert [unseal(new, _kept(each)) for each in people] == ["SECRET", "SECRET"]
    after = _mailed(mail)
    assert unseal(new, after.pop(SEALED_PASSWORD)) == "temporary"
    assert after == others
    hook = _endpoint(company)
    assert [unseal(new, hook[name]) for name in ("sealed_secret", "sealed_previous_secret")] == [SECRET, OLD_SECRET]
    assert (hook["version"], unseal(new, _endpoint(neighbour)["sealed_secret"])) == (1, SECRET)

    before = [_kept(each) for each in people], _mailed(mail), _endpoint(company)
    status, counts = _reseal(command, old)
    assert status == 0
    assert counts == {
        name: {"resealed": 0, "current": n, "unreadable": 0} for name, n in zip(KINDS, (2, 1, 3), strict=True)
    }
    assert ([_kept(each) for each in people], _mailed(mail), _endpoint(company)) == before
    _forget(mail)


def test_what_nobody_can_read_is_counted_and_stays_and_the_rest_is_done(
    command: Command, company: Company, old: Settings, new: Settings
) -> None:
    lost = seal(Settings(auth_secret_key=SecretStr("a-key-that-is-gone-" + "g" * 20)), "LOST")
    people = [_person_with(company, each) for each in (seal(old, "FIRST"), lost, seal(old, "LAST"))]
    status, counts = _reseal(command, old)
    assert status == 1
    assert counts[KINDS[0]] == {"resealed": 2, "current": 0, "unreadable": 1}
    assert _kept(people[1]) == lost
    assert [unseal(new, _kept(each)) for each in (people[0], people[2])] == ["FIRST", "LAST"]


def test_mails_that_are_finished_are_left_alone(command: Command, company: Company, old: Settings) -> None:
    mail = make_message(company, kind="password_reset", **{SEALED_PASSWORD: seal(old, "temporary")})
    _forget(mail)
    before = _mailed(mail)
    status, counts = _reseal(command, old)
    assert status == 0
    assert counts[KINDS[1]] == {"resealed": 0, "current": 0, "unreadable": 0}
    assert _mailed(mail) == before


def test_a_second_factor_that_is_being_removed_does_not_come_back(
    command: Command, company: Company, old: Settings
) -> None:
    person, _ = make_person(company.org_id)
    change_user(person, totp_secret=seal(old, "SECRET"))
    status: list[int] = []
    resealing = threading.Thread(target=lambda: status.append(_reseal(command, old)[0]))
    with transaction(company.scope) as session:
        user = session.get_one(User, (company.org_id, person.user_id), with_for_update=True)
        mfa.remove(session, person, user, now=datetime.now(UTC))
        session.flush()
        resealing.start()
        _wait_for_a_lock_to_be_waited_for()
    resealing.join(60)
    assert status == [0]
    assert person.user_id is not None
    assert _kept(person.user_id) is None


def _endpoint(company: Company) -> dict[str, Any]:
    return row("SELECT * FROM webhook_endpoints WHERE org_id = :org", org=company.org_id)


def _forget(message_id: UUID) -> None:
    """Let the mail be one that was sent, or it would be counted by the next test."""
    with transaction(PLATFORM) as session:
        session.execute(text("UPDATE messages SET state = 'sent' WHERE id = :id"), {"id": message_id})


def _wait_for_a_lock_to_be_waited_for() -> None:
    waiting = (
        "SELECT 1 FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid"
        " WHERE a.datname = current_database() AND NOT l.granted"
    )
    deadline = time.monotonic() + 30
    while not rows(waiting):
        assert time.monotonic() < deadline, "nobody waited"
        time.sleep(0.02)
