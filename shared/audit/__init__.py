"""The audit log: who changed what, when, from where. Append-only: no role may UPDATE or DELETE.

Every state change that a person or the system makes for an organization writes one entry in the same transaction, so
an entry exists exactly when the change does. Secrets never go in. Start at `service.record`; owners and admins read
the log through `service.list_page`.
"""
