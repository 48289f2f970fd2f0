"""Runs of the scheduled jobs: the claim of a slot, and the record of what came of it.

A slot is a job's cadence counted from the epoch. The run claims it with a unique row, so two beats, or beat and an
operator, never run the same slot twice; a second unique index lets only one run of a job be open, so it never overlaps
itself. A run whose worker died is closed as `lost` by the next one. Start at `service.claim`.
"""
