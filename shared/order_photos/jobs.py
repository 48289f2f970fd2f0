from shared.core.jobs import Job, Queue

SWEEP = Job("order_photos.sweep", Queue.MAINTENANCE, lossy="runs again within a minute")
PROCESS = Job("order_photos.process", Queue.STORAGE, ("org_id", "photo_id"), healed_by=SWEEP.name)
MOVE = Job("order_photos.move", Queue.STORAGE, ("org_id", "photo_id"), healed_by=SWEEP.name)
RECOUNT = Job("order_photos.recount", Queue.MAINTENANCE, lossy="runs again the next day")
