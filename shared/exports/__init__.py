"""Exports: what other systems are told. One row per event, with its payload as it was at the moment of the change.

The row is written in the transaction of the change, and is the promise that the event will be delivered; the states are
those of an outbox (`shared/core/outbox.py`). Start at `service.record`.
"""
