from shared.core.jobs import Job, Queue

EXPIRE_HOLDS = Job("orders.expire_holds", Queue.MAINTENANCE, lossy="runs again within a minute")
