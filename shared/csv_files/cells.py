"""Cells in SQL: how each kind of value is written. COPY quotes what needs quotes (RFC 4180).

Programs that show tables take a text for a formula when it begins in a certain way, and would run it: such a text gets
an apostrophe in front (OWASP, "CSV injection"). Where lists are separated by semicolons, as in much of Europe, Excel
begins a cell at each semicolon, tab and line break of ours, whatever quotes there are: what follows is defused as well.
Numbers and times are written by us, and stay what they are.
"""

from shared.core.money import WITH_THREE_DIGITS, WITHOUT_DIGITS
from shared.csv_files.local_times import local_time

FORMULA_STARTS = (
    "=+-@\t\r\n\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}"
)
"""A text that begins with one of these may be taken for a formula. NUL would be another; Postgres stores none."""

_SEPARATORS = (";", "\t", "\r", "\n")
_BEHIND_SEPARATOR = f"([{''.join(_SEPARATORS)}])([{''.join(sorted(set(FORMULA_STARTS) - set(_SEPARATORS) - {'-'}))}-])"
_EMPTY = 0
_CODES = ", ".join(str(code) for code in (_EMPTY, *map(ord, FORMULA_STARTS)))


def text(sql: str) -> str:
    """A text, defused; an empty one is an empty cell."""
    inner = _defused_inside(sql)
    return f"CASE WHEN ascii({sql}) NOT IN ({_CODES}) THEN {inner} WHEN {sql} <> '' THEN '''' || {inner} END"


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


def _defused_inside(sql: str) -> str:
    """With an apostrophe before what would begin a formula behind a separator. Few texts have one, and to look for
    one costs next to nothing."""
    has_separator = " + ".join(f"strpos({sql}, '{each}')" for each in _SEPARATORS)
    defused = f"regexp_replace({sql}, '{_BEHIND_SEPARATOR}', '\\1''\\2', 'g')"
    return f"CASE WHEN {has_separator} > 0 THEN {defused} ELSE {sql} END"


def _listed(codes: tuple[str, ...]) -> str:
    return ", ".join(f"'{code}'" for code in codes)
