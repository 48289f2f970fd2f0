"""Photos of the work, attached to an order.

    reserve          mark_uploaded         claim             finish
    ------> uploading ------------> uploaded ----> processing ------> stored ----> (row gone, see `storage_deletes`)
                |                       ^              |                ^   remove
                |                       +- lease ran --+                |
                |                          out, retry  +--> rejected    +- move: to another backend and back to stored
                +--- over an hour: given up                 (a day)

A stranger's file meets two walls. The API looks at its structure and decodes nothing (`inspection`); a worker decodes
it and writes it anew (`encoding`), so that what is kept are pixels that we have written ourselves, without the place
where they were taken. What was uploaded is shown to nobody and deleted when that is done. `rules.py` has the limits and
the codes of what is refused.

Invariant: **no object without a row that names its key and its backend; a row may outlive its object, never the
reverse.** So the row is written before the object, an object that goes out of use is handed to `storage_deletes` in
the transaction that takes its name away, and the storage is never called inside a transaction. Wherever a process dies,
what is left is a row that a sweep can see:

    after reserve, before put            row `uploading`, quota held      sweep -> delete, quota released
    after put, before mark_uploaded      row `uploading`, object          sweep -> delete
    after remove, before the message     row in `storage_deletes`, object sweep deletes
    in purge, after the storage delete   row in `storage_deletes`         purge again: nothing to delete, forget the row
    the message arrives twice            nothing                          the second finds no row
    in process, wherever                 row `processing` with all keys   lease runs out -> process again, over it
    in move, before the row changes      the copy is named by a delete that is due in an hour, or by the next try

Start at `uploading.py`, then `processing.py` and `worker/tasks/order_photos.py`.
"""
