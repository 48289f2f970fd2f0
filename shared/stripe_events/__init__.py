"""The inbox of Stripe's webhooks: verify, store under Stripe's unique event id, answer; handle later.

    received --claim--> handling --> handled | ignored (a type we do not use, or not about us)
        ^                  |
        |                  +--too many tries--> dead
        +--lease ran out,--+
           or retry is due

Stripe sends an event any number of times and in any order. The inbox keeps it once; the task locks the row, and what it
does is recorded at most once for each Stripe object. Start at `service.receive`; `handlers.py` maps types to functions.
"""
