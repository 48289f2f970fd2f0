"""The rows of an outbox that one organization owes, worked off one after the other.

A worker claims a row, works outside any transaction, then records what came of it and claims the next in one statement.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Table, Update, bindparam, func, select, update
from sqlalchemy.orm import Session
from sqlalchemy.sql.dml import ReturningUpdate

from shared.core.outbox import taking


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a try came to: what the row is to say of it. A feature adds its own columns as fields."""

    state: StrEnum
    attempts: int
    next_attempt_at: datetime | None = None
    last_error: str | None = None


class OutboxQueue:
    """The statements on one `table`, made once.

    A row may be claimed while it meets `waiting`, the lowest `order_by` first, and is then `working`; a claim returns
    `returning`, and as `was` the state in which the row waited. The fields of `outcome` are the columns of a record;
    `also` sets more of them, from `new_state` and the like.
    """

    def __init__(
        self,
        table: Table,
        *,
        waiting: Sequence[ColumnElement[bool]],
        order_by: ColumnElement[Any],
        working: StrEnum,
        returning: Sequence[Any],
        outcome: type[Outcome],
        also: Mapping[str, ColumnElement[Any]] | None = None,
    ) -> None:
        column = table.c
        self._fields = [field.name for field in fields(outcome)]
        new: dict[str, Any] = {name: bindparam(f"new_{name}") for name in self._fields}
        self._record = _recording(table, working).values(new | dict(also or {}))
        recorded = self._record.returning(column.id).cte("recorded")
        oldest = (
            select(column.id, column.state.label("was"))
            .where(column.org_id == bindparam("of_org"), *waiting)
            .order_by(order_by)
            .limit(1)
            .with_for_update(skip_locked=True)
        )

        def claiming(row: Select[Any]) -> ReturningUpdate[Any]:
            # Its columns are asked for one by one: so the row is found by its key, whatever Postgres believes of the
            # table. A join reads all that the organization has where that seems to be little.
            due = row.cte("due")
            one_id, was = (select(each).scalar_subquery() for each in (due.c.id, due.c.was))
            return taking(table, working).where(column.id == one_id).returning(*returning, was.label("was"))

        self._claim = claiming(oldest)
        # Counted, so that Postgres records first: who waits for the lock of one row must not hold that of another,
        # which the other side (an erasure, a key that is changed) may want next.
        is_recorded = select(func.count()).select_from(recorded).scalar_subquery() >= 0
        self._record_and_claim = claiming(oldest.where(is_recorded))

    def claim(self, session: Session, org_id: UUID, *, lease_until: datetime, **waiting: Any) -> Row[Any] | None:
        """Take the organization's oldest row that waits and that nobody else takes, if there is one. `waiting` are the
        parameters of that condition."""
        values = {"of_org": org_id, "lease_until": lease_until} | waiting
        return session.execute(self._claim, values).one_or_none()

    def record(self, session: Session, claimed: Row[Any], outcome: Outcome) -> None:
        """Write the outcome of *this* claim: not over the one of a worker that took the row after our lease ran out."""
        session.execute(self._record, self._recorded(claimed, outcome))

    def record_and_claim(
        self, session: Session, claimed: Row[Any], outcome: Outcome, *, lease_until: datetime, **waiting: Any
    ) -> Row[Any] | None:
        """`record`, and `claim` the next, in one statement."""
        values = self._recorded(claimed, outcome) | {"lease_until": lease_until} | waiting
        return session.execute(self._record_and_claim, values).one_or_none()

    def _recorded(self, claimed: Row[Any], outcome: Outcome) -> dict[str, Any]:
        return {
            "of_org": claimed.org_id,
            "claimed_id": claimed.id,
            "claimed_attempts": claimed.attempts,
            "claimed_until": claimed.next_attempt_at,
        } | {f"new_{name}": getattr(outcome, name) for name in self._fields}


def _recording(table: Table, working: StrEnum) -> Update:
    column = table.c
    return update(table).where(
        column.org_id == bindparam("of_org"),
        column.id == bindparam("claimed_id"),
        column.state == working,
        column.attempts == bindparam("claimed_attempts"),
        column.next_attempt_at == bindparam("claimed_until"),
    )
