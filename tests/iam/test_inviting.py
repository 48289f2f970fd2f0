"""Inviting people: a temporary password that is shown once and kept nowhere."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from shared.core.permissions import Role
from shared.identity.passwords import TEMPORARY_ALPHABET, TEMPORARY_LENGTH
from tests.factories.organizations import Company
from tests.iam.conftest import Office, kept_anywhere, user_row
from tests.rows import footprint, rows

DAYS_3 = timedelta(hours=72)


@pytest.mark.parametrize("role", list(Role))
def test_an_owner_invites_anybody(office: Office, role: Role) -> None:
    answer = office.invite(email="dan@staff.test", name="  Dan ", role=role)
    assert answer.status_code == 201
    shown = answer.get_json()
    assert (shown["email"], shown["name"], shown["role"], shown["state"]) == ("dan@staff.test", "Dan", role, "active")
    assert (shown["must_change_password"], shown["mfa_enabled"], shown["last_sign_in_at"]) == (True, False, None)
    assert office.ask("GET", f"/{shown['id']}").get_json()["email"] == "dan@staff.test"


def test_the_temporary_password_can_be_read_out_and_is_never_the_same(office: Office) -> None:
    made = [office.invite().get_json()["temp_password"] for _ in range(3)]
    assert len(set(made)) == 3
    for password in made:
        assert len(password) == TEMPORARY_LENGTH == 16
        assert set(password) <= set(TEMPORARY_ALPHABET)
    assert not set("lo01IO") & set(TEMPORARY_ALPHABET)


def test_the_temporary_password_ends_after_three_days(office: Office) -> None:
    before = datetime.now(UTC)
    until = datetime.fromisoformat(office.invite().get_json()["temp_password_until"])
    assert before + DAYS_3 <= until <= datetime.now(UTC) + DAYS_3


def test_no_cache_keeps_the_answer(office: Office) -> None:
    assert office.invite().headers["Cache-Control"] == "no-store"


@pytest.mark.usefixtures("real_hashing")
def test_the_temporary_password_is_shown_and_kept_nowhere_but_as_a_hash(office: Office) -> None:
    with capture_logs() as logged:
        answer = office.invite(headers={"Idempotency-Key": "invite-1"})
    shown = answer.get_json()
    assert kept_anywhere(shown["temp_password"]) == []
    assert shown["temp_password"] not in str(logged)
    assert logged, "nothing was captured, so nothing was proved"
    assert user_row(shown["id"])["password_hash"].startswith("$argon2id$v=19$m=65536,t=3,p=2$")
    assert set(kept_anywhere(shown["id"])) == {"audit_entries", "idempotency_keys", "messages", "users"}
    later = office.ask("GET", f"/{shown['id']}").get_data(as_text=True)
    assert "temp_password" not in later


def test_a_repeated_invitation_makes_nothing_twice_and_does_not_show_the_password_again(office: Office) -> None:
    key = {"Idempotency-Key": "invite-2"}
    first = office.invite(email="dan@staff.test", headers=key)
    before = footprint(office.company.org_id)
    again = office.invite(email="dan@staff.test", headers=key)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.get_json() == first.get_json() | {"temp_password": None}
    assert again.headers["Cache-Control"] == "no-store"
    assert footprint(office.company.org_id) == before
    assert office.sign_in("dan@staff.test", first.get_json()["temp_password"]).status_code == 200


def test_an_admin_with_the_same_key_is_somebody_else(office: Office) -> None:
    key = {"Idempotency-Key": "invite-3"}
    assert office.invite(headers=key).status_code == 201
    other = office.invite(headers=key, by=Role.ADMIN)
    assert other.status_code == 201
    assert other.get_json()["temp_password"]


@pytest.mark.parametrize(
    "taken", ["dan@b\u00fccher.test", "DAN@B\u00dcCHER.TEST", "Dan@xn--bcher-kva.test", "dan@b\uff55\u0308cher.test"]
)
def test_an_address_is_taken_however_it_is_spelled(office: Office, taken: str) -> None:
    assert office.invite(email="dan@b\u00fccher.test").status_code == 201
    before = footprint(office.company.org_id)
    answer = office.invite(email=taken)
    assert (answer.status_code, answer.get_json()["code"]) == (409, "identity.email_taken")
    assert footprint(office.company.org_id) == before


def test_an_address_is_taken_by_a_deactivated_account_too(office: Office) -> None:
    somebody, email, _ = office.newcomer()
    office.do("deactivate", somebody.user_id)
    assert office.invite(email=email).status_code == 409


def test_the_same_mailbox_in_another_organization_is_another_account(office: Office, neighbour: Company) -> None:
    there = Office(office.client, neighbour)
    mine = office.invite(email="both@staff.test").get_json()
    theirs = there.invite(email="both@staff.test").get_json()
    assert mine["id"] != theirs["id"]
    assert there.sign_in("both@staff.test", mine["temp_password"]).status_code == 401
    for side, shown in ((office, mine), (there, theirs)):
        headers = side.bearer("both@staff.test", shown["temp_password"])
        assert side.client.get("/v1/auth/me", headers=headers).get_json()["id"] == shown["id"]


@pytest.mark.parametrize("typed", ["dan@b\u00fccher.test", "dan@xn--bcher-kva.test", "Dan@B\u00dcCHER.test"])
def test_a_domain_beyond_ascii_has_one_spelling_and_opens_with_each(office: Office, typed: str) -> None:
    shown = office.invite(email="dan@b\u00fccher.test").get_json()
    assert shown["email"] == "dan@xn--bcher-kva.test"
    assert office.sign_in(typed, shown["temp_password"]).status_code == 200


@pytest.mark.parametrize(
    "email",
    [
        "",
        "dan",
        "dan@",
        "@staff.test",
        "dan@localhost",
        "dan@staff..test",
        "dan@staff.test.",
        "dan@staff.test\u3002",
        "dan@-staff.test",
        "dan eve@staff.test",
        "dan@eve@staff.test",
        "dan@staff.test, eve@staff.test",
        "dan@staff.test\nBcc: eve@staff.test",
        "Dan <dan@staff.test>",
        '"dan"@staff.test',
        "dan@[127.0.0.1]",
        "d\x00n@staff.test",
        "\uff44an@staff.test",
        "d\u0430n@staff.test",
        "d\u00e4n@staff.test",
        "\u202edan@staff.test",
        "d" * 65 + "@staff.test",
        "dan@" + "a." * 130 + "test",
        "dan@xn--\u00fc.test",
        None,
        5,
        ["dan@staff.test"],
    ],
)
def test_what_is_no_address_is_refused_where_it_stands(office: Office, email: Any) -> None:
    before = footprint(office.company.org_id)
    answer = office.invite(email=email)
    assert answer.status_code == 422, answer.get_json()
    assert [error["pointer"] for error in answer.get_json()["errors"]] == ["/email"]
    assert footprint(office.company.org_id) == before


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"role": "emperor"}, "/role"),
        ({"role": None}, "/role"),
        ({"name": ""}, "/name"),
        ({"name": "   "}, "/name"),
        ({"name": "x" * 201}, "/name"),
        ({"name": "a\x00b"}, "/name"),
        ({"password": "chosen by somebody else"}, "/password"),
        ({"state": "active"}, "/state"),
    ],
)
def test_other_fields_are_judged_too(office: Office, changes: dict[str, Any], pointer: str) -> None:
    answer = office.invite(**changes)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.get_json()["errors"]] == [pointer]


def test_an_invitation_that_is_refused_makes_neither_mail_nor_account(office: Office) -> None:
    office.invite(email="dan@staff.test")
    office.invite(email="dan@staff.test")
    office.invite(role="owner", by=Role.ADMIN)
    sql = "SELECT recipient FROM messages WHERE org_id = :org"
    assert [each["recipient"] for each in rows(sql, org=office.company.org_id)] == ["dan@staff.test"]
