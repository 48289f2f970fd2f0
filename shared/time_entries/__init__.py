"""Time entries: how long a worker was at an order, in segments between start, pause, resume and finish.

    start               pause                 finish
    ----> running -----------------> paused ----------> finished
             |  ^      resume          |                   ^
             |  +----------------------+                   |
             +------------------- finish ------------------+

Invariants: a worker has one running entry at most, and at one order one that is not finished; an entry has a segment
without an end exactly while it is running, and its segments do not overlap. What was worked is the sum of the segments,
in whole minutes; more than 1.2 times what was planned needs a reason. A clock that is set back costs minutes, but no
entry: an end is never before its start.

Whoever starts or resumes holds the worker's row, so that two who come at once see each other. Start at `service.py`;
`queries.py` reads entries with their segments, `states.py` is the table of moves.
"""
