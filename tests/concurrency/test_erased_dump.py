"""A person who has touched everything is erased: `pg_dump` of the whole database does not know them any more, in any
spelling, and knows everything about the others."""

import json
import re
import subprocess
import unicodedata
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from flask.testing import FlaskClient

from ops.quickstart import binaries
from shared.core.tenancy import PLATFORM
from shared.core.transaction import transaction
from shared.exports import service as exports
from shared.exports.model import WebhookEndpoint
from shared.job_runs.model import JobRun
from shared.stripe_events.model import StripeEvent
from shared.wiring import Services
from tests.factories.clients import make_address, make_client
from tests.factories.leads import make_lead
from tests.factories.messages import make_sent, make_suppression
from tests.factories.order_photos import make_photo
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.factories.privacy import make_client_export
from tests.factories.stripe_events import payment_event
from tests.jobs_probe import JobsProbe
from tests.privacy.conftest import EMAIL, NAME, PHONE, STREET, Known, make_known
from tests.retention.steps import add, execute
from tests.servers import Addresses

NFD = unicodedata.normalize("NFD", "Quïrina Xÿlander")
AS_TYPED = "(403) 555-0199"
TRACES = re.compile(r"quirina|xylander|zanzibar|zinnia|403\D{0,3}555\D{0,3}0199")
OTHER = re.compile(r"ottilie|brandt|403\D{0,3}555\D{0,3}0188|birkenweg")
SAID = f'{{"name": "{NAME.upper()}", "phone": "{AS_TYPED}", "escaped": "Qu\\u0069rina Xyl\\u0061nder"}}'


def folded(text: str) -> str:
    """In one spelling: JSON's escapes undone, without accents and case."""
    plain = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), text)
    return "".join(each for each in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(each)).casefold()


def dump(addresses: Addresses, services: Services) -> list[str]:
    """Each row of each table of the database as pg_dump writes it, folded."""
    database = services.settings.database_url.get_secret_value().rpartition("/")[2].partition("?")[0]
    dsn = addresses.superuser_dsn.replace("/postgres?", f"/{database}?")
    command = [str(binaries.postgres_bin() / "pg_dump"), "--data-only", "--dbname", dsn]
    written = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    table, found = "", []
    for line in written.splitlines():
        if line.startswith("COPY "):
            table = line.split()[1].removeprefix("public.")
        elif table and line == "\\.":
            table = ""
        elif table:
            found.append(f"{table}\t{folded(line)}")
    assert len({line.partition("\t")[0] for line in found}) > 30
    return found


def tables_with(pattern: re.Pattern[str], lines: list[str]) -> set[str]:
    return {line.partition("\t")[0] for line in lines if pattern.search(line)}


def stripe_event(company: Company, order_id: UUID, kind: str, details: dict[str, Any]) -> None:
    """An event that is handled, whole."""
    event = payment_event(company, order_id, intent=details, type=kind)
    event["data"]["previous_attributes"] = details
    now = datetime.now(UTC)
    with transaction(PLATFORM) as session:
        row = {"type": kind, "payload": event, "state": "handled", "created_at": now, "received_at": now}
        session.add(StripeEvent(id=f"{event['id']}_{company.slug}_{kind}", **row, last_error=json.dumps(details)))


def pay(company: Company, order_id: UUID, name: str, email: str, phone: str, street: str) -> None:
    """What Stripe tells of one payment, as it names the payer."""
    who = {"name": name, "email": email, "phone": phone, "address": {"line1": street, "city": "Calgary"}}
    intent = f"pi_{order_id}"
    told: list[tuple[str, dict[str, Any]]] = [
        ("payment_intent.succeeded", {"id": intent, "receipt_email": email, "shipping": who, "description": name}),
        ("payment_intent.payment_failed", {"id": f"{intent}_2", "last_payment_error": {"message": name}}),
        ("charge.refunded", {"id": "ch_1", "payment_intent": intent, "billing_details": who, "metadata": {}}),
        ("charge.dispute.created", {"id": "dp_1", "payment_intent": intent, "evidence": who, "metadata": None}),
        ("checkout.session.expired", {"id": "cs_1", "payment_intent": None, "customer_details": who, "url": name}),
        ("checkout.session.completed", {"id": "cs_2", "payment_intent": intent, "customer_email": email}),
    ]
    for kind, details in told:
        stripe_event(company, order_id, kind, details)


def touch_everything(client: FlaskClient, company: Company, known: Known, jobs: JobsProbe) -> None:
    """Let the person be written where `make_known` does not write them."""
    headers = company.headers()
    copy = make_client_export(company, known.client_id)
    jobs.run("privacy.collect", {"org_id": str(company.org_id), "client_export_id": str(copy)})
    make_suppression(company, EMAIL, detail=SAID)
    make_lead(company, name=NFD, email=EMAIL.upper(), phone=None, notes=AS_TYPED)
    answers = (
        ("/v1/leads", {"name": NFD, "email": EMAIL, "phone": PHONE}),
        (
            f"/v1/clients/{known.client_id}/addresses",
            {"address": STREET},
        ),
    )
    for number, (path, body) in enumerate(answers):
        answer = client.post(path, json=body, headers=headers | {"Idempotency-Key": f"erased-{number}"})
        assert answer.status_code == 201
    now, org = datetime.now(UTC), company.org_id
    execute(
        "INSERT INTO idempotency_keys (org_id, user_id, key, fingerprint, status, body, created_at)"
        " VALUES (:org, :org, 'nested', '', 201, CAST(:body AS jsonb), :now)",
        org=org,
        body={"data": [{"address": EMAIL.upper()}]},
        now=now,
    )
    for state in ("ready", "writing", "queued"):
        file_id = add(
            "csv_files",
            org_id=org,
            kind="orders",
            filters={},
            state=state,
            rows=1,
            bytes=9,
            created_at=now,
        )
        execute(
            "INSERT INTO csv_file_parts VALUES (:org, :id, 0, convert_to(:said, 'UTF8'))",
            org=org,
            id=file_id,
            said=SAID,
        )
    with transaction(company.scope) as session:
        exports.record(session, company.owner, "order.completed", known.order_id, {"said": SAID}, now=now)
        session.add(WebhookEndpoint(org_id=org, last_error=SAID, created_at=now, updated_at=now))
        session.add(
            JobRun(org_id=org, job="webhook_drill", state="failed", details={"a": SAID}, asked={"q": NAME}, error=SAID)
        )
    execute("UPDATE exports SET last_error = :said WHERE resource_id = :id", said=SAID, id=known.order_id)
    pay(company, known.order_id, NAME, EMAIL.upper(), AS_TYPED, STREET)


@pytest.fixture
def other(company: Company) -> UUID:
    """Somebody else of whom everything is to stay."""
    name, email, phone = "Ottilie Brandt", "ottilie@brandt.test", "+14035550188"
    client_id = make_client(company, name=name, email=email, phone=phone, notes=name)
    make_address(company, client_id, address="3 Birkenweg")
    make_lead(company, name=name, email=email, phone=phone, address="3 Birkenweg", notes=name)
    order_id = set_order_state(company, make_order(company, client_id=client_id, title=f"For {name}"), "completed")
    make_photo(company, order_id)
    make_sent(company, to=email, about=order_id, client_name=name)
    make_suppression(company, email, detail=name)
    with transaction(company.scope) as session:
        exports.record(session, company.owner, "order.created", order_id, {"client": name}, now=datetime.now(UTC))
    pay(company, order_id, name, email, phone, "3 Birkenweg")
    return client_id


def test_a_dump_does_not_know_who_was_erased_and_knows_all_others(
    client: FlaskClient, company: Company, other: UUID, services: Services, addresses: Addresses, jobs: JobsProbe
) -> None:
    known = make_known(company)
    touch_everything(client, company, known, jobs)
    before = dump(addresses, services)
    assert tables_with(TRACES, before) >= {
        "client_addresses",
        "client_exports",
        "client_terms",
        "clients",
        "exports",
        "idempotency_keys",
        "job_runs",
        "leads",
        "mail_suppressions",
        "messages",
        "occurrences",
        "order_photos",
        "orders",
        "recurrences",
        "stripe_events",
        "time_entries",
        "webhook_endpoints",
    }
    assert any(line.startswith("csv_file_parts") and str(company.org_id) in line for line in before)
    answer = client.post(f"/v1/clients/{known.client_id}/erase", json={"reason": "asked"}, headers=company.headers())
    assert answer.status_code == 200, answer.get_data(as_text=True)
    after = dump(addresses, services)
    assert [line for line in after if TRACES.search(line)] == []
    assert not any(line.startswith("csv_file_parts") and str(company.org_id) in line for line in after)
    hers = [line for line in before if OTHER.search(line)]
    assert tables_with(OTHER, before) >= {"clients", "leads", "messages", "stripe_events", "exports", "orders"}
    assert sorted(line for line in after if OTHER.search(line)) == sorted(hers)
    kept = {"id": f"pi_{known.order_id}", "amount": 12900, "amount_received": 12900, "currency": "cad"}
    intents = [json.loads(line.split("\t")[4]) for line in after if line.startswith("stripe_events\t")]
    assert any(kept.items() <= payload["data"]["object"].items() for payload in intents)
