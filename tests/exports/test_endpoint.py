"""The company's own webhook endpoint: set, rotated, removed, enabled; secrets are shown once."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from shared.core.permissions import Role
from shared.core.sealing import unseal
from tests.checked_client import CheckedClient
from tests.factories.exports import OLD_SECRET, SECRET, URL, make_endpoint
from tests.factories.organizations import Company
from tests.jobs_probe import JobsProbe
from tests.rows import footprint, row, rows
from tests.variants import client_on, with_settings

AUDITED = "SELECT action, after, a::text AS whole FROM audit_entries AS a WHERE org_id = :org ORDER BY id"
CURRENT = "/v1/webhook-endpoints/current"
WELL = {"state": "active", "failures": 0, "rests_until": None, "disabled_reason": None, "last_error": None}
UNWELL: dict[str, Any] = {
    "state": "disabled",
    "disabled_reason": "410 Gone",
    "disabled_at": datetime.now(UTC),
    "failures": 7,
    "failing_since": datetime.now(UTC) - timedelta(hours=1),
    "rests_until": datetime.now(UTC) + timedelta(hours=1),
    "last_error": "410 Gone",
}


def _row(company: Company) -> dict[str, Any]:
    return row("SELECT * FROM webhook_endpoints WHERE org_id = :org", org=company.org_id)


def _put(client: CheckedClient, company: Company, url: str = URL, **headers: str) -> Any:
    return client.put(CURRENT, json={"url": url}, headers=company.headers() | headers)


def test_without_any_target_events_wait(client: CheckedClient, company: Company) -> None:
    answer = client.get(CURRENT, headers=company.headers())
    found = answer.get_json()
    assert {name: found[name] for name in ("source", "url", "host", "version")} == {
        "source": "none",
        "url": None,
        "host": None,
        "version": 1,
    }
    assert answer.headers["ETag"] == '"v1"'
    assert rows("SELECT 1 FROM webhook_endpoints WHERE org_id = :org", org=company.org_id) == []


def test_of_the_installations_target_the_host_is_shown_only(company: Company) -> None:
    url = "https://user:pass@hooks.installation.test:8443/secret/path?token=1"
    secret = SecretStr(SECRET)
    client = client_on(with_settings(company.services, export_webhook_url=url, export_webhook_secret=secret))
    answer = client.get(CURRENT, headers=company.headers())
    found = answer.get_json()
    assert (found["source"], found["url"], found["host"]) == ("installation", None, "hooks.installation.test:8443")
    assert not any(word in answer.get_data(as_text=True) for word in ("pass", "secret/path", "token", SECRET))


def test_the_first_time_a_secret_is_made_and_shown_this_once(
    client: CheckedClient, company: Company, jobs: JobsProbe
) -> None:
    answer = _put(client, company)
    made = answer.get_json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert made["secret"].startswith("whsec_")
    assert len(base64.b64decode(made["secret"].removeprefix("whsec_"))) >= 24
    assert (made["source"], made["url"], made["host"]) == ("own", URL, "hooks.example.com")
    assert unseal(company.services.settings, _row(company)["sealed_secret"]) == made["secret"]
    assert jobs.enqueued() == [("exports.deliver", {"org_id": str(company.org_id)})]
    read = client.get(CURRENT, headers=company.headers())
    assert "secret" not in read.get_json()
    assert made["secret"] not in read.get_data(as_text=True)
    assert read.headers["ETag"] == answer.headers["ETag"]
    assert _put(client, company, f"{URL}/2", **{"If-Match": "*"}).get_json()["secret"] is None


def test_over_an_existing_url_the_version_is_asked_for(client: CheckedClient, company: Company) -> None:
    first = _put(client, company).headers["ETag"]
    before = _row(company)
    assert _put(client, company, f"{URL}/2").status_code == 428
    assert _put(client, company, f"{URL}/2", **{"If-Match": '"v99"'}).status_code == 412
    assert _row(company) == before
    assert _put(client, company, f"{URL}/2", **{"If-Match": first}).status_code == 200
    assert _put(client, company, f"{URL}/3", **{"If-Match": first}).status_code == 412
    assert _row(company)["url"] == f"{URL}/2"


def test_what_was_read_without_a_row_may_be_named_when_the_first_url_is_set(
    client: CheckedClient, company: Company
) -> None:
    read = client.get(CURRENT, headers=company.headers()).headers["ETag"]
    assert _put(client, company, **{"If-Match": read}).status_code == 200


def test_another_url_is_another_target_and_the_same_one_changes_nothing(
    client: CheckedClient, company: Company
) -> None:
    make_endpoint(company, **UNWELL)
    company.headers()
    before = footprint(company.org_id)
    same = _put(client, company, **{"If-Match": "*"}).get_json()
    assert (same["state"], same["failures"], same["version"]) == ("disabled", 7, 1)
    assert footprint(company.org_id) == before
    other = _put(client, company, f"{URL}/2", **{"If-Match": "*"}).get_json()
    assert {name: other[name] for name in WELL} == WELL
    assert _row(company)["failing_since"] is None
    assert (other["version"], other["secret"]) == (2, None)
    assert unseal(company.services.settings, _row(company)["sealed_secret"]) == SECRET


def test_a_rotated_secret_signs_for_a_day_more_and_the_one_before_it_never(
    client: CheckedClient, company: Company
) -> None:
    hour = timedelta(hours=1)
    now = datetime.now(UTC)
    make_endpoint(company, previous_secret=OLD_SECRET, previous_secret_until=now + hour, failing_since=now - hour)
    answer = client.post(f"{CURRENT}/rotate-secret", headers=company.headers())
    made, kept, settings = answer.get_json()["secret"], _row(company), company.services.settings
    assert answer.headers["Cache-Control"] == "no-store"
    assert made not in {SECRET, OLD_SECRET, None}
    assert unseal(settings, kept["sealed_secret"]) == made
    assert unseal(settings, kept["sealed_previous_secret"]) == SECRET
    assert kept["failing_since"] is None, "it may have failed because of the secret"
    left = kept["previous_secret_until"] - datetime.now(UTC)
    assert timedelta(hours=23, minutes=59) < left <= timedelta(hours=24)
    again = client.post(f"{CURRENT}/rotate-secret", headers=company.headers()).get_json()
    assert again["secret"] != made
    assert unseal(settings, _row(company)["sealed_previous_secret"]) == made
    assert again["version"] == 3


def test_without_a_url_of_its_own_there_is_no_secret_to_rotate(client: CheckedClient, company: Company) -> None:
    answer = client.post(f"{CURRENT}/rotate-secret", headers=company.headers())
    assert (answer.status_code, answer.get_json()["code"]) == (409, "webhook_endpoints.none")


def test_removing_forgets_url_and_secrets_and_is_harmless_twice(client: CheckedClient, company: Company) -> None:
    make_endpoint(company, previous_secret=OLD_SECRET, previous_secret_until=datetime.now(UTC), **UNWELL)
    assert client.delete(CURRENT, headers=company.headers()).status_code == 204
    kept = _row(company)
    gone = ("url", "sealed_secret", "sealed_previous_secret", "previous_secret_until", "disabled_at", "rests_until")
    assert [kept[name] for name in gone] == [None] * len(gone)
    assert (kept["state"], kept["failures"], kept["version"]) == ("active", 0, 2)
    before = footprint(company.org_id)
    assert client.delete(CURRENT, headers=company.headers()).status_code == 204
    assert _row(company) == kept
    assert footprint(company.org_id)["audit_entries"] == before["audit_entries"]
    assert _put(client, company).get_json()["secret"] is not None


def test_enabling_lets_what_waits_go_out(client: CheckedClient, company: Company, jobs: JobsProbe) -> None:
    make_endpoint(company, **UNWELL)
    found = client.post(f"{CURRENT}/enable", headers=company.headers()).get_json()
    assert {name: found[name] for name in WELL} == WELL
    assert found["url"] == URL
    assert jobs.enqueued() == [("exports.deliver", {"org_id": str(company.org_id)})]


def test_the_audit_log_has_names_and_no_values(client: CheckedClient, company: Company) -> None:
    made = _put(client, company).get_json()["secret"]
    rotated = client.post(f"{CURRENT}/rotate-secret", headers=company.headers()).get_json()["secret"]
    client.post(f"{CURRENT}/enable", headers=company.headers())
    client.delete(CURRENT, headers=company.headers())
    entries = rows(
        "SELECT action, after, a::text AS whole FROM audit_entries AS a WHERE org_id = :org ORDER BY id",
        org=company.org_id,
    )
    told = [entry for entry in entries if entry["action"].startswith("webhook_endpoints.")]
    assert [(entry["action"].partition(".")[2], entry["after"]["changed"]) for entry in told] == [
        ("set", ["url", "sealed_secret"]),
        ("rotate_secret", ["sealed_secret"]),
        ("enable", ["state"]),
        ("remove", ["url", "sealed_secret"]),
    ]
    assert not any(value in entry["whole"] for entry in told for value in (made, rotated, URL))


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("http://hooks.example.com/", "webhooks.forbidden_target"),
        ("https://10.0.0.1/", "webhooks.forbidden_target"),
        ("https://169.254.169.254/latest/meta-data", "webhooks.forbidden_target"),
        ("https://user:password@hooks.example.com/", "webhooks.url"),
        ("https://hooks.example.com:22/", "webhooks.forbidden_target"),
        ("hooks.example.com", "webhooks.url"),
    ],
)
def test_a_url_that_would_never_be_sent_to_is_refused(
    client: CheckedClient, company: Company, url: str, code: str
) -> None:
    answer = _put(client, company, url)
    problem = answer.get_json()
    assert (answer.status_code, problem["code"]) == (422, code)
    assert [(error["pointer"], error["code"]) for error in problem["errors"]] == [("/url", code)]
    assert rows("SELECT 1 FROM webhook_endpoints WHERE org_id = :org", org=company.org_id) == []


@pytest.mark.parametrize("role", [role for role in Role if role not in {Role.OWNER, Role.ADMIN}])
def test_others_neither_see_nor_change_it(client: CheckedClient, company: Company, role: Role) -> None:
    make_endpoint(company)
    headers, before = company.headers(role), _row(company)
    calls = [("GET", CURRENT), ("PUT", CURRENT), ("DELETE", CURRENT)]
    calls += [("POST", f"{CURRENT}/{verb}") for verb in ("rotate-secret", "enable")]
    for method, path in calls:
        body = {"json": {"url": URL}} if method == "PUT" else {}
        assert client.open(path, method=method, headers=headers, **body).status_code == 403
    assert _row(company) == before


def test_a_company_has_its_own_and_touches_no_other(
    client: CheckedClient, company: Company, neighbour: Company
) -> None:
    make_endpoint(neighbour)
    before = footprint(neighbour.org_id)
    assert client.get(CURRENT, headers=company.headers()).get_json()["source"] == "none"
    _put(client, company, f"{URL}/mine")
    client.post(f"{CURRENT}/rotate-secret", headers=company.headers())
    client.post(f"{CURRENT}/enable", headers=company.headers())
    client.delete(CURRENT, headers=company.headers())
    assert footprint(neighbour.org_id) == before


def test_the_last_error_shows_no_secret(client: CheckedClient, company: Company) -> None:
    error = f"https://me:pw@hooks.example.com/T0/B0/xoxb?key=1 said: bad signature for {SECRET}, v1,{'A' * 44}"
    make_endpoint(company, last_error=error)
    shown = client.get(CURRENT, headers=company.headers()).get_json()["last_error"]
    assert shown == "https://hooks.example.com said: bad signature for (secret), (secret)"
