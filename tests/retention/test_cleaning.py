"""`cleanup`: what was meant to live for hours goes, what lives stays, and a dry run only counts."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from shared.core import idempotency
from shared.core.ids import new_id
from shared.core.permissions import Role
from shared.core.tenancy import PLATFORM, Scope
from shared.core.transaction import transaction
from shared.identity.leftovers import PASSWORD_LINKS
from shared.job_runs.model import Trigger
from shared.job_runs.service import Asked
from shared.retention import cleaning
from shared.retention.cleaning import Step
from tests.factories.identity import make_link
from tests.factories.order_photos import files_of, make_photo
from tests.factories.orders import make_order
from tests.factories.organizations import Company, make_user, sign_in
from tests.jobs_probe import JobsProbe
from tests.order_photos.steps import state_of, usage
from tests.orders.steps import change_row
from tests.plans import join_row_by_row
from tests.rows import footprint, platform_footprint, row, rows
from worker.core import periodic

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
CLEANUP = "retention.cleanup"


def _run(jobs: JobsProbe, company: Company | None = None, *, dry_run: bool = False) -> dict[str, int]:
    """Make a run, of all or of one company; what it has counted."""
    with transaction(PLATFORM) as session:
        session.execute(text("DELETE FROM job_runs"))
    asked = Asked("cleanup", company.org_id if company else None, Trigger.COMMAND, slot_at=None, dry_run=dry_run)
    outcome = periodic.run_now(asked)
    counts: dict[str, int] = row("SELECT counts FROM job_runs WHERE id = :id", id=outcome["run_id"])["counts"]
    return counts


def _hold(company: Company, *, until: datetime, **values: Any) -> UUID:
    order_id = make_order(company)
    change_row(company, order_id, hold_until=until, **values)
    return order_id


def _session(company: Company, **ends: datetime) -> Any:
    """A session with a refresh token that was used; it lives, unless `ends` set one of its columns."""
    now = datetime.now(UTC)
    sign_in(company.services, company.owner)
    session_id = rows("SELECT id FROM sessions WHERE org_id = :org ORDER BY id DESC", org=company.org_id)[0]["id"]
    values = {"org": company.org_id, "session": session_id, "id": new_id(), "now": now, "hash": str(new_id())}
    with transaction(company.scope) as session:
        session.execute(text("INSERT INTO used_refresh_tokens VALUES (:org, :id, :session, :hash, :now)"), values)
        for name, moment in ends.items():
            session.execute(text(f"UPDATE sessions SET {name} = :at WHERE id = :id"), {"at": moment, "id": session_id})
    return session_id


def _attempt(key: str, stale_at: datetime, blocked_until: datetime | None = None) -> None:
    sql = "INSERT INTO sign_in_attempts (key, failures, stale_at, blocked_until) VALUES (:key, 1, :stale, :blocked)"
    with transaction(PLATFORM) as session:
        session.execute(text(sql), {"key": key, "stale": stale_at, "blocked": blocked_until})


def _answer(company: Company, key: str, at: datetime) -> None:
    asked = idempotency.IdempotentRequest(key, "a fingerprint")
    with transaction(company.scope) as session:
        idempotency.store_answer(session, company.owner, asked, status=201, body={}, now=at)


def _fill(company: Company) -> None:
    """Of everything one that goes, and one that stays."""
    now = datetime.now(UTC)
    for until in (now - HOUR, now + HOUR):
        _hold(company, until=until)
    _hold(company, until=now - HOUR, paid_amount=100)
    for due in (-HOUR, HOUR):
        make_photo(company, make_order(company), state="uploading", due=due)
    _session(company, revoked_at=now - HOUR)
    _session(company)
    _answer(company, "old", now - 3 * DAY - HOUR)
    _answer(company, "young", now - 3 * DAY + HOUR)
    person = make_user(company.org_id, Role.VIEWER)
    for made_at in (now - 4 * DAY, now):
        make_link(person, now=made_at)


FULL = {"expired": 1, "kept": 1, "uploads": 1, "password_links": 1, "refresh_tokens": 1, "idempotency_keys": 1}


@pytest.fixture(autouse=True)
def _nothing_counted_yet(jobs: JobsProbe) -> None:
    with transaction(PLATFORM) as session:
        session.execute(text("DELETE FROM sign_in_attempts"))


def test_what_is_over_goes_and_what_lives_stays(company: Company, jobs: JobsProbe) -> None:
    _fill(company)
    _attempt("old", datetime.now(UTC) - HOUR)
    assert _run(jobs) == FULL | {"sign_in_attempts": 1}
    assert _run(jobs) == dict.fromkeys([*FULL, "sign_in_attempts"], 0)
    assert [found["key"] for found in rows("SELECT key FROM idempotency_keys")] == ["young"]


def test_a_dry_run_counts_what_the_run_that_follows_does_and_changes_nothing(
    company: Company, neighbour: Company, jobs: JobsProbe
) -> None:
    for each in (company, neighbour):
        _fill(each)
    _attempt("old", datetime.now(UTC) - HOUR)
    for of, scope_counts in ((company, FULL), (None, None)):
        before = [_without_runs(footprint(each.org_id)) for each in (company, neighbour)], platform_footprint()
        counted = _run(jobs, of, dry_run=True)
        after = [_without_runs(footprint(each.org_id)) for each in (company, neighbour)], platform_footprint()
        assert after == before
        assert counted == (scope_counts or FULL | {"sign_in_attempts": 1})
        assert _run(jobs, of) == counted


def _without_runs(found: dict[str, Any]) -> dict[str, Any]:
    return {table: checksum for table, checksum in found.items() if table != "job_runs"}


def test_a_run_of_one_company_leaves_others_and_what_belongs_to_nobody_alone(
    company: Company, neighbour: Company, jobs: JobsProbe
) -> None:
    for each in (company, neighbour):
        _fill(each)
    _attempt("old", datetime.now(UTC) - HOUR)
    before = footprint(neighbour.org_id), platform_footprint()
    assert _run(jobs, company) == FULL
    assert (footprint(neighbour.org_id), platform_footprint()) == before


def test_a_hold_is_given_up_never_deleted_and_one_that_is_paid_is_kept(company: Company, jobs: JobsProbe) -> None:
    past = datetime.now(UTC) - HOUR
    unpaid, paid = _hold(company, until=past), _hold(company, until=past, paid_amount=100)
    confirmed = _hold(company, until=past, state="confirmed")
    assert _run(jobs)["expired"] == 1
    found = {
        one["id"]: one["state"] for one in rows("SELECT id, state FROM orders WHERE org_id = :o", o=company.org_id)
    }
    assert found == {unpaid: "cancelled", paid: "pending", confirmed: "confirmed"}


def test_an_upload_that_never_ended_gives_its_file_and_its_room_back(company: Company, jobs: JobsProbe) -> None:
    photo = make_photo(company, make_order(company), state="uploading", due=-HOUR)
    others = [make_photo(company, make_order(company), state=state, due=-HOUR) for state in ("uploaded", "processing")]
    assert _run(jobs)["uploads"] == 1
    assert state_of(photo.id) is None
    assert [state_of(each.id) for each in others] == ["uploaded", "processing"]
    jobs.drain()
    assert photo.upload_key is not None
    assert not any(file.name in photo.upload_key for file in files_of(company))
    assert usage(company)["local"] == sum(each.size for each in others)


@pytest.mark.parametrize("column", ["revoked_at", "idle_until", "ends_at"])
def test_used_tokens_go_with_the_end_of_their_session_whatever_ended_it(
    company: Company, jobs: JobsProbe, column: str
) -> None:
    lives = _session(company)
    _session(company, **{column: datetime.now(UTC) - HOUR})
    assert _run(jobs)["refresh_tokens"] == 1
    assert [found["session_id"] for found in rows("SELECT session_id FROM used_refresh_tokens")] == [lives]
    assert row("SELECT count(*) AS n FROM sessions WHERE org_id = :o", o=company.org_id)["n"] >= 2


def test_links_that_are_used_or_expired_go(company: Company, jobs: JobsProbe) -> None:
    person, now = make_user(company.org_id, Role.VIEWER), datetime.now(UTC)
    make_link(person, now=now - 4 * DAY)
    make_link(person, now=now - DAY)
    with transaction(company.scope) as session:
        session.execute(text("UPDATE password_links SET used_at = now() WHERE expires_at > now()"))
    make_link(person, now=now)
    assert _run(jobs)["password_links"] == 2
    assert len(rows("SELECT 1 FROM password_links WHERE org_id = :o", o=company.org_id)) == 1


def test_a_batch_is_no_larger_than_it_may_be(company: Company) -> None:
    person, now = make_user(company.org_id, Role.VIEWER), datetime.now(UTC)
    for _ in range(5):
        make_link(person, now=now - 4 * DAY)
    with transaction(PLATFORM) as session:
        join_row_by_row(session)
        assert [PASSWORD_LINKS.remove(session, now=now, limit=2) for _ in range(4)] == [2, 2, 1, 0]


def test_a_block_is_not_forgotten_before_its_end(company: Company, jobs: JobsProbe) -> None:
    now = datetime.now(UTC)
    _attempt("stale", now - HOUR)
    _attempt("stale, and blocked", now - HOUR, now + HOUR)
    _attempt("blocked once", now - HOUR, now - HOUR)
    _attempt("fresh", now + HOUR)
    assert _run(jobs)["sign_in_attempts"] == 2
    left = {found["key"] for found in rows("SELECT key FROM sign_in_attempts")}
    assert left == {"stale, and blocked", "fresh"}


def test_many_go_in_batches_the_oldest_first(company: Company, jobs: JobsProbe) -> None:
    sql = """
        INSERT INTO idempotency_keys (org_id, user_id, key, fingerprint, status, body, created_at)
        SELECT :org, :user, n::text, '', 201, '{}', now() - interval '4 days' + n * interval '1 s'
        FROM generate_series(1, 1201) AS n
    """
    with transaction(company.scope) as session:
        session.execute(text(sql), {"org": company.org_id, "user": company.owner.user_id})
    step = next(step for step in cleaning.STEPS if "idempotency_keys" in _counts_of(step, PLATFORM))
    with transaction(PLATFORM) as session:
        assert step.do(session, datetime.now(UTC)) == {"idempotency_keys": 500}
    assert row("SELECT min(key::int) AS first FROM idempotency_keys")["first"] == 501
    assert _run(jobs)["idempotency_keys"] == 701


def _counts_of(step: Step, scope: Scope) -> dict[str, int]:
    with transaction(scope) as session:
        return step.count(session, datetime.now(UTC))


def test_a_step_that_fails_does_not_keep_the_others_from_theirs(
    company: Company, jobs: JobsProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> dict[str, int]:
        raise ZeroDivisionError("by nothing")

    _fill(company)
    broken: Callable[..., Any] = fail
    monkeypatch.setattr(cleaning, "STEPS", (Step(broken, broken), *cleaning.STEPS[1:]))
    with pytest.raises(ZeroDivisionError):
        jobs.run(CLEANUP)
    run = row("SELECT * FROM job_runs WHERE job = 'cleanup'")
    assert (run["state"], run["error"]) == ("failed", "ZeroDivisionError: by nothing")
    assert run["counts"] == {name: count for name, count in FULL.items() if name not in {"expired", "kept"}} | {
        "sign_in_attempts": 0
    }


def test_a_company_reads_no_more_of_a_crash_than_its_kind(
    company: Company, jobs: JobsProbe, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> dict[str, int]:
        raise ValueError("Key (email)=(anna@client.test) already exists")

    monkeypatch.setattr(cleaning, "STEPS", (Step(fail, fail),))
    asked = Asked("cleanup", company.org_id, Trigger.STAFF)
    with pytest.raises(ValueError, match="anna"):
        periodic.run_now(asked)
    error = row("SELECT error FROM job_runs WHERE org_id = :o", o=company.org_id)["error"]
    assert error == "ValueError; the worker's log says more"
