"""Photos of the work, attached to an order.

    reserve         mark_stored          remove              claim              forget
    ------> uploading --------> stored ---------> deleting --------> purging --------> (row gone)
                |                                  ^   ^                |
                +--- over an hour: swept ----------+   +- retry is due,-+--> stuck, after too many tries: somebody looks
                                                          or lease ran out

Invariant: **no object without a row that names its key and its backend; a row may outlive its object, never the
reverse.**
So the row is reserved before the object is written, and forgotten after the object is deleted, and the storage is never
called inside a transaction. Wherever a process dies, what is left is a row that a sweep can see:

    after reserve, before put            row `uploading`             sweep -> purge
    after put, before mark_stored        row `uploading`, object     sweep -> purge
    after remove, before the message     row `deleting`, object      sweep enqueues again
    in purge, after the storage delete   row `purging`               purge again: nothing to delete, forget the row
    the message arrives twice            nothing                     the second finds no `deleting` row

A stranger's file meets two walls. The API looks at its structure and decodes nothing (`inspection`); the worker decodes
it and writes it anew (`encoding`), so that what is kept are pixels that we have written ourselves, without the place
where they were taken. `rules.py` has the limits and the codes of what is refused.

Start at `service.py`, then `worker/tasks/order_photos.py`.
"""
