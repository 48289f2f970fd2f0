"""Recurrences: orders that come back: weekly, every two weeks, monthly, with dates that are skipped or moved.

A recurrence is a rule on the organization's clocks; a job places its orders 60 days ahead, each for itself: what cannot
be placed, because somebody's time is taken, is a `conflict` in `occurrences` and stops nothing else.

    active --end--> ended            a date:  (nothing yet) --> placed | skipped | conflict

Invariants: one order at most for each date of a recurrence (`uq_orders_occurrence`), whoever places it, and how often;
nine in the morning stays nine in the morning when the clocks change. The orders are confirmed at once and without a
mail each: the client has agreed to the series.

Start at `service.py`; `dates.py` is the calendar, `placing.py` what the job does, `exceptions.py` skips and moves.
"""
