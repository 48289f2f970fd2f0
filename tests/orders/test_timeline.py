"""The timeline of an order: did Anna get her mail?"""

from datetime import UTC, datetime
from typing import Any

import pytest

from shared.core.permissions import Role
from tests.checked_client import CheckedClient
from tests.factories.messages import VARIABLES, change_message, make_message
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.rows import row

TOLD = datetime(2026, 11, 27, 15, 40, tzinfo=UTC)
SENT = {"state": "sent", "sent_at": TOLD, "attempts": 1}
SUMMARIES: dict[str, tuple[dict[str, Any], str]] = {
    "queued": ({"state": "queued"}, "Waiting to be sent."),
    "sending": ({"state": "sending"}, "Being sent at this moment."),
    "retrying": (
        {"state": "retrying", "next_attempt_at": TOLD, "last_error": "451 later"},
        "Waiting: next try at 2026-11-27 15:40 UTC; the last one: 451 later",
    ),
    "sent": (SENT, "Taken by the mail server at 2026-11-27 15:40 UTC."),
    "delivered": (SENT | {"delivery": "delivered"}, "Taken by the mail server at 2026-11-27 15:40 UTC; delivered."),
    "bounced": (
        SENT | {"delivery": "bounced", "delivery_detail": "550 no such user."},
        "Taken by the mail server at 2026-11-27 15:40 UTC; it came back: 550 no such user.",
    ),
    "deferred": (
        SENT | {"delivery": "deferred", "delivery_detail": "{0} 421"},
        "Taken by the mail server at 2026-11-27 15:40 UTC; the recipient's server lets it wait: {0} 421.",
    ),
    "dropped": (
        SENT | {"delivery": "dropped"},
        "Taken by the mail server at 2026-11-27 15:40 UTC; it was not passed on.",
    ),
    "complained": (
        SENT | {"delivery": "complained"},
        "Taken by the mail server at 2026-11-27 15:40 UTC; delivered, and reported as spam.",
    ),
    "dead": ({"state": "dead", "last_error": "550 no such user"}, "Given up: 550 no such user"),
    "suppressed": ({"state": "suppressed", "last_error": "bounced"}, "Not sent: mails to the address came back."),
}


@pytest.mark.parametrize(("values", "summary"), SUMMARIES.values(), ids=SUMMARIES.keys())
def test_the_timeline_says_what_became_of_a_mail(
    client: CheckedClient, company: Company, values: dict[str, Any], summary: str
) -> None:
    order_id = make_order(company)
    message_id = change_message(company, make_message(company, about=order_id), **values)
    answer = client.get(f"/v1/orders/{order_id}/timeline", headers=company.headers(Role.VIEWER))
    told = answer.get_json()["data"][-1]
    assert (told["kind"], told["event"], told["by"]) == ("message", "order_confirmed", None)
    kept = row("SELECT * FROM messages WHERE id = :id", id=message_id)
    plain = ("recipient", "state", "attempts", "last_error", "provider_id", "delivery", "delivery_detail")
    times = ("sent_at", "next_attempt_at", "delivery_at")
    assert set(told["details"]) == {*plain, *times, "message_id", "summary"}
    assert {name: told["details"][name] for name in plain} == {name: kept[name] for name in plain}
    assert [bool(told["details"][name]) for name in times] == [kept[name] is not None for name in times]
    assert told["details"]["summary"] == summary
    assert VARIABLES["address"] not in answer.get_data(as_text=True).partition('"kind":"message"')[2]
