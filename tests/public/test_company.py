"""What a company shows to anybody, and how it is found."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.catalog.model import Addon, Service
from shared.organizations.settings import BUSINESS_HOURS
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.contract.statements import counted
from tests.factories.organizations import Company, make_company
from tests.public.offers import offer
from tests.rows import footprint


def test_anybody_sees_hours_services_and_addons(client: CheckedClient, services: Services) -> None:
    company = make_company(services, name="Bright & Tidy", timezone="Europe/Berlin", currency="eur", locale="de")
    windows = offer(company, Service, "windows", description="Inside and out.")
    deep = offer(company, Service, "deep_clean", name="Deep clean")
    oven = offer(company, Addon, "oven")
    answer = client.get(f"/v1/public/{company.slug}")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    assert answer.get_json() == {
        "slug": company.slug,
        "name": "Bright & Tidy",
        "timezone": "Europe/Berlin",
        "currency": "eur",
        "locale": "de",
        "business_hours": BUSINESS_HOURS,
        "services": [
            {"id": deep, "key": "deep_clean", "name": "Deep clean", "description": ""},
            {"id": windows, "key": "windows", "name": "Windows", "description": "Inside and out."},
        ],
        "addons": [{"id": oven, "key": "oven", "name": "Oven", "description": ""}],
    }


def test_nothing_else_is_told(client: CheckedClient, company: Company) -> None:
    """No mail address, no policy, no plan: what staff sees at /v1/organization is not for strangers."""
    text = client.get(f"/v1/public/{company.slug}").get_data(as_text=True)
    for secret in (str(company.org_id), company.client_email, "policy", "plan", "tax", "version", "origins"):
        assert secret not in text


def test_what_is_not_active_is_not_offered(client: CheckedClient, company: Company) -> None:
    offer(company, Service, "old", is_active=False)
    offer(company, Addon, "old", is_active=False)
    found = client.get(f"/v1/public/{company.slug}").get_json()
    assert (found["services"], found["addons"]) == ([], [])


def test_each_company_shows_its_own(client: CheckedClient, company: Company, neighbour: Company) -> None:
    ours, theirs = offer(company, Service, "clean"), offer(neighbour, Service, "clean")
    for each, service_id in ((company, ours), (neighbour, theirs)):
        found = client.get(f"/v1/public/{each.slug}").get_json()
        assert [service["id"] for service in found["services"]] == [service_id]


def test_signing_in_makes_no_difference(client: CheckedClient, company: Company, neighbour: Company) -> None:
    plain = client.get(f"/v1/public/{company.slug}").get_json()
    for headers in (company.headers(), neighbour.headers(), {"Authorization": "Bearer nonsense"}):
        assert client.get(f"/v1/public/{company.slug}", headers=headers).get_json() == plain


def test_looking_costs_three_statements_and_changes_nothing(
    client: CheckedClient, company: Company, services: Services
) -> None:
    client.get("/healthz")
    before = footprint(company.org_id)
    with counted(services) as sent:
        assert client.get(f"/v1/public/{company.slug}").status_code == 200
    assert len(sent) == 3, sent
    assert sent.logged == 3
    assert footprint(company.org_id) == before


@pytest.mark.parametrize(
    "slug",
    [
        "nobody",
        "x",
        "-",
        "a--b",
        "%00",
        "company-1%00",
        "company%2D",
        "%ff%fe",
        "%F0%9F%A7%B9",
        "COMPANY-1",
        "company-1%0A",
        "..%252f",
        "'%20OR%201=1--",
        "a" * 51,
        "a" * 10_000,
        "%61" * 3000,
    ],
    ids=lambda slug: slug[:20],
)
def test_a_slug_that_nobody_has_and_one_that_cannot_be_are_the_same(
    client: CheckedClient, company: Company, slug: str
) -> None:
    answer = client.get(f"/v1/public/{slug}")
    found = answer.get_json()
    assert (answer.status_code, found["code"]) == (404, "organizations.not_found")
    assert found["detail"] == "There is no such organization."
    assert answer.headers["Vary"] == "Origin"
    assert "Access-Control-Allow-Origin" not in answer.headers


def test_postgres_is_not_asked_about_what_is_no_slug(
    client: CheckedClient, services: Services, company: Company
) -> None:
    client.get("/healthz")
    with counted(services) as sent:
        client.get("/v1/public/" + "a" * 10_000)
    assert len(sent) == 0


def test_an_escaped_slug_is_the_slug(client: CheckedClient, company: Company) -> None:
    escaped = "".join(f"%{ord(letter):02x}" for letter in company.slug)
    assert client.get(f"/v1/public/{escaped}").get_json()["slug"] == company.slug


@pytest.mark.parametrize("path", ["/v1/public", "/v1/public/", "/v1/public//", "/v1/public/x/", "/v1/public/a%2Fb/c"])
def test_other_urls_are_not_there(client: CheckedClient, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer.get_json()["code"]) == (404, "request.no_such_url")


def test_a_stray_query_is_refused(client: CheckedClient, company: Company) -> None:
    answer = client.get(f"/v1/public/{company.slug}?lang=de")
    assert (answer.status_code, answer.get_json()["code"]) == (400, "request.bad_query")


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_other_methods_are_refused(client: CheckedClient, company: Company, method: str) -> None:
    answer = client.open(f"/v1/public/{company.slug}", method=method, json={})
    assert (answer.status_code, answer.get_json()["code"]) == (405, "request.method_not_allowed")
    assert {"GET", "HEAD", "OPTIONS"} == set(answer.headers["Allow"].split(", "))


def test_head_answers_without_a_body(app: Flask, company: Company) -> None:
    client = FlaskClient(app)  # the contract describes no HEAD
    for slug, status in ((company.slug, 200), ("nobody", 404)):
        answer = client.head(f"/v1/public/{slug}")
        assert (answer.status_code, answer.data, answer.headers["Vary"]) == (status, b"", "Origin")
