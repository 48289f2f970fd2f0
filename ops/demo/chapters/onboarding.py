"""People: how somebody comes in, works, is promoted, shut out, locked out, let in again, and what is written of it.

Everybody is invited anew, so that it can be told again; whoever was invited is deactivated at the end. A step that a
restart of the API has spoilt (an answer was lost on the way) is mended as people mend it: by another temporary
password, another sign-in, the next code. Guesses come from another address, which may be locked out without harm.
"""

import json
import secrets
import time
from typing import Any

from ops.demo.person import TRIES, App, Person, refused_as
from ops.demo.staff import Staff
from ops.demo.story import Story, eventually, expect, fail
from ops.demo.world import World

USERS = "/v1/iam/users"
FIRST_PASSWORD_NEEDED = "identity.password_change_required"  # noqa: S105 - an error code
REPEAT_SECONDS = 10
"""How long a refresh token that was used gets the same answer again."""
GUESSES = 8
"""More than it takes to lock an account, which is five."""


def tell(world: World, story: Story) -> None:
    """Invite two people and follow them through everything that can happen to an account."""
    owner, outside = Staff(world, "owner"), world.elsewhere()
    admin = _invite(world, owner, story, "Ada Admin", "admin")
    dana = _invite(world, owner, story, "Dana Dispatcher", "dispatcher")
    _move_in(owner, admin)
    _first_sign_in(owner, outside, story, dana)
    _work(story, dana)
    _refresh(story, dana)
    _promote(owner, story, dana)
    _log_out_everywhere(story, admin, dana)
    _lock_and_unlock(outside, story, admin, dana)
    _protect_owners(owner, story, admin)
    codes = _second_factor(outside, story, dana)
    _recovery_code(outside, story, dana, codes)
    _read_the_audit_log(owner, story, admin, dana)
    _leave(owner, story, admin, dana)


def _invite(world: World, owner: Staff, story: Story, name: str, role: str) -> Person:
    org = world.login("owner")["org"]
    body = {
        "name": name,
        "role": role,
        "email": f"{name.split(maxsplit=1)[0].lower()}-{secrets.token_hex(5)}@demo.test",
    }
    key = {"Idempotency-Key": f"demo-{secrets.token_hex(8)}"}
    first, again = (owner.call("POST", USERS, json=body, headers=key) for _ in range(2))
    expect(first.status_code == 201, f"the invitation answered {first.status_code}: {first.text}")
    expect(again.headers.get("Idempotent-Replayed") == "true", "the repeated invitation was not recognized")
    expect(again.json()["temp_password"] is None, "the repeated invitation shows the temporary password again")
    person = Person(world, org, first.json())
    person.password = first.json()["temp_password"] or _new_temporary(owner, person)
    until = first.json()["temp_password_until"]
    story.proved(
        f"{name} is invited as {role}; the temporary password is shown once, good until {until[:16]}Z",
        "the same request with the same Idempotency-Key: the same person, temp_password null",
    )
    if role == "dispatcher":
        _mail_has_no_password(world, story, person)
    return person


def _mail_has_no_password(world: World, story: Story, person: Person) -> None:
    def mails() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = world.sandbox("GET", f"/api/mail?to={person.email}")["data"]
        return found

    arrived = eventually(mails, "the mail about the account did not arrive")
    expect(person.password not in json.dumps(arrived), "the temporary password is in the mail")
    story.proved("They get a mail, without the password in it", f"“{arrived[0]['subject']}” to {person.email}")


def _new_temporary(owner: Staff, person: Person) -> str:
    """What an administrator does when the first one was lost."""
    answer = owner.call("POST", f"{USERS}/{person.id}/reset-password")
    expect(answer.status_code == 200, f"the reset answered {answer.status_code}: {answer.text}")
    return str(answer.json()["temp_password"])


def _come_in(owner: Staff, person: Person) -> None:
    """Sign in with the temporary password and refresh once."""
    for _ in range(TRIES):
        answer = person.knock(person.password)
        if answer.status_code == 200:
            answer = person.refresh(person.tokens["refresh_token"])
            if answer.status_code == 200:
                person.tokens = answer.json()
                return
        person.password = _new_temporary(owner, person)  # it was used, and the answer was lost
    fail(f"{person.name} cannot come in: {answer.status_code} {answer.text}")


def _choose_password(person: Person) -> None:
    chosen = f"{secrets.token_hex(4)} meadow {secrets.token_hex(4)}"
    body = {"current_password": person.password, "new_password": chosen}
    answer = person.call("POST", "/v1/auth/change-password", json=body)
    # 422: the first try was committed, but its answer was lost on the way; the next sign-in proves it.
    expect(answer.status_code in {204, 422}, f"change-password answered {answer.status_code}: {answer.text}")
    person.password = chosen


def _move_in(owner: Staff, person: Person) -> None:
    _come_in(owner, person)
    _choose_password(person)
    person.sign_in()


def _first_sign_in(owner: Staff, outside: World, story: Story, dana: Person) -> None:
    _come_in(owner, dana)
    expect(dana.get("/v1/auth/me")["must_change_password"] is True, "me does not say that a password is owed")
    others = ("/v1/orders", "/v1/clients", "/v1/auth/sessions", USERS)
    for path in others:
        dana.refused("GET", path, 403, FIRST_PASSWORD_NEEDED)
    facts = f"403 {FIRST_PASSWORD_NEEDED}: {', '.join(others)}"
    story.proved(f"{dana.name} signs in with it: me and refresh work, and nothing else does", facts)

    second = Person(dana.world, dana.org, {"id": dana.id, "email": dana.email, "name": dana.name})
    refused_as(
        second.knock(dana.password, world=outside), "identity.temp_password_over", "a second sign-in was not refused"
    )
    story.proved("A second sign-in with the temporary password is refused", "401 identity.temp_password_over")
    _choose_password(dana)


def _work(story: Story, dana: Person) -> None:
    orders = dana.get("/v1/orders?limit=5")["data"]
    dana.refused("GET", USERS, 403, "access.forbidden")
    story.proved(
        "With a password of her own she works in the same session, within her role",
        f"sees {len(orders)} orders; {USERS} is 403 access.forbidden",
    )
    dana.sign_in()


def _refresh(story: Story, dana: Person) -> None:
    for _ in range(TRIES):
        used, began = dana.tokens["refresh_token"], time.monotonic()
        first, again = dana.refresh(used), dana.refresh(used)
        next_one = dana.refresh(first.json().get("refresh_token", used))
        if time.monotonic() - began < REPEAT_SECONDS - 1:
            break
        dana.sign_in()  # the API was away for so long that the repeats came too late
    for answer in (first, again, next_one):
        expect(answer.status_code == 200, f"refresh answered {answer.status_code}: {answer.text}")
    same = first.json()["refresh_token"] == again.json()["refresh_token"]
    expect(same, "the repeated refresh got another successor")
    story.proved("A refresh token sent twice within 10 s gets the same successor", "an answer may be lost on the way")
    dana.tokens = next_one.json()
    refused_as(dana.refresh(used), "identity.unauthenticated", "a stolen refresh token was not refused")
    dana.refused("GET", "/v1/auth/me", 401, "identity.unauthenticated")
    story.proved("A refresh token from before ends the session: somebody has a copy", "refresh 401, then me 401")
    dana.sign_in()


def _promote(owner: Staff, story: Story, dana: Person) -> None:
    before = dana.get("/v1/auth/me")["permissions"]
    answer = owner.call("PATCH", f"{USERS}/{dana.id}", json={"role": "admin"})
    expect(answer.status_code == 200, f"the promotion answered {answer.status_code}: {answer.text}")
    dana.refused("GET", "/v1/orders", 401, "identity.unauthenticated")
    dana.sign_in()
    me = dana.get("/v1/auth/me")
    gained = sorted(set(me["permissions"]) - set(before))
    expect(me["role"] == "admin" and "iam:write" in gained, f"after the promotion she may {gained} more")
    story.proved("The owner makes her an admin: the old session is over, the new one may more", ", ".join(gained))


def _log_out_everywhere(story: Story, admin: Person, dana: Person) -> None:
    devices = [dict(dana.tokens)]
    dana.sign_in()
    devices.append(dana.tokens)
    answer = admin.call("POST", f"{USERS}/{dana.id}/logout")
    expect(answer.status_code == 200, f"the logout answered {answer.status_code}: {answer.text}")
    for tokens in devices:
        dana.tokens = tokens
        dana.refused("GET", "/v1/auth/me", 401, "identity.unauthenticated")
    ended = answer.json()["ended_sessions"]
    story.proved(f"{admin.name} logs her out everywhere: 401 on both devices", f"ended_sessions {ended}")


def _lock_and_unlock(outside: World, story: Story, admin: Person, dana: Person) -> None:
    answers = []
    for _ in range(GUESSES):
        answers.append(dana.knock("a guess", world=outside))
        if answers[-1].status_code == 429:
            break
    wrong, locked = answers[:-1], answers[-1]
    for answer in wrong:
        refused_as(answer, "identity.unauthenticated", "a wrong password was not refused")
    refused_as(locked, "identity.too_many_attempts", "the account is not locked")
    wait = locked.headers["Retry-After"]
    refused_as(dana.knock(dana.password), "identity.too_many_attempts", "the right password opens a locked account")
    story.proved(
        f"{len(wrong)} wrong passwords lock the account, for the right one too",
        f"429 on try {len(answers)}, Retry-After: {wait}",
    )
    answer = admin.call("POST", f"{USERS}/{dana.id}/unlock")
    expect(answer.status_code == 204, f"unlock answered {answer.status_code}: {answer.text}")
    dana.sign_in()
    story.proved(f"{admin.name} unlocks her, and she signs in")


def _protect_owners(owner: Staff, story: Story, admin: Person) -> None:
    owners = owner.get(f"{USERS}?role=owner&state=active")["data"]
    path = f"{USERS}/{owners[0]['id']}"
    for method, end, body in (("PATCH", "", {"name": "Nobody"}), ("POST", "/reset-password", None)):
        admin.refused(method, path + end, 403, "iam.owner_protected", json=body)
    admin.refused(
        "POST", USERS, 403, "iam.owner_protected", json={"email": "x@demo.test", "name": "X", "role": "owner"}
    )
    story.proved("An admin can neither change an owner nor make one", "403 iam.owner_protected")
    if len(owners) > 1:  # or the demo would really demote somebody
        return
    refused_as(owner.call("PATCH", path, json={"role": "admin"}), "iam.last_owner", "the last owner was demoted")
    story.proved("The last owner stays one", "409 iam.last_owner")


def _second_factor(outside: World, story: Story, dana: Person) -> list[str]:
    enrolment = dana.call("POST", "/v1/auth/mfa", json={"password": dana.password})
    expect(enrolment.status_code == 200, f"the enrolment answered {enrolment.status_code}: {enrolment.text}")
    app = App(enrolment.json()["secret"])
    confirmed = dana.call("POST", "/v1/auth/mfa/confirm", json={"code": app.fresh_code()})
    if confirmed.status_code == 409:  # it was confirmed, and the answer with the recovery codes was lost
        confirmed = dana.call("POST", "/v1/auth/mfa/recovery-codes", json={"password": dana.password})
    expect(confirmed.status_code == 200, f"the confirmation answered {confirmed.status_code}: {confirmed.text}")
    codes: list[str] = confirmed.json()["recovery_codes"]
    story.proved("She sets up a second factor and confirms it with a code", f"{len(codes)} recovery codes, shown once")

    refused_as(dana.knock(dana.password), "identity.mfa_required", "the password alone was enough")
    dana.app = app
    dana.sign_in()
    used = app.last_code()
    refused_as(dana.knock(dana.password, code=used, world=outside), "identity.mfa_wrong", "a code was good twice")
    story.proved(
        "From now on a sign-in needs a code, and each code is good once", "401 mfa_required, 200, 401 mfa_wrong"
    )
    return codes


def _recovery_code(outside: World, story: Story, dana: Person, codes: list[str]) -> None:
    for code in codes[:TRIES]:
        answer = dana.knock(dana.password, code=code)
        if answer.status_code == 200:
            break  # else it was used, and the answer was lost
    expect(answer.status_code == 200, f"a recovery code answered {answer.status_code}: {answer.text}")
    again = dana.knock(dana.password, code=code, world=outside)
    refused_as(again, "identity.mfa_wrong", "a recovery code was good twice")
    story.proved("Without the phone, a recovery code lets her in, once")


def _read_the_audit_log(owner: Staff, story: Story, admin: Person, dana: Person) -> None:
    about = owner.get(f"/v1/audit?resource_id={dana.id}&limit=200")["data"]
    own = owner.get(f"/v1/audit?actor_id={dana.id}&limit=200")["data"]
    told = {entry["action"] for entry in about}
    wanted = {"identity.create_user", "identity.sign_in_failed", "identity.refresh_reused", "iam.change_user"}
    wanted |= {"iam.log_out", "iam.unlock"}
    expect(wanted <= told, f"the audit log does not tell of {', '.join(sorted(wanted - told))}")
    done = {entry["action"] for entry in own}
    wanted = {"identity.sign_in", "identity.change_password", "identity.confirm_mfa"}
    expect(wanted <= done, f"the audit log does not say that she did {', '.join(sorted(wanted - done))}")
    promotion = next(entry for entry in about if entry["action"] == "iam.change_user")
    changes = (promotion["before"], promotion["after"])
    expect(changes == ({"role": "dispatcher"}, {"role": "admin"}), f"the promotion is told as {changes}")
    by_admin = {entry["action"] for entry in about if entry["actor_id"] == admin.id}
    expect(by_admin == {"iam.log_out", "iam.unlock"}, f"the admin is said to have done {by_admin}")
    expect(dana.password not in json.dumps([about, own]), "a password is in the audit log")
    strangers = {entry["address"] for entry in about if entry["action"] == "identity.sign_in_failed"}
    story.proved(
        f"The audit log tells it all: {len(about)} entries about her, {len(own)} of her own doing, no secret",
        ", ".join(sorted(told | done)),
        f"the guesses came from {', '.join(sorted(map(str, strangers)))}",
    )


def _leave(owner: Staff, story: Story, *people: Person) -> None:
    for person in people:
        answer = owner.call("POST", f"{USERS}/{person.id}/deactivate")
        expect(answer.status_code == 200, f"deactivating answered {answer.status_code}: {answer.text}")
        person.refused("GET", "/v1/auth/me", 401, "identity.unauthenticated")
    story.proved("The owner deactivates both: they are out with their next request")
