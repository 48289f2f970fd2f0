"""Objects in a storage that are to go: the one queue of deletes, for every backend.

    owe          claim            forget
    ----> waiting ----> deleting --------> (row gone)
             ^              |
             +- retry is due, or lease ran out      stuck, after too many tries: somebody looks, and asks to retry
             |              |                         ^
             +--------------+-------------------------+

Invariant, together with `order_photos`: **every object is named by a row from before it is written until after it is
gone.** Who takes an object out of use writes a row here in the same transaction; who is going to write an object that
no other row names (`reserve`) writes one that is due later, and takes it back (`keep`) when another row names it.

The storage is never called inside a transaction: a worker claims rows (transaction), deletes the objects, then forgets
the rows (transaction). Wherever it dies, the row is still there and deleting again is harmless. A try that a storage
has refused without being asked (circuit open, not set up) is not counted.

Start at `service.py`, then `worker/tasks/storage_deletes.py`.
"""
