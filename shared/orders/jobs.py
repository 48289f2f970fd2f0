from shared.core.jobs import Job, Queue

REMIND = Job("orders.remind", Queue.MAINTENANCE, lossy="runs again within minutes, and finds what it has missed")
