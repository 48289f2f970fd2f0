"""Browsers on a company's own pages may read the answers; on other pages they may not."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.contract.statements import counted
from tests.factories.organizations import Company
from tests.public.offers import PAGE, open_to

ASKS = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type,x-captcha-token"}
SHARED = {"Access-Control-Allow-Origin", "Access-Control-Expose-Headers"}


def _cors(answer: Any) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name.startswith("Access-Control-")}


def _listed(text: str) -> set[str]:
    return {item.strip() for item in text.split(",")}


@pytest.fixture
def url(company: Company) -> str:
    open_to(company, "http://localhost:5173", PAGE)
    return f"/v1/public/{company.slug}"


@pytest.mark.parametrize("origin", [PAGE, "http://localhost:5173"])
def test_a_page_of_the_company_may_read(client: CheckedClient, url: str, origin: str) -> None:
    answer = client.get(url, headers={"Origin": origin})
    assert (answer.status_code, answer.headers["Vary"]) == (200, "Origin")
    found = _cors(answer)
    assert set(found) == SHARED
    assert found["Access-Control-Allow-Origin"] == origin
    assert _listed(found["Access-Control-Expose-Headers"]) == {
        "X-Request-Id",
        "Retry-After",
        "Idempotent-Replayed",
        "Link",
        "ETag",
    }


@pytest.mark.parametrize(
    "origin",
    [
        "null",
        "",
        "*",
        "https://evil.example",
        "http://book.bright.test",
        "https://bright.test",
        "https://x.book.bright.test",
        "https://book.bright.test.evil.example",
        "https://book.bright.test:443",
        "https://book.bright.test:8443",
        "https://book.bright.test/",
        "HTTPS://BOOK.BRIGHT.TEST",
        "https://book.bright.test, https://evil.example",
        "https://evil.example https://book.bright.test",
        "h",
    ],
)
@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_another_page_is_answered_and_may_not_read(client: CheckedClient, url: str, origin: str, method: str) -> None:
    answer = client.open(url, method=method, headers={"Origin": origin} | ASKS)
    assert answer.status_code == {"GET": 200, "OPTIONS": 204}[method]
    assert not SHARED & set(answer.headers.keys())
    assert answer.headers["Vary"] == "Origin"


def test_a_company_without_pages_shares_with_none(client: CheckedClient, company: Company) -> None:
    for origin in (PAGE, "null", ""):
        assert _cors(client.get(f"/v1/public/{company.slug}", headers={"Origin": origin})) == {}


def test_a_program_gets_no_headers_for_browsers(client: CheckedClient, url: str) -> None:
    answer = client.get(url)
    assert (_cors(answer), answer.headers["Vary"]) == ({}, "Origin")


def test_a_page_of_another_company_may_not_read(
    client: CheckedClient, url: str, company: Company, neighbour: Company
) -> None:
    open_to(neighbour, "https://neighbour.test")
    assert _cors(client.get(url, headers={"Origin": "https://neighbour.test"})) == {}
    assert _cors(client.get(f"/v1/public/{neighbour.slug}", headers={"Origin": PAGE})) == {}


def test_a_preflight_says_what_may_be_sent(client: CheckedClient, url: str, services: Services) -> None:
    client.get("/healthz")
    with counted(services) as sent:
        answer = client.options(url, headers={"Origin": PAGE} | ASKS)
    assert len(sent) == 1
    assert (answer.status_code, answer.data, answer.headers["Vary"]) == (204, b"", "Origin")
    found = _cors(answer)
    assert found["Access-Control-Allow-Origin"] == PAGE
    assert _listed(found["Access-Control-Allow-Methods"]) >= {"GET", "HEAD"}
    assert _listed(found["Access-Control-Allow-Headers"]) == {
        "Content-Type",
        "Idempotency-Key",
        "X-Captcha-Token",
        "X-Request-Id",
    }
    assert found["Access-Control-Max-Age"] == "600"
    assert "Access-Control-Allow-Credentials" not in found


def test_problems_can_be_read_too(app: Flask, url: str) -> None:
    client = FlaskClient(app)
    for answer, status in (
        (client.get(f"{url}?x=1", headers={"Origin": PAGE}), 400),
        (client.get(f"{url}?x=1", headers={"Origin": "https://evil.example"}), 400),
    ):
        assert answer.status_code == status
        allowed = answer.request.headers["Origin"] == PAGE
        assert ("Access-Control-Allow-Origin" in answer.headers) is allowed
        assert answer.headers["Vary"] == "Origin"
        assert answer.headers["X-Request-Id"]


@pytest.mark.parametrize("method", ["GET", "OPTIONS"])
def test_a_company_that_is_not_there_shares_nothing(client: CheckedClient, url: str, method: str) -> None:
    answer = client.open("/v1/public/nobody", method=method, headers={"Origin": PAGE} | ASKS)
    assert (answer.status_code, _cors(answer), answer.headers["Vary"]) == (404, {}, "Origin")


@pytest.mark.parametrize("path", ["/v1/organization", "/v1/orders", "/v1/auth/login", "/healthz", "/v1/openapi.json"])
def test_nothing_else_is_shared(app: Flask, url: str, path: str) -> None:
    for method in ("GET", "OPTIONS"):
        assert _cors(FlaskClient(app).open(path, method=method, headers={"Origin": PAGE} | ASKS)) == {}
