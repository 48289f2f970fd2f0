"""Counting attempts, over hours: the domain is told the time."""

from datetime import UTC, datetime, timedelta

import pytest

from shared.core.tenancy import PLATFORM
from shared.core.transaction import read_only, transaction
from shared.identity import attempts
from shared.identity.attempts import Attempt, TooManyAttempts
from shared.wiring import Services
from tests.plans import join_row_by_row
from tests.rows import row, rows

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
MINE = Attempt.of("acme", "a@acme.test", "192.0.2.7")

pytestmark = pytest.mark.usefixtures("database")


def _begin(attempt: Attempt, now: datetime) -> None:
    with transaction(PLATFORM) as session:
        attempts.begin(session, attempt, now=now)


def _fail(attempt: Attempt, now: datetime) -> None:
    _begin(attempt, now)
    with transaction(PLATFORM) as session:
        attempts.failed(session, attempt, now=now)


def _wait(attempt: Attempt, now: datetime) -> int:
    """Seconds until the next try, 0 when it may be made."""
    try:
        with read_only(PLATFORM) as session:
            attempts.refuse_blocked(session, attempt, now=now)
    except TooManyAttempts as refused:
        return int(refused.fields["retry_after"])
    return 0


def _of(number: int, address: str | None = "192.0.2.7") -> Attempt:
    return Attempt.of("acme", f"person-{number}@acme.test", address)


def test_the_delay_doubles_from_30_seconds_to_a_quarter_of_an_hour() -> None:
    now, waits = NOON, []
    for _ in range(attempts.PER_ACCOUNT - 1):
        _fail(MINE, now)
        assert _wait(MINE, now) == 0
    for _ in range(9):
        _fail(MINE, now)
        waits.append(_wait(MINE, now))
        assert _wait(MINE, now + timedelta(seconds=waits[-1] - 1)) == 1
        now += timedelta(seconds=waits[-1])
        assert _wait(MINE, now) == 0
    assert waits == [30, 60, 120, 240, 480, 900, 900, 900, 900]


def test_a_try_while_blocked_is_refused_and_not_counted() -> None:
    for _ in range(attempts.PER_ACCOUNT):
        _fail(MINE, NOON)
    before = rows("SELECT * FROM sign_in_attempts ORDER BY key")
    with pytest.raises(TooManyAttempts):
        _begin(MINE, NOON + timedelta(seconds=29))
    assert rows("SELECT * FROM sign_in_attempts ORDER BY key") == before


def test_failures_are_forgotten_a_quarter_of_an_hour_after_the_first() -> None:
    for minute in range(attempts.PER_ACCOUNT - 1):
        _fail(MINE, NOON + timedelta(minutes=minute))
    _fail(MINE, NOON + attempts.MEMORY)
    assert _failures(MINE.account) == 1


def test_failures_are_remembered_until_then() -> None:
    for _ in range(attempts.PER_ACCOUNT - 1):
        _fail(MINE, NOON)
    _fail(MINE, NOON + attempts.MEMORY - timedelta(seconds=1))
    assert _wait(MINE, NOON + attempts.MEMORY) == 29


def test_what_led_to_a_long_delay_is_remembered_beyond_it() -> None:
    now = NOON
    for _ in range(attempts.PER_ACCOUNT + 6):
        _fail(MINE, now)
        now += timedelta(seconds=_wait(MINE, now))
    _fail(MINE, now + attempts.MEMORY - timedelta(seconds=1))
    assert _wait(MINE, now + attempts.MEMORY - timedelta(seconds=1)) == 900


def test_a_success_forgets_the_account_and_takes_one_from_the_address() -> None:
    for _ in range(4):
        _fail(MINE, NOON)
    _begin(MINE, NOON)
    with transaction(PLATFORM) as session:
        attempts.succeeded(session, MINE)
    assert (_failures(MINE.account), _failures(MINE.address)) == (0, 4)
    assert _wait(MINE, NOON) == 0


def test_a_try_that_is_taken_back_leaves_the_failures_before_it() -> None:
    for _ in range(4):
        _fail(MINE, NOON)
    for _ in range(10):
        _begin(MINE, NOON)
        with transaction(PLATFORM) as session:
            attempts.taken_back(session, MINE)
    assert (_failures(MINE.account), _failures(MINE.address)) == (4, 4)
    _fail(MINE, NOON)
    assert _wait(MINE, NOON) == 30


def test_the_successes_of_a_busy_office_do_not_keep_its_failures_in_memory() -> None:
    """Or each failure of a day would count until somebody is locked out who has done nothing."""
    now = NOON
    for number in range(3 * attempts.PER_ADDRESS):
        assert _wait(_of(number), now) == 0, number
        _fail(_of(number), now)
        _begin(_of(1000 + number), now)
        with transaction(PLATFORM) as session:
            attempts.succeeded(session, _of(1000 + number))
        now += timedelta(minutes=1)
    assert _failures(MINE.address) <= attempts.MEMORY / timedelta(minutes=1)


def test_a_try_whose_process_dies_blocks_until_its_time_and_is_forgotten_then() -> None:
    """It is counted, and nobody has said how it ended."""
    late = NOON + attempts.MEMORY - timedelta(seconds=1)
    for _ in range(attempts.PER_ACCOUNT - 1):
        _fail(MINE, NOON)
    _begin(MINE, late)
    _fail(_of(1, "198.51.100.1"), late + timedelta(seconds=29))
    assert _wait(MINE, late + timedelta(seconds=29)) == 1
    _fail(_of(2, "198.51.100.2"), late + timedelta(seconds=30))
    assert _failures(MINE.account) == 0


def test_twenty_failures_from_one_address_block_it_for_every_account() -> None:
    for number in range(attempts.PER_ADDRESS):
        assert _wait(_of(number), NOON) == 0
        _fail(_of(number), NOON)
    assert _wait(_of(99), NOON) == 30
    with pytest.raises(TooManyAttempts):
        _begin(_of(99), NOON)
    assert _failures(_of(99).account) == 0
    assert _wait(_of(0, "192.0.2.8"), NOON) == 0


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("2001:DB8:1:2:0::1", "2001:db8:1:2::9", True),
        ("::ffff:192.0.2.7", "192.0.2.7", True),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.8", False),
        ("192.0.2.7", "192.0.2.8", False),
        ("unknown", None, True),
        ("unknown", "192.0.2.7", False),
        ("192.0.2.7", "2001:db8::7", False),
    ],
)
def test_a_client_is_an_ipv4_address_or_the_64_bits_of_an_ipv6_one(one: str, other: str | None, same: bool) -> None:
    assert (_of(1, one).address == _of(2, other).address) is same


@pytest.mark.parametrize(
    "typed",
    [
        "A@ACME.TEST",
        "  a@acme.test\t",
        "a@Acme.Test",
        "a@\uff41cme.test",
        "a@ac\u00adme.test",
        "a@acme.test\n",
    ],
)
def test_spellings_of_one_address_share_a_counter(typed: str) -> None:
    assert attempts.account_key("acme", typed) == MINE.account


def test_other_addresses_and_organizations_have_counters_of_their_own() -> None:
    keys = [
        attempts.account_key(*typed)
        for typed in (
            ("acme", "a@acme.test"),
            (None, "a@acme.test"),
            ("acme2", "a@acme.test"),
            ("acme", "b@acme.test"),
            ("acme", "no address"),
            ("", "acme\x00a@acme.test"),
        )
    ]
    assert len(set(keys)) == len(keys)


def test_keys_tell_nobody_who_was_tried() -> None:
    _fail(MINE, NOON)
    kept = str(rows("SELECT * FROM sign_in_attempts"))
    assert "acme" not in kept
    assert "192.0.2" not in kept


def test_the_table_does_not_grow_with_what_is_past() -> None:
    """Each failure adds two rows at most and removes up to ten that are stale."""
    for number in range(60):
        _fail(_of(number, f"192.0.2.{number}"), NOON)
    assert _count() == 120
    later = NOON + attempts.MEMORY + timedelta(seconds=1)
    for number in range(20):
        _fail(_of(1000 + number, f"198.51.100.{number}"), later)
    assert _count() == 40


def test_a_failure_removes_no_more_than_ten_whichever_way_they_are_found() -> None:
    for number in range(10):
        _fail(_of(number, f"192.0.2.{number}"), NOON)
    later = NOON + attempts.MEMORY + timedelta(seconds=1)
    with transaction(PLATFORM) as session:
        join_row_by_row(session)
        attempts.failed(session, MINE, now=later)
    assert _count() == 10


def test_what_is_not_stale_is_never_removed() -> None:
    for _ in range(attempts.PER_ACCOUNT):
        _fail(MINE, NOON)
    for number in range(10):
        _fail(_of(number, f"198.51.100.{number}"), NOON + attempts.MEMORY + timedelta(seconds=29))
    assert _failures(MINE.account) == attempts.PER_ACCOUNT


def _failures(key: str) -> int:
    found = rows("SELECT failures FROM sign_in_attempts WHERE key = :key", key=key)
    return int(found[0]["failures"]) if found else 0


def _count() -> int:
    return int(row("SELECT count(*) AS n FROM sign_in_attempts")["n"])


def test_forgetting_an_account_leaves_the_address(services: Services) -> None:
    for _ in range(attempts.PER_ACCOUNT):
        _fail(MINE, NOON)
    with transaction(PLATFORM) as session:
        attempts.forget(session, MINE.account)
    assert _wait(MINE, NOON) == 0
    assert _failures(MINE.address) == attempts.PER_ACCOUNT
