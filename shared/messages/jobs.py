from shared.core.jobs import Job, Queue

SWEEP = Job("messages.sweep", Queue.MAINTENANCE, lossy="runs again within a minute")
SEND = Job("messages.send", Queue.EMAIL, ("org_id",), healed_by=SWEEP.name)
"""Some mail of an organization is queued. Whoever hears it sends all that is, so that many at once need it once."""
