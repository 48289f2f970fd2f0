"""Orders: the work that a client has asked for.

    place            confirm
    ----> pending -----------> confirmed
             |                     |
             +------- cancel ------+----> cancelled

Invariants: `number` is unique per organization and counts from 1001; `version` grows with every change (the ETag);
every transition writes history, the audit log and its mail in one transaction, or none of them. `paid_amount` is what
`payments` has recorded, in minor units of `currency`.

Start at `service.py`; `states.py` is the transition table that the API, the docs and the tests read.
"""
