from shared.core.jobs import Job, Queue

SWEEP = Job("storage_deletes.sweep", Queue.STORAGE, lossy="runs again within a minute")
PURGE = Job("storage_deletes.purge", Queue.STORAGE, ("org_id", "owner_id"), healed_by=SWEEP.name)
