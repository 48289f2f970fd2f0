from shared.core.jobs import Job, Queue

SWEEP = Job("job_runs.sweep", Queue.MAINTENANCE, lossy="runs again within a minute")
GO_ON = Job("job_runs.go_on", Queue.MAINTENANCE, ("run_id",), healed_by=SWEEP.name)
"""Begin a run that somebody asked for, or take the next turn of one that has more to do."""
