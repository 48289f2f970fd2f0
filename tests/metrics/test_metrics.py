"""`/v1/metrics`: who may read it, and that the photo panel tells what is so."""

from datetime import timedelta

import pytest
from prometheus_client.parser import text_string_to_metric_families

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.order_photos import make_photo, photo_form
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.storage_deletes import make_storage_delete
from tests.jobs_probe import JobsProbe
from tests.variants import client_on, with_settings

TOKEN = {"Authorization": "Bearer a-token-for-prometheus"}


def read_numbers(client: CheckedClient) -> dict[str, float]:
    """Every sample, by name and label values."""
    answer = client.get("/v1/metrics", headers=TOKEN)
    assert answer.status_code == 200
    families = text_string_to_metric_families(answer.get_data(as_text=True))
    return {
        " ".join([sample.name, *(value for _, value in sorted(sample.labels.items()))]): sample.value
        for family in families
        for sample in family.samples
    }


def test_prometheus_reads_with_its_token_and_admins_with_theirs(client: CheckedClient, company: Company) -> None:
    answer = client.get("/v1/metrics", headers=TOKEN)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert client.get("/v1/metrics", headers=company.headers(Role.ADMIN)).status_code == 200


@pytest.mark.parametrize("role", [Role.DISPATCHER, Role.FINANCE, Role.VIEWER, Role.WORKER])
def test_others_may_not_read(client: CheckedClient, company: Company, role: Role) -> None:
    assert client.get("/v1/metrics", headers=company.headers(role)).status_code == 403


def test_an_admin_whose_session_is_over_may_not_read(client: CheckedClient, company: Company) -> None:
    headers = company.headers(Role.ADMIN)
    assert client.post("/v1/auth/logout", headers=headers).status_code == 204
    assert client.get("/v1/metrics", headers=headers).status_code == 401


@pytest.mark.parametrize("header", [None, "Bearer a-token-for-prometheu", "Bearer ", "Basic a-token-for-prometheus"])
def test_a_wrong_token_is_nobody(client: CheckedClient, header: str | None) -> None:
    answer = client.get("/v1/metrics", headers={"Authorization": header} if header else {})
    assert answer.status_code == 401


def test_the_token_is_not_read_from_the_query(client: CheckedClient) -> None:
    assert client.get("/v1/metrics?token=a-token-for-prometheus").status_code in {400, 401}
    assert client.get("/v1/metrics?x=1", headers=TOKEN).status_code == 400


def test_without_a_token_in_the_settings_nobody_gets_in_with_an_empty_one(company: Company) -> None:
    empty = type(company.services.settings.metrics_token)("")
    client = client_on(with_settings(company.services, metrics_token=empty))
    assert client.get("/v1/metrics", headers={"Authorization": "Bearer "}).status_code == 401
    assert client.get("/v1/metrics", headers=TOKEN).status_code == 401


def test_switched_off_it_is_not_there(company: Company) -> None:
    client = client_on(with_settings(company.services, metrics_enabled=False))
    answer = client.get("/v1/metrics", headers=TOKEN)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "metrics.off")


def test_the_photo_panel_begins_at_zero_for_every_backend_that_is_set_up(client: CheckedClient) -> None:
    numbers = read_numbers(client)
    assert numbers["crewline_photo_bytes local"] == 0
    for state in ("waiting", "deleting", "stuck"):
        assert numbers[f"crewline_storage_deletes local {state}"] == 0


def test_the_photo_panel_moves_with_uploads_and_deletes(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    order_id = make_order(company)
    path = f"/v1/orders/{order_id}/photos"
    photo_id = client.post(path, data=photo_form(), headers=company.headers()).get_json()["id"]
    uploaded = read_numbers(client)
    assert uploaded["crewline_photo_bytes local"] > 0
    assert uploaded["crewline_photos_under_way local uploaded"] == 1
    jobs.drain()
    assert "crewline_photos_under_way local uploaded" not in read_numbers(client)
    client.delete(f"{path}/{photo_id}", headers=company.headers())
    removed = read_numbers(client)
    assert removed["crewline_storage_deletes local waiting"] == 2
    assert removed["crewline_photo_bytes local"] > 0
    jobs.drain()
    gone = read_numbers(client)
    assert gone["crewline_storage_deletes local waiting"] == gone["crewline_photo_bytes local"] == 0


def test_stuck_deletes_and_their_age_are_told_by_backend(client: CheckedClient, company: Company) -> None:
    make_storage_delete(company, state="stuck", backend="s3", with_object=False)
    make_storage_delete(company, due=timedelta(minutes=-10), with_object=False)
    make_storage_delete(company, due=timedelta(hours=1), with_object=False)  # reserved: nobody waits for it
    make_photo(company, make_order(company))
    numbers = read_numbers(client)
    assert numbers["crewline_storage_deletes s3 stuck"] == 1
    assert numbers["crewline_storage_deletes local waiting"] == 1
    assert 590 < numbers["crewline_storage_delete_oldest_seconds local waiting"] < 700
