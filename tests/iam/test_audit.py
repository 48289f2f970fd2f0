"""Whatever an administrator does to somebody is in the audit log, and no secret is."""

from typing import Any

from shared.core.permissions import Role
from tests.factories.identity import PASSWORD, make_person
from tests.factories.organizations import make_user, sign_in
from tests.iam.conftest import Office, entry_of
from tests.rows import footprint, rows


def _said(entry: dict[str, Any]) -> tuple[Any, Any]:
    return entry["before"], entry["after"]


def test_each_act_is_written_down_with_who_what_before_after_and_where_from(office: Office) -> None:
    admin = make_user(office.company.org_id, Role.ADMIN)
    headers = sign_in(office.company.services, admin)
    person, email = make_person(office.company.org_id, Role.VIEWER)
    office.sign_in(email, PASSWORD)
    user_id = person.user_id
    acts = {
        "iam.change_user": ("PATCH", f"/{user_id}", {"name": "Vera"}, ({"name": "Viewer"}, {"name": "Vera"})),
        "iam.log_out": ("POST", f"/{user_id}/logout", None, ({}, {"ended_sessions": 1})),
        "iam.unlock": ("POST", f"/{user_id}/unlock", None, ({}, {})),
        "iam.reset_password": ("POST", f"/{user_id}/reset-password", None, ({}, {})),
        "iam.deactivate": (
            "POST",
            f"/{user_id}/deactivate",
            None,
            ({"state": "active"}, {"state": "deactivated"}),
        ),
        "iam.reactivate": (
            "POST",
            f"/{user_id}/reactivate",
            None,
            ({"state": "deactivated"}, {"state": "active"}),
        ),
    }
    for action, (method, path, body, said) in acts.items():
        asked = {"X-Request-Id": f"audit-of-{action}"}
        assert office.ask(method, path, by=headers, json=body, headers=asked).status_code < 300, action
        entry = entry_of(action, user_id)
        assert (entry["actor_id"], entry["actor_label"]) == (admin.user_id, "user"), action
        assert (entry["request_id"], entry["address"]) == (f"audit-of-{action}", "127.0.0.1"), action
        assert (entry["resource"], entry["org_id"]) == ("iam", office.company.org_id), action
        assert _said(entry) == said, action


def test_an_invitation_is_written_down(office: Office) -> None:
    person, _, _ = office.newcomer(role="finance", headers={"X-Request-Id": "invited-1"})
    entry = entry_of("identity.create_user", person.user_id)
    assert (entry["actor_id"], entry["request_id"]) == (office.company.owner.user_id, "invited-1")
    assert _said(entry) == ({}, {"role": "finance"})


def test_what_was_refused_is_not_written_down_as_done(office: Office) -> None:
    owner = office.company.owner.user_id
    office.company.headers(Role.VIEWER)
    before = footprint(office.company.org_id)["audit_entries"]
    assert office.change(owner, role="viewer").status_code == 409
    assert office.do("deactivate", owner).status_code == 409
    assert office.do("reset-password", owner, by=Role.VIEWER).status_code == 403
    assert footprint(office.company.org_id)["audit_entries"] == before


def test_neither_passwords_nor_hashes_nor_tokens_are_in_the_log(office: Office) -> None:
    person, email, password = office.newcomer()
    tokens = office.sign_in(email, password).get_json()
    again = office.do("reset-password", person.user_id).get_json()["temp_password"]
    office.sign_in(email, "a wrong one " + again)
    kept = str(rows("SELECT * FROM audit_entries"))
    assert str(person.user_id) in kept
    for secret in (password, again, tokens["access_token"], tokens["refresh_token"].partition(".")[2], "$argon2"):
        assert secret not in kept


def test_the_entries_are_read_by_owner_and_admin(office: Office) -> None:
    person = make_user(office.company.org_id, Role.VIEWER)
    office.change(person.user_id, name="Vera")
    url = f"/v1/audit?resource_id={person.user_id}&action=iam.change_user"
    for role in (Role.OWNER, Role.ADMIN):
        (entry,) = office.client.get(url, headers=office.company.headers(role)).get_json()["data"]
        assert (entry["before"], entry["after"]) == ({"name": "Viewer"}, {"name": "Vera"})
