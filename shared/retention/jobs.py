from shared.core.jobs import Job, Queue

CLEANUP = Job("retention.cleanup", Queue.MAINTENANCE, lossy="runs again within minutes")
RETENTION = Job("retention.forget", Queue.MAINTENANCE, lossy="asked for again within minutes")
