"""Leads: people who have asked for work and have not ordered yet.

    create          contact              quote
    -----> new -----------> contacted -----------> quoted --+
            |                   |                   |        | an order names it
            +------ lose -------+------ lose -------+        v
                       |                                    won
                       v                                     ^
                      lost ----- an order names it ----------+

Invariants: a lead can be reached by e-mail or phone (E.164) until it is erased; a won lead names its client; making one
writes the mail "request received" and the event `lead.created` in the same transaction. What people typed into the form
never goes into a mail: it would let strangers write to anybody in the organization's name.

Start at `service.create`; `states.py` is the transition table that the API, the docs and the tests read.
"""
