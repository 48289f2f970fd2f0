from shared.core.jobs import Job, Queue

SWEEP = Job("privacy.sweep", Queue.MAINTENANCE, lossy="runs again within a minute")
COLLECT = Job("privacy.collect", Queue.MAINTENANCE, ("org_id", "client_export_id"), healed_by=SWEEP.name)
