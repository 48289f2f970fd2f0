"""Runs of jobs: what beat, staff or an operator asked for, and what came of it.

    ask ---> queued --begin--> running ---> succeeded
               ^                 |  |
               +--- next turn ---+  +-----> failed (it raised), lost (its worker died): the slot is free again
    claim (beat, the command line) begins at once

A slot is a job's cadence counted from the epoch. A run claims it with a unique row, so two beats, or beat and an
operator, never run the same slot twice; a second unique index lets only one run of a job be open in the same scope, so
it never overlaps itself. Staff run jobs in their own organization, in slots of a minute at most; such a run is covered
by one of the whole installation that is going on. Those two may be at work at once: rows are taken one by one, by
whoever locks them first. Start at `service.claim`, then `worker/core/periodic.py`.
"""
