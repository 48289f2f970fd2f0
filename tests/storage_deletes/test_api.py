"""Deletes over HTTP: what is stuck is listed, and can be tried again by who may."""

from datetime import timedelta
from uuid import uuid4

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of
from tests.factories.organizations import Company
from tests.factories.storage_deletes import make_storage_delete
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import deletes_of
from tests.rows import footprint, row

PATH = "/v1/admin/storage-deletes"


def test_what_is_stuck_is_listed_newest_first(client: CheckedClient, company: Company) -> None:
    made = [make_storage_delete(company, state="stuck", attempts=5) for _ in range(3)]
    make_storage_delete(company)
    listed = client.get(PATH, headers=company.headers()).get_json()["data"]
    assert [one["id"] for one in listed] == [str(one.id) for one in reversed(made)]
    assert listed[0] == {
        "id": str(made[2].id),
        "owner_id": str(made[2].owner_id),
        "backend": "local",
        "storage_key": made[2].storage_key,
        "state": "stuck",
        "attempts": 5,
        "last_error": None,
        "next_attempt_at": None,
        "created_at": listed[0]["created_at"],
    }


@pytest.mark.parametrize("state", ["waiting", "deleting", "stuck"])
def test_other_states_can_be_asked_for(client: CheckedClient, company: Company, state: str) -> None:
    made = {each: str(make_storage_delete(company, state=each).id) for each in ("waiting", "deleting", "stuck")}
    listed = client.get(f"{PATH}?state={state}", headers=company.headers()).get_json()["data"]
    assert [(one["id"], one["state"]) for one in listed] == [(made[state], state)]


def test_a_state_that_there_is_not_is_refused(client: CheckedClient, company: Company) -> None:
    assert client.get(f"{PATH}?state=gone", headers=company.headers()).status_code == 400


def test_a_long_list_comes_in_pages(client: CheckedClient, company: Company) -> None:
    made = [str(make_storage_delete(company, state="stuck", with_object=False).id) for _ in range(5)]
    seen, url = [], f"{PATH}?limit=2"
    while url:
        page = client.get(url, headers=company.headers()).get_json()
        assert len(page["data"]) <= 2
        seen += [one["id"] for one in page["data"]]
        url = page["next_cursor"] and f"{PATH}?limit=2&cursor={page['next_cursor']}"
    assert seen == made[::-1]


def test_a_stuck_delete_is_tried_again_from_the_beginning(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    made = make_storage_delete(company, state="stuck", attempts=5)
    answer = client.post(f"{PATH}/{made.id}/retry", headers=company.headers())
    assert answer.status_code == 200
    assert (answer.get_json()["state"], answer.get_json()["attempts"]) == ("waiting", 0)
    entry = row("SELECT actor_id, action FROM audit_entries WHERE resource_id = :id", id=made.id)
    assert entry == {"actor_id": company.owner.user_id, "action": "storage_deletes.retry"}
    assert jobs.drain() == ["storage_deletes.purge"]
    assert (deletes_of(company), files_of(company)) == ([], [])
    gone = client.post(f"{PATH}/{made.id}/retry", headers=company.headers())
    assert (gone.status_code, gone.get_json()["code"]) == (404, "storage_deletes.not_found")


@pytest.mark.parametrize("state", ["waiting", "deleting"])
def test_what_is_tried_anyway_needs_no_help(
    client: CheckedClient, company: Company, jobs: JobsProbe, state: str
) -> None:
    made = make_storage_delete(company, state=state, due=timedelta(minutes=1), attempts=2)
    before = deletes_of(company)
    refused = client.post(f"{PATH}/{made.id}/retry", headers=company.headers())
    assert (refused.status_code, refused.get_json()["code"]) == (409, "storage_deletes.not_stuck")
    assert (deletes_of(company), jobs.enqueued()) == (before, [])


@pytest.mark.parametrize("role", list(Role), ids=str)
def test_owners_and_administrators_may_and_nobody_else(client: CheckedClient, company: Company, role: Role) -> None:
    made = make_storage_delete(company, state="stuck")
    headers = company.headers(role)
    before = footprint(company.org_id)
    answers = [
        client.get(PATH, headers=headers).status_code,
        client.post(f"{PATH}/{made.id}/retry", headers=headers).status_code,
    ]
    allowed = role in {Role.OWNER, Role.ADMIN}
    assert answers == ([200, 200] if allowed else [403, 403])
    assert (footprint(company.org_id) == before) != allowed


def test_another_organizations_deletes_are_nobodys(client: CheckedClient, company: Company, neighbour: Company) -> None:
    theirs = make_storage_delete(neighbour, state="stuck")
    headers = company.headers()
    before = footprint(neighbour.org_id)
    assert client.get(PATH, headers=headers).get_json()["data"] == []
    for delete_id in (theirs.id, uuid4()):
        refused = client.post(f"{PATH}/{delete_id}/retry", headers=headers)
        assert (refused.status_code, refused.get_json()["code"]) == (404, "storage_deletes.not_found")
    assert footprint(neighbour.org_id) == before
