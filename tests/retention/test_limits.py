"""How old is old: each kind of row at its limit, a second before it, and by an organization's own choice."""

from datetime import timedelta
from typing import Any

import pytest

from shared.core.transaction import read_only
from shared.retention import forgetting
from shared.retention.categories import CATEGORIES
from shared.wiring import Services
from tests.checked_client import CheckedClient
from tests.factories.messages import change_message, make_dead, make_message
from tests.factories.order_photos import make_photo
from tests.factories.order_states import set_order_state
from tests.factories.orders import make_order
from tests.factories.organizations import Company
from tests.retention import aged, steps
from tests.retention.aged import CASES, is_left
from tests.retention.steps import ago
from tests.rows import footprint, row, rows

MINUTE = 60.0
"""What a test may take at most."""


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_is_exactly_as_old_goes_and_what_is_a_second_younger_stays(company: Company, case: Any) -> None:
    name, _, _, make = case
    (category,) = [each for each in CATEGORIES if each.name == name]
    before = ago(3000)
    make(company, before)
    make(company, before + timedelta(seconds=1))
    for edge, expected in ((before - timedelta(microseconds=1), 0), (before, 1), (before + timedelta(seconds=1), 2)):
        with read_only(company.scope) as connection:
            looked = forgetting.count(connection, category, company.org_id, before=edge, after=None)
        assert looked.forgotten == expected


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_at_its_limit_it_goes_and_a_little_before_it_stays(company: Company, neighbour: Company, case: Any) -> None:
    category, table, days, make = case
    old, young = make(company, ago(days)), make(company, ago(days, seconds=-MINUTE))
    theirs = make(neighbour, ago(days))
    before = footprint(neighbour.org_id)
    assert steps.counts(company, dry_run=True) == {category: 1}
    assert (is_left(table, old), is_left(table, young)) == (True, True)
    assert steps.counts(company) == {category: 1}
    assert (is_left(table, old), is_left(table, young), is_left(table, theirs)) == (False, True, True)
    assert footprint(neighbour.org_id) == before
    assert steps.counts(company) == {}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_what_was_removed_is_written_down(company: Company, case: Any) -> None:
    category, _, days, make = case
    make(company, ago(days + 1))
    steps.run(company)
    entry = row("SELECT * FROM audit_entries WHERE action = 'retention.forget' AND org_id = :o", o=company.org_id)
    assert (entry["resource_id"], entry["actor_label"]) == (company.org_id, "retention")
    assert (entry["after"]["category"], entry["after"]["removed"]) == (category, 1)


def test_a_dry_run_leaves_no_trace_but_itself(company: Company) -> None:
    for _, _, days, make in CASES.values():
        make(company, ago(days + 1))
    before = footprint(company.org_id)
    found = steps.counts(company, dry_run=True)
    assert sum(found.values()) == len(CASES)
    after = footprint(company.org_id)
    assert {table for table in before if before[table] != after[table]} == {"job_runs"}
    assert steps.counts(company) == found


@pytest.mark.parametrize(
    ("chosen", "case"),
    [
        ("lead_days", "a lead that is lost"),
        ("message_days", "a mail that was sent"),
        ("export_days", "an event that was delivered"),
        ("session_days", "a session that was ended"),
        ("session_days", "a file that has expired"),
        ("photo_days", "a photo of an order that is over"),
    ],
)
def test_an_organization_may_choose_less(company: Company, neighbour: Company, chosen: str, case: str) -> None:
    category, _, _, make = CASES[case]
    for each in (company, neighbour):
        make(each, ago(5))
    steps.choose(company, **{chosen: 5})
    steps.choose(neighbour, **{chosen: 6})
    assert steps.counts() == {category: 1}
    assert steps.counts(neighbour) == {}


def test_a_choice_that_has_become_longer_than_the_installations_is_not_in_force(
    company: Company, services: Services
) -> None:
    steps.choose(company, export_days=20)
    steps.configure(services, retention_export_days=10)
    aged.export(company, ago(11))
    assert steps.counts(company) == {"exports": 1}


def test_photos_go_where_the_organization_wants_it_and_the_installation_keeps_them(
    company: Company, neighbour: Company, services: Services
) -> None:
    steps.configure(services, retention_photo_days=0)
    for each in (company, neighbour):
        aged.photo(each, ago(5000))
    steps.choose(company, photo_days=100)
    assert steps.counts() == {"photos": 1}


def test_leads_stay_where_the_installation_removes_none(company: Company, services: Services) -> None:
    steps.configure(services, retention_enable_leads=False)
    aged.lost_lead(company, ago(5000))
    steps.choose(company, lead_days=1)
    assert steps.counts(company, dry_run=True) == steps.counts(company) == {}


@pytest.mark.parametrize("state", ["queued", "sending", "retrying"])
def test_a_mail_that_is_owed_is_not_forgotten(company: Company, state: str) -> None:
    message = change_message(company, make_message(company), state=state, created_at=ago(1000))
    assert steps.counts(company) == {}
    assert is_left("messages", message)


def test_a_mail_keeps_who_got_it_when(company: Company) -> None:
    message = aged.message(company, ago(100))
    kept = ("recipient", "kind", "state", "sent_at", "dedupe_key", "resource_id")
    before = row("SELECT * FROM messages WHERE id = :id", id=message)
    change_message(company, message, delivery="bounced", delivery_detail="550 Anna has left")
    assert steps.counts(company) == {"messages": 1}
    after = row("SELECT * FROM messages WHERE id = :id", id=message)
    assert {name: after[name] for name in kept} == {name: before[name] for name in kept}
    assert (after["variables"], after["delivery_detail"], after["delivery"]) == ({}, None, "bounced")


def test_a_mail_that_was_given_up_says_so_and_is_not_sent_again(client: CheckedClient, company: Company) -> None:
    message = steps.set_age("messages", make_dead(company), created_at=ago(100))
    assert steps.counts(company) == {"messages": 1}
    seen = client.get(f"/v1/admin/messages/{message}", headers=company.headers()).get_json()
    assert seen["summary"] == "Given up; why is forgotten."
    refused = client.post(f"/v1/admin/messages/{message}/replay", headers=company.headers())
    assert (refused.status_code, refused.get_json()["code"]) == (409, "messages.forgotten")


def test_why_a_mail_was_kept_from_its_recipient_stays(company: Company) -> None:
    message = aged.message(company, ago(100))
    change_message(company, message, state="suppressed", last_error="unsubscribed", variables={})
    assert steps.counts(company) == {}
    assert row("SELECT last_error FROM messages WHERE id = :id", id=message)["last_error"] == "unsubscribed"


@pytest.mark.parametrize("state", ["pending", "delivering", "retrying"])
def test_an_event_that_is_owed_is_not_removed(company: Company, state: str) -> None:
    aged.export(company, ago(1000), state=state, delivered_at=None)
    assert steps.counts(company) == {}


def test_an_event_that_was_given_up_and_delivered_after_all_counts_from_then(company: Company) -> None:
    aged.export(company, ago(100), dead_at=ago(90), delivered_at=ago(29))
    assert steps.counts(company) == {}


def test_a_lead_that_an_order_came_of_stays(company: Company) -> None:
    linked, won, free = (aged.lost_lead(company, ago(400)) for _ in range(3))
    steps.set_age("orders", make_order(company), lead_id=linked)
    steps.set_age("leads", won, state="won")
    assert steps.counts(company, dry_run=True) == steps.counts(company) == {"leads": 1}
    assert [is_left("leads", each) for each in (linked, won, free)] == [True, True, False]


def test_the_address_that_a_removed_lead_gave_is_forgotten_everywhere(company: Company) -> None:
    lead = aged.lead(company, ago(400))
    execute = "UPDATE messages SET state = 'sent', next_attempt_at = NULL WHERE resource_id = :id"
    steps.execute(execute, id=lead)
    email = row("SELECT email FROM leads WHERE id = :id", id=lead)["email"]
    steps.run(company)
    (mail,) = rows("SELECT recipient FROM messages WHERE resource_id = :id", id=lead)
    assert mail["recipient"] == "Erased" != email


@pytest.mark.parametrize("state", ["pending", "confirmed", "in_progress"])
def test_photos_of_an_order_that_is_not_over_stay(company: Company, state: str) -> None:
    aged.photo(company, ago(5000), order_state=state)
    assert steps.counts(company) == {}


def test_a_photo_counts_from_the_later_of_itself_and_the_end_of_its_order(company: Company) -> None:
    old = set_order_state(company, make_order(company), "cancelled")
    steps.set_age("orders", old, ended_at=ago(5000))
    make_photo(company, old)
    late = set_order_state(company, make_order(company), "no_show")
    steps.set_age("orders", late, ended_at=ago(699))
    steps.set_age("order_photos", make_photo(company, late).id, created_at=ago(5000))
    assert steps.counts(company) == {}


def test_an_order_of_an_old_release_ended_when_it_was_to_end(company: Company) -> None:
    start = ago(800)
    for begins, number in ((start, 1), (ago(5), 0)):
        order = set_order_state(company, make_order(company), "completed")
        ends = begins + timedelta(hours=2)
        steps.set_age("orders", order, scheduled_start=begins, scheduled_end=ends, blocked_until=ends)
        steps.set_age("order_photos", make_photo(company, order).id, created_at=start)
        assert steps.counts(company) == ({"photos": 1} if number else {})


def test_a_session_that_is_in_use_stays_however_old_it_is(company: Company) -> None:
    session = aged.session(company, ago(100))
    steps.set_age("sessions", session, idle_until=ago(-1))
    assert steps.counts(company) == {}


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_that_is_open_stays(company: Company, state: str) -> None:
    aged.job_run(company, ago(100), state)
    assert steps.counts(company) == {}


def test_what_belongs_to_the_installation_goes_when_all_is_asked_for(company: Company) -> None:
    old_run, young_run = aged.job_run(None, ago(30)), aged.job_run(None, ago(30, seconds=-MINUTE))
    old, young = aged.stripe_event(ago(90)), aged.stripe_event(ago(90, seconds=-MINUTE))
    ignored, dead = aged.stripe_event(ago(100), state="ignored"), aged.stripe_event(ago(100), state="dead")
    assert steps.counts(company) == {}
    assert steps.counts(dry_run=True) == steps.counts() == {"installation_job_runs": 1, "stripe_events": 2}
    left = {each["id"] for each in rows("SELECT id FROM stripe_events")}
    assert left == {young, dead}
    assert not left & {old, ignored}
    assert (is_left("job_runs", old_run), is_left("job_runs", young_run)) == (False, True)
