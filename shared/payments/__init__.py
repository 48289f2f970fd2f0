"""Payments: what clients have paid. One row per Stripe PaymentIntent, recorded from signed events.

Invariant: a PaymentIntent is recorded at most once (unique per organization), and the order's `paid_amount` grows in
the same transaction, so the two always agree. A payment for a cancelled order is recorded all the same and marked
`refund_due`; one that was there before the cancellation is not, yet. Start at `service.record_succeeded`.
"""
