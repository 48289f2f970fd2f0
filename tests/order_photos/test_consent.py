"""Photos need the client's consent, or a reason of dispatch."""

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.order_photos import files_of
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.order_photos.steps import upload
from tests.rows import row, rows


def test_without_consent_nobody_takes_a_photo(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company, photo_consent=False)
    refused = upload(client, company, order_id)
    assert refused.status_code == 409
    assert refused.get_json()["code"] == "order_photos.consent_required"
    assert upload(client, company, order_id, consent_override=" ").status_code == 422
    assert files_of(company) == []
    assert rows("SELECT 1 FROM order_photos WHERE org_id = :org", org=company.org_id) == []


def test_dispatch_gives_a_reason_which_is_kept_with_the_photo_and_not_in_the_log(
    client: CheckedClient, company: Company
) -> None:
    order_id, reason = make_order(company, photo_consent=False), "Damage found, client told by phone"
    headers = company.headers(Role.DISPATCHER)
    allowed = upload(client, company, order_id, headers=headers, consent_override=reason)
    assert allowed.status_code == 201
    photo_id = allowed.get_json()["id"]
    assert row("SELECT consent_override FROM order_photos WHERE id = :id", id=photo_id) == {"consent_override": reason}
    entries = rows("SELECT * FROM audit_entries WHERE org_id = :org", org=company.org_id)
    (entry,) = [entry for entry in entries if entry["action"] == "order_photos.upload"]
    assert entry["after"] == {"order_id": str(order_id), "phase": "after", "consent_overridden": True}
    assert "Damage" not in str(entries)


def test_a_reason_that_nobody_needed_is_not_kept(client: CheckedClient, company: Company) -> None:
    photo_id = upload(client, company, make_order(company), consent_override="To be sure").get_json()["id"]
    assert row("SELECT consent_override FROM order_photos WHERE id = :id", id=photo_id) == {"consent_override": None}
    entry = row("SELECT after FROM audit_entries WHERE resource_id = :id", id=photo_id)
    assert entry["after"]["consent_overridden"] is False


def test_of_a_client_who_was_erased_nobody_takes_a_photo(client: CheckedClient, company: Company) -> None:
    order_id = make_order(company)
    reason = {"reason": "They have moved"}
    assert client.post(f"/v1/orders/{order_id}/cancel", json=reason, headers=company.headers()).status_code == 200
    erased = client.post(f"/v1/clients/{company.client_id}/erase", json={"reason": "asked"}, headers=company.headers())
    assert erased.status_code == 200
    refused = upload(client, company, order_id, consent_override="They will not mind")
    assert (refused.status_code, refused.get_json()["code"]) == (409, "clients.erased")
    assert files_of(company) == []
