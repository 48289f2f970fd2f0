"""Deposits and cancellation fees, worked out by hand."""

from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from shared.orders.policies import Deposit, Settlement, deposit_for, settle
from shared.organizations import settings

NOW = datetime(2026, 11, 26, 12, tzinfo=UTC)


def _organization(**deposit: Any) -> Any:
    return SimpleNamespace(
        deposit_policy=settings.DEPOSIT_POLICY | deposit, cancellation_policy=settings.CANCELLATION_POLICY
    )


def _deposit(policy: dict[str, Any], **order: Any) -> Deposit:
    values = {"total": 10_000, "is_heavy": False, "is_first": False, "start": NOW + timedelta(days=30), "now": NOW}
    return deposit_for(_organization(**policy), **values | order)


@pytest.mark.parametrize(
    ("policy", "order", "expected"),
    [
        ({}, {}, Deposit(0, [])),
        ({"required_for": ["always"]}, {}, Deposit(2_500, ["always"])),
        # A quarter of 99.98 is 24.995: half up.
        ({"required_for": ["always"]}, {"total": 9_998}, Deposit(2_500, ["always"])),
        # A quarter of 0.01 is 0.0025.
        ({"required_for": ["always"]}, {"total": 1}, Deposit(0, ["always"])),
        ({"required_for": ["always"], "percent": 33}, {"total": 150}, Deposit(50, ["always"])),
        ({"required_for": ["always"], "minimum": 5_000}, {}, Deposit(5_000, ["always"])),
        ({"required_for": ["always"], "minimum": 5_000}, {"total": 3_000}, Deposit(3_000, ["always"])),
        ({"required_for": ["always"], "maximum": 2_000}, {}, Deposit(2_000, ["always"])),
        ({"required_for": ["always"], "minimum": 1_000, "maximum": 1_000}, {}, Deposit(1_000, ["always"])),
        ({"required_for": ["first_order"]}, {}, Deposit(0, [])),
        ({"required_for": ["first_order"]}, {"is_first": True}, Deposit(2_500, ["first_order"])),
        ({"required_for": ["heavy_service"]}, {"is_heavy": True}, Deposit(2_500, ["heavy_service"])),
        ({"required_for": ["short_notice"]}, {"start": NOW + timedelta(hours=48)}, Deposit(0, [])),
        (
            {"required_for": ["short_notice"]},
            {"start": NOW + timedelta(hours=48) - timedelta(microseconds=1)},
            Deposit(2_500, ["short_notice"]),
        ),
        (
            {"required_for": ["short_notice", "heavy_service"]},
            {"start": NOW + timedelta(hours=71), "is_heavy": True},
            Deposit(2_500, ["heavy_service", "short_notice"]),
        ),
        ({"required_for": ["total_above"], "total_above": 10_000}, {}, Deposit(0, [])),
        ({"required_for": ["total_above"], "total_above": 9_999}, {}, Deposit(2_500, ["total_above"])),
    ],
)
def test_a_deposit_is_what_the_policy_says(policy: dict[str, Any], order: dict[str, Any], expected: Deposit) -> None:
    assert _deposit(policy, **order) == expected


@pytest.mark.parametrize(
    ("hours", "is_heavy", "paid", "expected"),
    [
        (48, False, 10_001, Settlement(0, 10_001)),
        # Half of 100.01 is 50.005: half up.
        (47.99, False, 10_001, Settlement(5_001, 5_000)),
        (24, False, 2_500, Settlement(5_001, 0)),
        (23.99, False, 10_001, Settlement(10_001, 0)),
        (-1, False, 12_000, Settlement(10_001, 1_999)),
        (72, True, 2_500, Settlement(0, 2_500)),
        (71.99, True, 10_001, Settlement(5_001, 5_000)),
        (48, True, 0, Settlement(5_001, 0)),
        (47.99, True, 10_001, Settlement(10_001, 0)),
    ],
)
def test_calling_off_costs_what_the_policy_says(hours: float, is_heavy: bool, paid: int, expected: Settlement) -> None:
    start = NOW + timedelta(hours=hours)
    terms = {"total": 10_001, "paid": paid, "is_heavy": is_heavy, "start": start, "now": NOW}
    assert settle(_organization(), **terms) == expected
    assert settle(_organization(), **terms, waived=True) == Settlement(0, paid)
