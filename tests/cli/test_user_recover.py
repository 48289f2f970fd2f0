"""`user recover`: somebody who has lost password or phone comes back in by a one-time link."""

import json
from typing import Any

import pytest

from shared.core.sealing import seal
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD, change_user, make_person
from tests.factories.organizations import Company, sign_in
from tests.rows import row, rows

from .conftest import Command

CHOSEN = "quite another long phrase"


def _token(url: str) -> str:
    return url.partition("/set-password#")[2]


def _login(client: CheckedClient, company: Company, email: str, password: str) -> Any:
    return client.post("/v1/auth/login", json={"org": company.slug, "email": email, "password": password})


def test_the_link_sets_a_password_even_when_the_account_was_locked(
    command: Command, client: CheckedClient, company: Company
) -> None:
    person, email = make_person(company.org_id)
    while _login(client, company, email, "a guess").status_code == 401:
        pass
    assert _login(client, company, email, PASSWORD).status_code == 429

    done = command("user", "recover", "--org", company.slug, "--email", email.upper(), "--json")
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["user_id"], answer["role"], answer["mfa_reset"]) == (str(person.user_id), "owner", False)
    assert _login(client, company, email, PASSWORD).status_code == 200

    body = {"token": _token(answer["set_password_url"]), "password": CHOSEN}
    assert client.post("/v1/auth/set-password", json=body).status_code == 204
    assert _login(client, company, email, PASSWORD).status_code == 401
    assert _login(client, company, email, CHOSEN).status_code == 200


def test_it_is_audited_as_the_operators_deed(command: Command, company: Company) -> None:
    person, email = make_person(company.org_id)
    assert command("user", "recover", "--org", company.slug, "--email", email).returncode == 0
    found = row(
        "SELECT actor_id, actor_label, action FROM audit_entries WHERE resource_id = :id AND actor_label <> 'test'",
        id=person.user_id,
    )
    assert found == {"actor_id": None, "actor_label": "operator", "action": "identity.create_password_link"}


def test_the_second_factor_is_taken_off_only_when_asked_and_ends_the_sessions(
    command: Command, client: CheckedClient, company: Company, services: Services
) -> None:
    person, email = make_person(company.org_id)
    headers = sign_in(services, person)
    change_user(person, totp_secret=seal(services.settings, "SECRET"))
    words = ("user", "recover", "--org", company.slug, "--email", email)

    kept = "SELECT totp_secret AS secret FROM users WHERE id = :id"
    assert command(*words).returncode == 0
    assert row(kept, id=person.user_id)["secret"] is not None
    assert client.get("/v1/auth/me", headers=headers).status_code == 200

    done = command(*words, "--reset-mfa")
    assert "The second factor is off." in done.stdout
    assert row(kept, id=person.user_id)["secret"] is None
    assert client.get("/v1/auth/me", headers=headers).status_code == 401
    actions = "SELECT 1 FROM audit_entries WHERE resource_id = :id AND action = 'identity.remove_mfa'"
    assert len(rows(actions, id=person.user_id)) == 1

    again = command(*words, "--reset-mfa")
    assert again.returncode == 1
    assert "identity.mfa_off" in again.stderr


def test_without_its_second_factor_the_password_that_somebody_else_knows_opens_nothing(
    command: Command, client: CheckedClient, company: Company, services: Services
) -> None:
    """Or they come in before the person does, and make the link dead."""
    person, email = make_person(company.org_id)
    change_user(person, totp_secret=seal(services.settings, "SECRET"))
    done = command("user", "recover", "--org", company.slug, "--email", email, "--reset-mfa", "--json")
    assert _login(client, company, email, PASSWORD).status_code == 401
    body = {"token": _token(json.loads(done.stdout)["set_password_url"]), "password": CHOSEN}
    assert client.post("/v1/auth/set-password", json=body).status_code == 204
    assert _login(client, company, email, CHOSEN).status_code == 200


@pytest.mark.parametrize("where", ["nowhere", "the neighbour"])
def test_an_account_that_is_not_there_is_refused(
    command: Command, company: Company, neighbour: Company, where: str
) -> None:
    _, email = make_person(company.org_id)
    org = neighbour.slug if where == "the neighbour" else "nowhere"
    refused = command("user", "recover", "--org", org, "--email", email)
    assert refused.returncode == 1
    assert "iam.user_not_found" in refused.stderr
    assert refused.stdout == ""
    assert rows("SELECT 1 FROM password_links WHERE org_id = :org", org=company.org_id) == []
