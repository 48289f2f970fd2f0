from shared.core.jobs import Job, Queue

EXPIRE_HOLDS = Job("orders.expire_holds", Queue.MAINTENANCE, lossy="runs again within a minute")
REMIND = Job("orders.remind", Queue.MAINTENANCE, lossy="runs again within minutes, and finds what it has missed")
