from shared.core.jobs import Job, Queue

SWEEP = Job("recurrences.sweep", Queue.MAINTENANCE, lossy="runs again within a minute")
PLACE = Job("recurrences.place", Queue.MAINTENANCE, ("org_id", "recurrence_id"), healed_by=SWEEP.name)
