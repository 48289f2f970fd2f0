"""Messages in, function calls out. `app.py` is Celery's entry point, `schedule.py` the beat table.

A task reads: which job it is bound to, then what a route reads like: a transaction, a call into the domain. It re-reads
the row's state first and returns when there is nothing to do, so that a message delivered twice has the effect of one.
"""
