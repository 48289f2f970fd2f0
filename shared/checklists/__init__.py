"""Checklists: what has to be done at an order, from versioned templates of its service.

    PUT template              confirm the order                tick
    ----> version 1, 2, … ----------------------> item: open <------> done (who, when)
                                                        untick

A template is never changed: each change is a new version, the highest is in force, and one without items means that
there is no checklist from then on. An order keeps the items that it was given, whatever happens to the template.

Invariants: an order is given its items once; who ticked an item first, and when, stays until it is unticked. That an
order which is over is left alone is up to the caller, who holds the order's lock.

Start at `templates.py`; `service.py` is about the items of orders.
"""
