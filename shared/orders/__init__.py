"""Orders: the work that a client has asked for, from the booking to its end.

              deposit paid, or staff confirm         start                  complete
    pending --------------------------> confirmed -------> in_progress ------------> completed
       |  expire (the hold ran out),       |  |  cancel         | cancel
       |  cancel                           |  no_show           |
       +-----------> cancelled <-----------+--|-----------------+
                                              +----> no_show

Invariants: nobody is at two places. A team's orders that occupy time (pending, confirmed, in_progress) never overlap,
the buffer behind each included, nor do a worker's: constraints of the database decide (`ex_orders_team`,
`ex_order_workers_worker`). `number` is unique per organization and counts from 1001; `version` grows with every change
(the ETag); every move writes history, the audit log, its export and its mail in one transaction, or none of them. A
client never sends a price: it is that of an estimate, or staff's. Amounts are minor units of `currency`.

Start at `placing.py`, which agrees on the `terms.py` first, with what `named.py` reads; `states.py` is the table of
moves that the API, the documentation and the tests read; `moving.py` carries them out, `scheduling.py` and
`assigning.py` change when and who; `policies.py` knows deposits and cancellation fees; `slots.py` says when somebody
can come, and `booking.py` lets strangers take such a time; `reminders.py` reminds clients, once for each time;
`service.py` reads, `board.py` is the dispatch board.
"""
