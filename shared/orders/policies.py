"""What a company's policies say about one order: the deposit it needs, and what calling it off costs.

Pure functions of the policies in `shared/organizations/settings.py`. Amounts are minor units, rounded half up once.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from shared.organizations.settings import DepositReason

_WHOLE = 100


@dataclass(frozen=True, slots=True)
class Deposit:
    """`amount` is 0 exactly when there are no `reasons`, or nothing to pay."""

    amount: int
    reasons: list[str]


@dataclass(frozen=True, slots=True)
class Settlement:
    """What a client owes for an order that does not take place (`fee`), and what they get back (`refund`)."""

    fee: int
    refund: int


def deposit_for(
    organization: Any, *, total: int, is_heavy: bool, is_first: bool, start: datetime, now: datetime
) -> Deposit:
    """The deposit that an order needs before it is confirmed, and every reason for it.

    Short notice is a start within the time in which calling off is no longer free.
    """
    policy = organization.deposit_policy
    notice = timedelta(hours=_terms(organization, is_heavy=is_heavy)["free_hours"])
    holds = {
        DepositReason.ALWAYS: True,
        DepositReason.FIRST_ORDER: is_first,
        DepositReason.HEAVY_SERVICE: is_heavy,
        DepositReason.SHORT_NOTICE: start - now < notice,
        DepositReason.TOTAL_ABOVE: policy["total_above"] is not None and total > policy["total_above"],
    }
    reasons = [str(reason) for reason, applies in holds.items() if applies and reason in policy["required_for"]]
    if not reasons:
        return Deposit(0, [])
    amount = max(_percent(total, policy["percent"]), policy["minimum"] or 0)
    if policy["maximum"] is not None:
        amount = min(amount, policy["maximum"])
    return Deposit(min(amount, total), reasons)


def settle(
    organization: Any, *, total: int, paid: int, is_heavy: bool, start: datetime, now: datetime, waived: bool = False
) -> Settlement:
    """What calling off a promised order at `now` costs: nothing up to `free_hours` before the start, a part of the
    total up to `partial_hours`, then all of it. A fee that staff waive is nothing."""
    terms = _terms(organization, is_heavy=is_heavy)
    left = start - now
    if waived or left >= timedelta(hours=terms["free_hours"]):
        percent = 0
    elif left >= timedelta(hours=terms["partial_hours"]):
        percent = terms["partial_fee_percent"]
    else:
        percent = _WHOLE
    fee = _percent(total, percent)
    return Settlement(fee, max(paid - fee, 0))


def _terms(organization: Any, *, is_heavy: bool) -> Any:
    return organization.cancellation_policy["heavy" if is_heavy else "standard"]


def _percent(amount: int, percent: int) -> int:
    """Half up, in integers: there are no negative amounts here."""
    return (amount * percent * 2 + _WHOLE) // (2 * _WHOLE)
