from shared.core.jobs import Job, Queue

SWEEP = Job("stripe_events.sweep", Queue.MAINTENANCE, lossy="runs again within a minute")
HANDLE = Job("stripe_events.handle", Queue.STRIPE, ("event_id",), healed_by=SWEEP.name)
