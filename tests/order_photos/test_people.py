"""Who may do what with photos: a worker on the orders they are sent to, and nobody beyond their role."""

from uuid import UUID, uuid4

import pytest

from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.crews.model import Worker
from tests.checked_client import CheckedClient
from tests.factories.crews import make_team, make_worker
from tests.factories.order_photos import make_photo, photo_form
from tests.factories.orders import make_order
from tests.factories.organizations import Company, make_user, sign_in
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import photo_row, state_of, upload
from tests.rows import footprint


class Person:
    """Somebody with the role worker, and their row among the workers."""

    def __init__(self, company: Company, team_id: UUID | None = None) -> None:
        account = make_user(company.org_id, Role.WORKER)
        self.worker_id = make_worker(company, user_id=account.user_id, team_id=team_id)
        self.headers = sign_in(company.services, account)


@pytest.fixture
def person(company: Company) -> Person:
    return Person(company)


def test_a_worker_adds_and_sees_photos_of_an_order_they_are_sent_to(
    client: CheckedClient, company: Company, jobs: JobsProbe, person: Person
) -> None:
    order_id = make_order(company, worker_ids=[person.worker_id])
    sent = upload(client, company, order_id, headers=person.headers)
    assert sent.status_code == 201
    jobs.drain()
    path = f"/v1/orders/{order_id}/photos"
    (listed,) = client.get(path, headers=person.headers).get_json()["data"]
    one = client.get(f"{path}/{listed['id']}", headers=person.headers)
    links = client.get(f"{path}/{listed['id']}/url", headers=person.headers)
    assert (one.status_code, links.status_code) == (200, 200)
    assert listed["state"] == "stored"
    assert client.get(links.get_json()["url"]).status_code == 200


def test_a_worker_adds_and_sees_photos_of_an_order_of_their_team(client: CheckedClient, company: Company) -> None:
    team_id = make_team(company)
    person = Person(company, team_id)
    order_id = make_order(company, team_id=team_id)
    photo = make_photo(company, order_id)
    listed = client.get(f"/v1/orders/{order_id}/photos", headers=person.headers).get_json()["data"]
    assert [one["id"] for one in listed] == [str(photo.id)]
    assert upload(client, company, order_id, headers=person.headers).status_code == 201


@pytest.mark.parametrize("their_team", [False, True])
@pytest.mark.parametrize("team_of_order", [False, True])
def test_a_worker_finds_no_other_order(
    client: CheckedClient, company: Company, their_team: bool, team_of_order: bool
) -> None:
    person = Person(company, make_team(company) if their_team else None)
    others = [make_worker(company)]
    order_id = make_order(company, worker_ids=others, team_id=make_team(company) if team_of_order else None)
    photo = make_photo(company, order_id)
    before = footprint(company.org_id)
    path = f"/v1/orders/{order_id}/photos"
    refused = [
        client.get(path, headers=person.headers),
        client.get(f"{path}/{photo.id}", headers=person.headers),
        client.get(f"{path}/{photo.id}/url", headers=person.headers),
        client.post(path, data=photo_form(), headers=person.headers),
    ]
    assert [(answer.status_code, answer.get_json()["code"]) for answer in refused] == [(404, "orders.not_found")] * 4
    assert footprint(company.org_id) == before


def test_somebody_with_the_role_and_no_worker_finds_nothing(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company, worker_ids=[make_worker(company)])
    headers = company.headers(Role.WORKER)
    assert client.get(f"/v1/orders/{order_id}/photos", headers=headers).status_code == 404
    assert upload(client, company, order_id, headers=headers).status_code == 404
    assert client.get(f"/v1/orders/{uuid4()}/photos", headers=headers).status_code == 404


def test_a_worker_who_has_left_finds_nothing(client: CheckedClient, company: Company, person: Person) -> None:
    order_id = make_order(company, worker_ids=[person.worker_id])
    with transaction(company.scope) as session:
        session.get_one(Worker, (company.org_id, person.worker_id)).is_active = False
    assert client.get(f"/v1/orders/{order_id}/photos", headers=person.headers).status_code == 404
    assert upload(client, company, order_id, headers=person.headers).status_code == 404


def test_a_worker_of_another_company_finds_nothing(
    client: CheckedClient, company: Company, neighbour: Company, person: Person
) -> None:
    theirs = Person(neighbour)
    order_id = make_order(company, worker_ids=[person.worker_id])
    assert client.get(f"/v1/orders/{order_id}/photos", headers=theirs.headers).status_code == 404
    assert upload(client, company, order_id, headers=theirs.headers).status_code == 404


def test_a_worker_removes_no_photo(client: CheckedClient, company: Company, person: Person) -> None:
    order_id = make_order(company, worker_ids=[person.worker_id])
    photo = make_photo(company, order_id)
    answer = client.delete(f"/v1/orders/{order_id}/photos/{photo.id}", headers=person.headers)
    assert (answer.status_code, state_of(photo.id)) == (403, "stored")


def test_a_workers_reason_does_not_take_the_place_of_consent(
    client: CheckedClient, company: Company, person: Person
) -> None:
    order_id = make_order(company, worker_ids=[person.worker_id], photo_consent=False)
    before = footprint(company.org_id)
    refused = upload(client, company, order_id, headers=person.headers, consent_override="I think it is fine")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "order_photos.consent_required")
    assert footprint(company.org_id) == before


def test_a_workers_reason_is_not_kept_where_there_is_consent(
    client: CheckedClient, company: Company, person: Person
) -> None:
    order_id = make_order(company, worker_ids=[person.worker_id])
    sent = upload(client, company, order_id, headers=person.headers, consent_override="I think it is fine")
    found = photo_row(sent.get_json()["id"])
    assert found is not None
    assert found["consent_override"] is None


@pytest.mark.parametrize("role", [Role.VIEWER, Role.FINANCE])
def test_who_only_reads_neither_uploads_nor_deletes(client: CheckedClient, company: Company, role: Role) -> None:
    order_id = make_order(company)
    photo = make_photo(company, order_id)
    headers = company.headers(role)
    before = footprint(company.org_id)
    path = f"/v1/orders/{order_id}/photos"
    assert client.post(path, data=photo_form(), headers=headers).status_code == 403
    assert client.delete(f"{path}/{photo.id}", headers=headers).status_code == 403
    assert len(client.get(path, headers=headers).get_json()["data"]) == 1
    assert footprint(company.org_id) == before
