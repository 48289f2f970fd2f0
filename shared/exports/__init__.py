"""Exports: what other systems are told. One row per event, with its payload as it was at the moment of the change.

The row is written in the transaction of the change (`service.record`), and is the promise that the event will be
delivered. What is due is claimed in whatever state it waits (`delivering`); the organization's row of
`webhook_endpoints` (`targets`) says whether its target may be tried now, and whose turn it is. Receivers read
`ops/docs/webhooks.md`.

| the worker dies...              | left behind                          | healed by                                  |
|---------------------------------|--------------------------------------|--------------------------------------------|
| before the claim commits        | the event `pending`                  | the message comes again, or the sweep      |
| before the receiver hears of it | the event and the target are held    | their leases run out; then the sweep       |
| after it has, before the record | the same                             | the same: it arrives twice, with one id    |
| after the record                | the next event is held, not offered  | its lease runs out                         |
| of the event itself, each time  | the same, each time one try less     | after the last it is `dead`, others leave  |
| the message arrives twice       | nothing                              | the target is held, or nothing is due      |
"""
