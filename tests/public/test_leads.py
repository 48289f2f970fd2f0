"""Asking a company for work: what a stranger gets back, and what a captcha, a key and a browser have to do with it."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from flask.testing import FlaskClient

from shared.integrations.captcha.turnstile import TurnstileCaptcha
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.contract.statements import WRITE, counted
from tests.factories.catalog import INPUTS, make_estimate
from tests.factories.organizations import Company
from tests.public.offers import PAGE, open_to
from tests.rows import footprint, row, rows
from tests.sandbox_turnstile import SandboxTurnstile, captcha_settings
from tests.variants import client_on, with_settings

ANNA = {"name": "Anna Berg", "email": "anna@client.test", "notes": "Two cats"}


@pytest.fixture
def url(company: Company) -> str:
    open_to(company, PAGE)
    return f"/v1/public/{company.slug}/leads"


@pytest.fixture
def turnstile(sandbox_ports: dict[str, int]) -> Iterator[SandboxTurnstile]:
    found = SandboxTurnstile(sandbox_ports["http_port"])
    yield found
    found.fault("ok")


@pytest.fixture
def guarded(services: Services, turnstile: SandboxTurnstile) -> CheckedClient:
    """A client of an installation that asks for captchas."""
    changed = with_settings(services, **captcha_settings(turnstile))
    return client_on(replace(changed, captcha=TurnstileCaptcha(changed.settings)))


def _leads(company: Company) -> list[dict[str, Any]]:
    return rows("SELECT * FROM leads WHERE org_id = :org ORDER BY id", org=company.org_id)


def test_a_stranger_learns_the_identifier_and_the_state_and_no_more(
    client: CheckedClient, company: Company, url: str
) -> None:
    answer = client.post(url, json=ANNA)
    (lead,) = _leads(company)
    assert (answer.status_code, answer.get_json()) == (201, {"id": str(lead["id"]), "state": "new"})
    assert (lead["source"], lead["captcha"], lead["name"]) == ("public", "off", "Anna Berg")
    sql = "SELECT * FROM audit_entries WHERE org_id = :org AND resource_id = :id"
    entry = row(sql, org=company.org_id, id=lead["id"])
    assert (entry["action"], entry["actor_id"], entry["actor_label"]) == ("leads.create", None, "public")
    assert (entry["request_id"], entry["address"]) == (answer.headers["X-Request-Id"], "127.0.0.1")
    assert "Anna" not in str(entry)


def test_it_costs_at_most_eight_statements(
    client: CheckedClient, company: Company, url: str, services: Services
) -> None:
    estimate = row("SELECT * FROM estimates WHERE id = :id", id=make_estimate(company))
    body = ANNA | {"service_id": str(estimate["service_id"]), "estimate_id": str(estimate["id"])}
    client.get("/healthz")
    with counted(services) as sent:
        answer = client.post(url, json=body, headers={"Idempotency-Key": "counted"})
    assert answer.status_code == 201
    assert 0 < len(sent) <= WRITE, sent


def test_the_same_key_asks_once(client: CheckedClient, company: Company, url: str) -> None:
    headers = {"Idempotency-Key": "0199a000-0000-7000-8000-000000000001"}
    first, second = (client.post(url, json=ANNA, headers=headers) for _ in range(2))
    assert (second.status_code, second.get_json()) == (201, first.get_json())
    assert "Idempotent-Replayed" not in first.headers
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(_leads(company)) == 1
    other = client.post(url, json=ANNA | {"name": "Bo"}, headers=headers)
    assert (other.status_code, other.get_json()["code"]) == (422, "idempotency.key_reused")


def test_a_key_is_of_one_company_and_not_that_of_its_staff(
    client: CheckedClient, company: Company, neighbour: Company, url: str
) -> None:
    headers = {"Idempotency-Key": "the-same"}
    theirs = f"/v1/public/{neighbour.slug}/leads"
    answers = [
        client.post(url, json=ANNA, headers=headers),
        client.post(theirs, json=ANNA, headers=headers),
        client.post("/v1/leads", json=ANNA, headers=headers | company.headers()),
    ]
    assert [answer.status_code for answer in answers] == [201] * 3
    assert len({answer.get_json()["id"] for answer in answers}) == 3
    assert (len(_leads(company)), len(_leads(neighbour))) == (2, 1)


def test_a_token_that_is_good_lets_one_request_in(
    guarded: CheckedClient, company: Company, url: str, turnstile: SandboxTurnstile
) -> None:
    token = turnstile.solve("leads")
    answers = [guarded.post(url, json=ANNA, headers={"X-Captcha-Token": token}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [201, 400]
    assert answers[1].get_json()["code"] == "captcha.refused"
    assert [lead["captcha"] for lead in _leads(company)] == ["passed"]
    (check, _) = turnstile.checks(token)
    assert check["remote_ip"] == "127.0.0.1"


def test_who_has_no_good_token_leaves_nothing_behind(
    guarded: CheckedClient, company: Company, url: str, turnstile: SandboxTurnstile
) -> None:
    before = footprint(company.org_id)
    for headers in ({}, {"X-Captcha-Token": "forged"}, {"X-Captcha-Token": turnstile.solve("orders")}):
        answer = guarded.post(url, json=ANNA, headers=headers | {"Origin": PAGE})
        assert (answer.status_code, answer.get_json()["code"]) == (400, "captcha.refused")
        assert answer.headers["Access-Control-Allow-Origin"] == PAGE
    assert footprint(company.org_id) == before


def test_while_captchas_cannot_be_checked_nobody_is_let_in(
    guarded: CheckedClient, company: Company, url: str, turnstile: SandboxTurnstile
) -> None:
    before, token = footprint(company.org_id), turnstile.solve("leads")
    turnstile.fault("down", count=1)
    headers = {"X-Captcha-Token": token, "Origin": PAGE}
    answer = guarded.post(url, json=ANNA, headers=headers)
    assert (answer.status_code, answer.get_json()["code"]) == (503, "captcha.unavailable")
    assert (answer.headers["Retry-After"], answer.headers["Access-Control-Allow-Origin"]) == ("5", PAGE)
    assert footprint(company.org_id) == before
    assert guarded.post(url, json=ANNA, headers=headers).status_code == 201


def test_a_body_that_is_wrong_does_not_use_up_the_token(
    guarded: CheckedClient, url: str, turnstile: SandboxTurnstile
) -> None:
    headers = {"X-Captcha-Token": turnstile.solve("leads")}
    for body in ({}, ANNA | {"colour": "red"}, ANNA | {"email": "nobody"}, []):
        assert guarded.post(url, json=body, headers=headers).status_code == 422
    assert guarded.post(url, json=ANNA, headers=headers).status_code == 201


def test_a_company_that_is_not_there_uses_up_no_token(guarded: CheckedClient, turnstile: SandboxTurnstile) -> None:
    token = turnstile.solve("leads")
    assert guarded.post("/v1/public/nobody/leads", json=ANNA, headers={"X-Captcha-Token": token}).status_code == 404
    assert turnstile.checks(token) == []


def test_looking_estimating_and_preflights_need_no_captcha(guarded: CheckedClient, company: Company, url: str) -> None:
    estimate = row("SELECT * FROM estimates WHERE id = :id", id=make_estimate(company))
    base = f"/v1/public/{company.slug}"
    assert guarded.get(base).status_code == 200
    body = {"service_id": str(estimate["service_id"]), "inputs": INPUTS}
    answer = guarded.post(f"{base}/estimates", json=body)
    assert (answer.status_code, answer.get_json()["total"]["amount"]) == (201, estimate["total_amount"])
    asks = {"Origin": PAGE, "Access-Control-Request-Method": "POST"}
    answer = guarded.options(url, headers=asks)
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (204, PAGE)
    assert "POST" in answer.headers["Access-Control-Allow-Methods"]


def test_staff_needs_no_captcha(guarded: CheckedClient, company: Company) -> None:
    assert guarded.post("/v1/leads", json=ANNA, headers=company.headers()).status_code == 201


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        ({"data": b"{" + b" " * 1_100_000 + b"}", "content_type": "application/json"}, 413, "request.too_large"),
        ({"data": b"{nonsense", "content_type": "application/json"}, 400, "request.bad_json"),
        ({"data": b"\xff\xfe", "content_type": "application/json"}, 400, "request.bad_json"),
        ({"data": b"a=b", "content_type": "application/x-www-form-urlencoded"}, 415, "request.media_type"),
        ({"data": b"{}", "content_type": "text/plain"}, 415, "request.media_type"),
        ({"json": ANNA | {"source": "staff"}}, 422, "request.invalid"),
        ({"json": ANNA | {"state": "won"}}, 422, "request.invalid"),
        ({"json": ANNA | {"captcha": "passed"}}, 422, "request.invalid"),
        ({"json": ANNA | {"name": "x" * 10_000}}, 422, "request.invalid"),
        ({"json": ANNA, "query_string": {"x": "1"}}, 400, "request.bad_query"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_is_refused_and_the_page_can_read_why(
    client: CheckedClient, company: Company, url: str, sent: dict[str, Any], status: int, code: str
) -> None:
    before = footprint(company.org_id)
    answer = client.post(url, **sent, headers={"Origin": PAGE})
    assert (answer.status_code, answer.get_json()["code"]) == (status, code)
    assert (answer.headers["Access-Control-Allow-Origin"], answer.headers["Vary"]) == (PAGE, "Origin")
    assert footprint(company.org_id) == before


def test_who_crashes_the_server_can_read_that_too(
    client: CheckedClient, company: Company, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def crash(*_: Any, **__: Any) -> None:
        raise RuntimeError("a fault of ours")

    monkeypatch.setattr("api.public.routes.new_lead", crash)
    plain = FlaskClient(client.application)  # the contract describes no 500
    answer = plain.post(url, json=ANNA, headers={"Origin": PAGE})
    assert (answer.status_code, answer.headers["Access-Control-Allow-Origin"]) == (500, PAGE)
