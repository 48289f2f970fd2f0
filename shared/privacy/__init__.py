"""Privacy: what is held on a person, all of it: a copy for them, and forgetting them.

A copy (`client_exports`):

    request_export --> queued --claim--> collecting --> ready --after 7 days--> expired (the bundle is gone)
                         ^                   |
                         +-- lease ran out --+--> dead, after too many tries

Erasing (`erasing.py`) is one transaction and cannot be undone: whoever reads afterwards finds no name, address, number
or free text of the person in any row of the organization, and the money is all there. What cannot be rewritten, the
audit log, must therefore never hold such values: audit entries of clients, leads and orders have the names of fields
only. Of the history of orders nothing can be rewritten but its `details`, for this.

`person.py` says which rows are a person's, for both. A new table that holds something on a person has to be added to
`collecting.py` and to `scrubbing.py`; `tests/privacy` looks for the values in every column of every table, and
`tests/concurrency/test_erased_dump.py` in a dump of the database. `copies.py` is for what was copied out of their rows:
files, events of Stripe, answers of other systems. A client under legal hold cannot be erased.
"""
