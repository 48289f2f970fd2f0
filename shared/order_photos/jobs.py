from shared.core.jobs import Job, Queue

SWEEP = Job("order_photos.sweep", Queue.MAINTENANCE, lossy="runs again within a minute")
PURGE = Job("order_photos.purge", Queue.STORAGE, ("org_id", "photo_id"), healed_by=SWEEP.name)
