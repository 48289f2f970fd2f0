"""Plans that Postgres does not choose for the few rows of a test, and may choose in production."""

from sqlalchemy import text
from sqlalchemy.orm import Session

_ALL_BUT_NESTED_LOOPS = ("hashjoin", "mergejoin", "hashagg", "sort", "material", "memoize")


def join_row_by_row(session: Session) -> None:
    """Until the end of the transaction a subquery is asked again for each row, where Postgres may do so."""
    for kind in _ALL_BUT_NESTED_LOOPS:
        session.execute(text(f"SET LOCAL enable_{kind} = off"))
