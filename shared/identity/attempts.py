"""How often somebody may fail to sign in: 5 times to one account, 20 times from one address, then with growing delays.

An attempt is counted before its password is hashed, so that a hundred at once are not a hundred guesses; one that
succeeds is taken back. Accounts are counted whether they exist or not, all spellings of an address as one, and never
across organizations: what somebody does in one company neither locks nor unlocks the same mailbox in another.

A flood meets `refuse_blocked` first, which is one read. Each failure removes a few rows that are too old to matter.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from ipaddress import IPv6Address, ip_address
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, func, literal, select, text, update
from sqlalchemy.orm import Session

from shared.core.errors import Forbidden, code
from shared.core.later import send_later
from shared.core.mail_addresses import spelled
from shared.core.orm import Reader, table_of
from shared.identity.model import SignInAttempts

TOO_MANY = code("identity.too_many_attempts", "Too many attempts to sign in")

PER_ACCOUNT, PER_ADDRESS = 5, 20
MEMORY = timedelta(minutes=15)
"""Failures are forgotten so long after the first of them, or after the end of the last block."""
FIRST_DELAY = timedelta(seconds=30)
LONGEST_DELAY = timedelta(minutes=15)

_attempts = table_of(SignInAttempts)
_ONE_LESS = func.greatest(_attempts.c.failures - 1, 0)
_BLOCKS = select(func.max(_attempts.c.blocked_until)).where(_attempts.c.key.in_(bindparam("keys", expanding=True)))
_COUNT = text("""
    INSERT INTO sign_in_attempts AS known (key, failures, stale_at)
    VALUES (:address, 1, :now + :memory), (:account, 1, :now + :memory)
    ON CONFLICT (key) DO UPDATE SET (failures, blocked_until, stale_at) = (
        SELECT count.failures, CASE WHEN count.failures >= kind.allowed THEN
            :now + least(:first_delay * 2 ^ least(count.failures - kind.allowed, 20), :longest_delay) END,
            CASE WHEN known.stale_at <= :now THEN :now + :memory ELSE known.stale_at END
        FROM (SELECT CASE WHEN known.key = :address THEN :per_address ELSE :per_account END AS allowed) AS kind,
        LATERAL (SELECT CASE WHEN known.stale_at <= :now THEN 1 ELSE known.failures + 1 END AS failures) AS count
    )
    WHERE known.blocked_until IS NULL OR known.blocked_until <= :now
    RETURNING blocked_until
""")
_LIMITS = {
    "per_account": PER_ACCOUNT,
    "per_address": PER_ADDRESS,
    "memory": MEMORY,
    "first_delay": FIRST_DELAY,
    "longest_delay": LONGEST_DELAY,
}
_ONE_LESS_OF_ADDRESS = """
    UPDATE sign_in_attempts SET failures = greatest(failures - 1, 0), blocked_until = NULL WHERE key = %(address)s
"""
_FORGET_STALE = """
    WITH stale AS (
        SELECT key FROM sign_in_attempts WHERE stale_at <= %(now)s AND coalesce(blocked_until <= %(now)s, true)
        ORDER BY stale_at LIMIT 10 FOR UPDATE SKIP LOCKED
    ) DELETE FROM sign_in_attempts WHERE key IN (SELECT key FROM stale)
"""
_REMEMBER_BLOCK = """
    UPDATE sign_in_attempts SET stale_at = greatest(stale_at, blocked_until + %(memory)s) WHERE key = %(key)s
"""


class TooManyAttempts(Forbidden):
    """Wait before the next try; HTTP answers 429. `retry_after` is in seconds."""

    kind = "throttled"

    def __init__(self, wait: timedelta) -> None:
        seconds = max(1, round(wait.total_seconds()))
        super().__init__(TOO_MANY, f"Wait {seconds} seconds before the next try.", retry_after=seconds)


@dataclass(frozen=True, slots=True)
class Attempt:
    """The two things that a try to sign in is counted on."""

    account: str
    address: str

    @staticmethod
    def of(org: str | None, email: str, address: str | None) -> "Attempt":
        """A try with what was typed, from the client's `address`; of an IPv6 one its /64, which is one client's."""
        return Attempt(account_key(org, email), _key("address", network(address)))

    @staticmethod
    def of_user(user_id: UUID, address: str | None) -> "Attempt":
        """A try of somebody signed in to prove that the account is theirs."""
        return Attempt(user_key(user_id), _key("address", network(address)))

    @staticmethod
    def of_basic(username: str, address: str) -> "Attempt":
        """A try with a Basic login. Counted by address alone: whoever merely knows the name of a login must not be able
        to shut an integration out."""
        client = network(address)
        return Attempt(_key("basic", username, client), _key("address", client))


def user_key(user_id: UUID) -> str:
    """What tries to prove to be a signed-in user are counted on."""
    return _key("user", str(user_id))


def account_key(org: str | None, email: str) -> str:
    """What tries to sign in to `email` are counted on, when `org` (slug) was typed, too. All that is looked up as one
    address is counted as one: a domain has endless spellings."""
    try:
        address = spelled(email)
    except ValueError:
        address = email.strip()
    return _key("account", org or "", address.casefold())


def refuse_blocked(session: Reader, attempt: Attempt, *, now: datetime) -> None:
    """Raises `TooManyAttempts` while the account or the address has to wait."""
    blocked_until = session.scalar(_BLOCKS, {"keys": [attempt.account, attempt.address]})
    if blocked_until is not None and blocked_until > now:
        raise TooManyAttempts(blocked_until - now)


def begin(session: Session, attempt: Attempt, *, now: datetime) -> datetime | None:
    """Count the try, before it is known how it ends. Returns until when nobody may try again if it fails, when that is
    one failure too many. Raises `TooManyAttempts`."""
    values = _LIMITS | {"account": attempt.account, "address": attempt.address, "now": now}
    blocks = session.scalars(_COUNT, values).all()
    if len(blocks) < len((attempt.account, attempt.address)):  # blocked since the look
        raise TooManyAttempts(FIRST_DELAY)
    return max(filter(None, blocks), default=None)


def failed(session: Session, attempt: Attempt, *, now: datetime) -> None:
    """The try has failed. It is counted already; a block that it has brought about is remembered beyond its end, so
    that the next one is longer. Successes prolong nothing, or a busy office would never be forgiven."""
    for key in (attempt.address, attempt.account):
        send_later(session, _REMEMBER_BLOCK, {"memory": MEMORY, "key": key})
    # Last, because it waits for nobody: whoever holds other accounts' rows must not wait for the address.
    send_later(session, _FORGET_STALE, {"now": now})


def succeeded(session: Session, attempt: Attempt) -> None:
    """Forget the failures of the account, and take the try back from those of the address."""
    _take_back(session, attempt, of_account=literal(0))


def taken_back(session: Session, attempt: Attempt) -> None:
    """The try was neither right nor wrong: as if it had not been made."""
    _take_back(session, attempt, of_account=_ONE_LESS)


def forget(session: Session, *keys: str) -> None:
    """Let the accounts behind `keys` be tried again at once."""
    for key in sorted(keys):  # one order, or two who forget the same could wait for each other
        session.execute(delete(_attempts).where(_attempts.c.key == key))


def _take_back(session: Session, attempt: Attempt, *, of_account: ColumnElement[int]) -> None:
    """Whoever was over a limit before may try again at once, and has to wait at the next failure. The address comes
    first, as in `begin`, or two tries could wait for each other."""
    send_later(session, _ONE_LESS_OF_ADDRESS, {"address": attempt.address})
    values = {"failures": of_account, "blocked_until": None}
    session.execute(update(_attempts).where(_attempts.c.key == attempt.account).values(values))


@lru_cache(maxsize=10_000)
def network(address: str | None) -> str:
    """What counts as one client: an IPv4 address, or the /64 of an IPv6 one."""
    try:
        parsed = ip_address(address or "")
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address):
        return str(parsed.ipv4_mapped or IPv6Address(int(parsed) >> 64 << 64))
    return str(parsed)


def _key(*parts: str) -> str:
    return hashlib.sha256("\x00".join(parts).encode("utf-8", "surrogatepass")).hexdigest()
