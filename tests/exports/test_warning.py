"""Staff hear of a growing pile of dead events: once a day at most, and not when it only stays."""

from datetime import timedelta

import pytest

from shared.core.permissions import Role
from shared.core.transaction import transaction
from shared.identity.model import User, UserState
from tests.exports.conftest import exporting
from tests.exports.looking_after import alerts_to, endpoint_of, look_after, now
from tests.factories.exports import SECRET, change_export, make_dead_export, make_endpoint, make_export
from tests.factories.organizations import Company, make_user
from tests.jobs_probe import JobsProbe

DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)


@pytest.fixture(autouse=True)
def _nothing_is_replayed(company: Company, jobs: JobsProbe) -> JobsProbe:
    exporting(company.services, export_dead_letter_auto_replay=False)
    return jobs


def test_owners_and_admins_hear_of_it_and_nobody_else(company: Company, neighbour: Company) -> None:
    admin = make_user(company.org_id, Role.ADMIN, email="admin@staff.test")
    gone = make_user(company.org_id, Role.ADMIN, email="gone@staff.test")
    for role in (Role.FINANCE, Role.DISPATCHER, Role.VIEWER, Role.WORKER):
        make_user(company.org_id, role)
    with transaction(company.scope) as session:
        session.get_one(User, (company.org_id, gone.user_id)).state = UserState.DEACTIVATED
        owner = session.get_one(User, (company.org_id, company.owner.user_id)).email
    make_endpoint(company, last_error=f"https://u:p@h.test/x said {SECRET}")
    for _ in range(2):
        make_dead_export(company)
    assert look_after()["warned"] == 1
    mails = alerts_to(company.org_id)
    assert {mail["recipient"] for mail in mails} == {owner, "admin@staff.test"}
    told = mails[0]["variables"]
    assert told["title"] == "2 events for other systems could not be delivered"
    assert told["facts"] == [["given up", "2"], ["of these new", "2"], ["last error", "https://h.test said (secret)"]]
    assert alerts_to(neighbour.org_id) == []
    assert admin.user_id is not None


def test_it_goes_out_as_a_mail(company: Company, jobs: JobsProbe) -> None:
    make_dead_export(company)
    look_after()
    jobs.drain()
    assert [mail["state"] for mail in alerts_to(company.org_id)] == ["sent"]


def test_once_a_day_at_most_and_only_when_it_has_grown(company: Company) -> None:
    make_dead_export(company)
    assert look_after()["warned"] == 1
    make_dead_export(company)
    assert "warned" not in look_after()
    make_endpoint(company, warned_at=now() - DAY + MINUTE)
    assert "warned" not in look_after()
    _a_day_passes(company)
    assert look_after()["warned"] == 1
    assert endpoint_of(company.org_id)["warned_dead"] == 2
    _a_day_passes(company)
    assert "warned" not in look_after()
    assert len(alerts_to(company.org_id)) == 2
    assert alerts_to(company.org_id)[1]["variables"]["facts"][:2] == [["given up", "2"], ["of these new", "1"]]


def test_when_the_pile_has_shrunk_the_next_growth_counts_from_there(company: Company) -> None:
    dead = [make_dead_export(company) for _ in range(3)]
    assert look_after()["warned"] == 1
    for each in dead:
        change_export(company, each, state="delivered")
    assert "warned" not in look_after()
    assert endpoint_of(company.org_id)["warned_dead"] == 0
    make_dead_export(company)
    _a_day_passes(company)
    assert look_after()["warned"] == 1


def test_what_was_dropped_because_its_person_was_erased_is_no_pile(company: Company) -> None:
    make_export(company, state="dead", payload={})
    assert "warned" not in look_after()


def test_a_run_in_one_organization_warns_its_people_only(company: Company, neighbour: Company) -> None:
    make_dead_export(company)
    make_dead_export(neighbour)
    assert look_after(company.scope)["warned"] == 1
    assert (len(alerts_to(company.org_id)), alerts_to(neighbour.org_id)) == (1, [])


def test_a_dry_run_warns_nobody(company: Company) -> None:
    make_dead_export(company)
    look_after(dry_run=True)
    assert alerts_to(company.org_id) == []


def _a_day_passes(company: Company) -> None:
    """For the endpoint and for the mails: their keys have the day."""
    make_endpoint(company, warned_at=now() - DAY - MINUTE)
    with transaction(company.scope) as session:
        session.connection().exec_driver_sql(
            "UPDATE messages SET dedupe_key = dedupe_key || ':yesterday' WHERE kind = 'operator_alert'"
        )
