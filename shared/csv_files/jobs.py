from shared.core.jobs import Job, Queue

SWEEP = Job("csv_files.sweep", Queue.MAINTENANCE, lossy="runs again within a minute")
WRITE = Job("csv_files.write", Queue.EXPORTS, ("org_id", "csv_file_id"), healed_by=SWEEP.name)
