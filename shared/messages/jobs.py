from shared.core.jobs import Job, Queue

SWEEP = Job("messages.sweep", Queue.MAINTENANCE, lossy="runs again within a minute")
SEND = Job("messages.send", Queue.EMAIL, ("org_id", "message_id"), healed_by=SWEEP.name)
