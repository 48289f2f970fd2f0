"""Crews: who does the work and when they can: teams with weekly hours, workers, blackouts.

    company ──< team ──< worker ─── user (role worker), or none
       └──────────┴────────┴──< blackout

A team works its own hours, or without them the company's, wherever its `postal_prefixes` reach. A blackout is a time
without work: of one team, of one worker, or of the whole company. Teams and workers are never deleted, because orders
and time entries name them; `is_active` says whether they are sent anywhere.

Invariants: the name of a team is unique in its company; an account is one worker's at most.

Start at `teams.py`; `workers.py` and `blackouts.py` name what it has.
"""
