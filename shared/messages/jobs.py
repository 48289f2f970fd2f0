from shared.core.jobs import Job, Queue

SWEEP = Job("messages.sweep", Queue.MAINTENANCE, lossy="runs again within a minute")
SEND = Job("messages.send", Queue.EMAIL, ("org_id",), healed_by=SWEEP.name)
"""Some mail of an organization is queued. Whoever hears it sends all that is, so that many at once need it once."""
GO_ON = Job("messages.go_on", Queue.EMAIL, ("org_id",), healed_by=SWEEP.name)
"""The turn of the organization was over before its mails were. Apart from `SEND`, because of those only one is heard
while the next turn is asked for."""
