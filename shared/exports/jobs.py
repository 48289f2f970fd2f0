from shared.core.jobs import Job, Queue

SWEEP = Job("exports.sweep", Queue.MAINTENANCE, lossy="runs again within a minute")
DELIVER = Job("exports.deliver", Queue.EXPORTS, ("org_id",), healed_by=SWEEP.name)
GO_ON = Job("exports.go_on", Queue.EXPORTS, ("org_id",), healed_by=SWEEP.name)
DEAD_LETTER = Job("exports.dead_letter", Queue.MAINTENANCE, lossy="runs again within minutes")
