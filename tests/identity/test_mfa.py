"""The second factor: set up, used, replaced, taken away."""

import time
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.identity import PASSWORD
from tests.factories.organizations import Company
from tests.identity.steps import WRONG, Person, enrolled, login, signed_in
from tests.rows import row, rows

URL = "/v1/auth/mfa"


@pytest.fixture
def person(client: CheckedClient, company: Company) -> Person:
    """Somebody with a second factor."""
    return enrolled(client, company)


def _begin(client: CheckedClient, person: Person, password: str = PASSWORD) -> dict[str, str]:
    answer = client.post(URL, json={"password": password}, headers=person.headers)
    assert answer.status_code == 200, answer.get_json()
    return dict(answer.get_json())


def _confirm(client: CheckedClient, person: Person, code: str) -> tuple[int, str | None]:
    answer = client.post(f"{URL}/confirm", json={"code": code}, headers=person.headers)
    return answer.status_code, answer.get_json().get("code")


def _login(client: CheckedClient, person: Person, code: str | None = None) -> str:
    """`in`, or the code of the refusal."""
    answer = login(client, email=person.email, password=PASSWORD, code=code)
    return "in" if answer.status_code == 200 else answer.get_json()["code"]


def _stored(person: Person) -> dict[str, object]:
    return row("SELECT * FROM users WHERE id = :id", id=person.actor.user_id)


def test_the_uri_is_what_authenticator_apps_read(client: CheckedClient, company: Company) -> None:
    person = signed_in(client, company)
    begun = _begin(client, person)
    uri = urlsplit(begun["provisioning_uri"])
    assert (uri.scheme, uri.netloc) == ("otpauth", "totp")
    assert unquote(uri.path) == f"/Crewline:{person.email}"
    values = parse_qs(uri.query)
    assert (values["secret"], values["issuer"]) == ([begun["secret"]], ["Crewline"])
    assert {"digits": ["6"], "period": ["30"], "algorithm": ["SHA1"]}.items() >= {
        name: value for name, value in values.items() if name in {"digits", "period", "algorithm"}
    }.items()
    assert len(begun["secret"]) >= 26, "128 bits at least (RFC 4226, 4)"


def test_a_second_factor_counts_once_it_is_confirmed(client: CheckedClient, company: Company) -> None:
    person = signed_in(client, company)
    assert client.get("/v1/auth/me", headers=person.headers).get_json()["mfa_enabled"] is False
    person.secret = _begin(client, person)["secret"]
    assert _login(client, person) == "in"
    assert _confirm(client, person, person.code()) == (200, None)
    assert client.get("/v1/auth/me", headers=person.headers).get_json()["mfa_enabled"] is True
    assert _login(client, person) == "identity.mfa_required"
    assert _login(client, person, person.code(1)) == "in"


def test_a_wrong_code_confirms_nothing(client: CheckedClient, company: Company) -> None:
    person = signed_in(client, company)
    assert _confirm(client, person, "123456") == (409, "identity.mfa_off")
    person.secret = _begin(client, person)["secret"]
    answer = client.post(f"{URL}/confirm", json={"code": person.code(5)}, headers=person.headers)
    assert (answer.status_code, answer.get_json()["errors"][0]["pointer"]) == (422, "/code")
    for typed in ("12345", "1234567", "12345a", "\u0661\u0662\u0663\u0664\u0665\u0666", "123456\n"):
        assert _confirm(client, person, typed)[0] == 422, typed
    assert _login(client, person) == "in"
    assert rows("SELECT * FROM recovery_codes") == []


def test_guessing_the_code_that_confirms_is_counted(client: CheckedClient, company: Company) -> None:
    person = signed_in(client, company)
    person.secret = _begin(client, person)["secret"]
    assert [_confirm(client, person, person.code(5))[0] for _ in range(5)] == [422] * 5
    assert _confirm(client, person, person.code()) == (429, "identity.too_many_attempts")


def test_beginning_again_gives_another_secret_and_the_first_is_dead(client: CheckedClient, company: Company) -> None:
    person = signed_in(client, company)
    first, second = _begin(client, person)["secret"], _begin(client, person)["secret"]
    person.secret = first
    assert _confirm(client, person, person.code()) == (422, "identity.mfa_wrong")
    person.secret = second
    assert _confirm(client, person, person.code()) == (200, None)


def test_beginning_needs_the_password(client: CheckedClient, company: Company) -> None:
    person = signed_in(client, company)
    refused = client.post(URL, json={"password": WRONG}, headers=person.headers)
    assert (refused.status_code, refused.get_json()["errors"][0]["pointer"]) == (422, "/password")
    assert _stored(person)["totp_secret"] is None


def test_what_is_on_is_not_begun_nor_confirmed_again(client: CheckedClient, person: Person) -> None:
    before = _stored(person)
    again = client.post(URL, json={"password": PASSWORD}, headers=person.headers)
    assert (again.status_code, again.get_json()["code"]) == (409, "identity.mfa_on")
    assert _confirm(client, person, person.code()) == (409, "identity.mfa_on")
    assert _stored(person) == before


def test_a_code_is_good_once(client: CheckedClient, person: Person) -> None:
    code = person.code()
    assert [_login(client, person, code) for _ in range(3)] == ["in", "identity.mfa_wrong", "identity.mfa_wrong"]


def test_the_code_that_confirmed_signs_nobody_in(client: CheckedClient, company: Company) -> None:
    person = signed_in(client, company)
    person.secret = _begin(client, person)["secret"]
    code = person.code()
    assert _confirm(client, person, code) == (200, None)
    assert _login(client, person, code) == "identity.mfa_wrong"


@pytest.mark.parametrize(
    ("steps", "outcome"),
    [(-2, "identity.mfa_wrong"), (-1, "in"), (0, "in"), (1, "in"), (2, "identity.mfa_wrong")],
)
def test_clocks_may_differ_by_one_step(client: CheckedClient, person: Person, steps: int, outcome: str) -> None:
    code = _steady_code(person, steps)
    assert _login(client, person, code) == outcome
    assert _login(client, person, code) == "identity.mfa_wrong"


def _steady_code(person: Person, steps: int) -> str:
    """Not at the edge of a step, where the server may see the next one already."""
    if time.time() % 30 > 27:
        time.sleep(3.5)
    return person.code(steps)


def test_codes_before_one_that_was_used_are_dead(client: CheckedClient, person: Person) -> None:
    earlier, now, later = (_steady_code(person, steps) for steps in (-1, 0, 1))
    assert _login(client, person, later) == "in"
    assert [_login(client, person, code) for code in (earlier, now)] == ["identity.mfa_wrong"] * 2


@pytest.mark.parametrize("typed", ["{0}{1}", "{0} {1}", " {0}-{1} "])
def test_a_code_may_be_typed_as_it_is_shown(client: CheckedClient, person: Person, typed: str) -> None:
    code = person.code()
    assert _login(client, person, typed.format(code[:3], code[3:])) == "in"


def test_a_right_code_does_not_help_a_wrong_password(client: CheckedClient, person: Person) -> None:
    refused = login(client, email=person.email, password=WRONG, code=person.code())
    assert refused.get_json()["code"] == "identity.unauthenticated"
    assert _login(client, person, person.code()) == "in", "and it has not been used up"


def test_there_are_ten_recovery_codes_and_each_is_good_once(client: CheckedClient, person: Person) -> None:
    codes = person.recovery_codes
    assert len(set(codes)) == 10
    ways = [str, str.upper, lambda code: code.replace("-", ""), lambda code: f" {code.replace('-', ' ')} "]
    for number, code in enumerate(codes):
        assert _login(client, person, ways[number % len(ways)](code)) == "in"
        assert _login(client, person, code) == "identity.mfa_wrong"
    assert _login(client, person, person.code()) == "in"


def test_only_hashes_of_recovery_codes_are_kept(person: Person) -> None:
    kept = rows("SELECT * FROM recovery_codes WHERE user_id = :id", id=person.actor.user_id)
    assert len(kept) == 10
    for code in person.recovery_codes:
        assert code not in str(kept)
        assert code.replace("-", "") not in str(kept)


def test_a_recovery_code_is_one_persons(client: CheckedClient, company: Company, person: Person) -> None:
    other = enrolled(client, company)
    assert _login(client, other, person.recovery_codes[0]) == "identity.mfa_wrong"
    assert _login(client, person, person.recovery_codes[0]) == "in"


def test_new_recovery_codes_replace_the_old_ones(client: CheckedClient, person: Person) -> None:
    url = f"{URL}/recovery-codes"
    assert client.post(url, json={"password": WRONG}, headers=person.headers).status_code == 422
    made = client.post(url, json={"password": PASSWORD}, headers=person.headers).get_json()["recovery_codes"]
    assert len({*made, *person.recovery_codes}) == 20
    assert [_login(client, person, code) for code in person.recovery_codes[:2]] == ["identity.mfa_wrong"] * 2
    assert _login(client, person, made[0]) == "in"


def test_without_a_second_factor_there_are_no_recovery_codes(client: CheckedClient, company: Company) -> None:
    person = signed_in(client, company)
    refused = client.post(f"{URL}/recovery-codes", json={"password": PASSWORD}, headers=person.headers)
    assert (refused.status_code, refused.get_json()["code"]) == (409, "identity.mfa_off")


def test_the_database_does_not_show_the_secret(person: Person) -> None:
    dump = "".join(str(rows(f"SELECT * FROM {table}")) for table in ("users", "recovery_codes", "audit_entries"))
    assert str(_stored(person)["totp_secret"]) in dump
    assert person.secret not in dump


def _remove(client: CheckedClient, person: Person, password: str, code: str) -> tuple[int, str | None]:
    answer = client.post(f"{URL}/remove", json={"password": password, "code": code}, headers=person.headers)
    return answer.status_code, (answer.get_json() or {}).get("code") if answer.data else None


def test_removing_needs_the_password_and_a_code(client: CheckedClient, person: Person) -> None:
    assert _remove(client, person, WRONG, person.code()) == (422, "identity.password_wrong")
    assert _remove(client, person, PASSWORD, person.code(5)) == (422, "identity.mfa_wrong")
    assert _stored(person)["totp_confirmed_at"] is not None
    assert _remove(client, person, PASSWORD, person.code()) == (204, None)
    assert _login(client, person) == "in"
    assert rows("SELECT * FROM recovery_codes WHERE user_id = :id", id=person.actor.user_id) == []
    assert _remove(client, person, PASSWORD, "123456") == (409, "identity.mfa_off")


def test_a_recovery_code_removes_it_too(client: CheckedClient, person: Person) -> None:
    assert _remove(client, person, PASSWORD, person.recovery_codes[3]) == (204, None)


def test_guessing_codes_while_removing_is_counted(client: CheckedClient, person: Person) -> None:
    given = [_remove(client, person, PASSWORD, person.code(5 + number))[0] for number in range(6)]
    assert given == [422] * 5 + [429]
    assert _remove(client, person, PASSWORD, person.code()) == (429, "identity.too_many_attempts")
    assert _stored(person)["totp_confirmed_at"] is not None


def test_the_audit_log_says_with_which_second_factor_somebody_came_in(
    client: CheckedClient, company: Company, person: Person
) -> None:
    assert _login(client, person, person.code()) == "in"
    assert _login(client, person, person.recovery_codes[0]) == "in"
    entries = rows(
        "SELECT * FROM audit_entries WHERE action = 'identity.sign_in' AND resource_id = :id ORDER BY id",
        id=person.actor.user_id,
    )
    assert [entry["after"].get("second_factor") for entry in entries] == [None, "totp", "recovery_code"]


def test_every_change_of_the_second_factor_is_audited(client: CheckedClient, company: Company) -> None:
    person = enrolled(client, company, Role.ADMIN)
    client.post(f"{URL}/recovery-codes", json={"password": PASSWORD}, headers=person.headers)
    _remove(client, person, PASSWORD, person.code())
    found = rows("SELECT action FROM audit_entries WHERE actor_id = :id ORDER BY id", id=person.actor.user_id)
    assert [each["action"].removeprefix("identity.") for each in found] == [
        "sign_in",
        "begin_mfa",
        "confirm_mfa",
        "renew_recovery_codes",
        "remove_mfa",
    ]
