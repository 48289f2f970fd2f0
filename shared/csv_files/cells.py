"""Cells in SQL: how each kind of value is written. COPY quotes what needs quotes (RFC 4180).

Programs that show tables take a text for a formula when it begins in a certain way, and would run it: such a text gets
an apostrophe in front (OWASP, "CSV injection"). Numbers and times are written by us, and stay what they are.
"""

from shared.core.money import WITH_THREE_DIGITS, WITHOUT_DIGITS
from shared.csv_files.local_times import local_time

FORMULA_STARTS = (
    "=+-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)
"""A text that begins with one of these may be taken for a formula. NUL would be another; Postgres stores none."""

_EMPTY = 0
_CODES = ", ".join(str(code) for code in (_EMPTY, *map(ord, FORMULA_STARTS)))


def text(sql: str) -> str:
    """A text, defused; an empty one is an empty cell."""
    return f"CASE WHEN ascii({sql}) NOT IN ({_CODES}) THEN {sql} WHEN {sql} <> '' THEN '''' || {sql} END"


def moment(sql: str) -> str:
    """A moment in UTC, as RFC 3339 has it: `2026-11-27T18:58:49Z`, with a fraction where there is one."""
    return f"replace(({sql} AT TIME ZONE 'UTC')::text, ' ', 'T') || 'Z'"


def local(sql: str) -> str:
    """A moment as the organization's clocks show it, for people: `2026-11-27 11:58:49`."""
    return f"date_trunc('second', {local_time(sql)})"


def flag(sql: str) -> str:
    """`true` or `false`."""
    return f"CASE WHEN {sql} THEN 'true' ELSE 'false' END"


def money(sql: str, currency: str) -> str:
    """An amount in major units, with as many digits after the point as the currency has (ISO 4217)."""
    others, three = _listed(WITHOUT_DIGITS + WITH_THREE_DIGITS), _listed(WITH_THREE_DIGITS)
    return (
        f"{sql} * CASE WHEN {currency} NOT IN ({others}) THEN 0.01 WHEN {currency} IN ({three}) THEN 0.001 ELSE 1 END"
    )


def _listed(codes: tuple[str, ...]) -> str:
    return ", ".join(f"'{code}'" for code in codes)
