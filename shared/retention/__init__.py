"""Retention: what is forgotten because its time is over. `cleanup` takes away what was meant to live for hours, and
`retention` what a company and the law have had long enough. Both in small transactions, oldest first.

`categories.py` says what is over and when, once for counting (a dry run) and for removing. A page of the oldest rows is
looked at (`forgetting.py`), what something refers to or a legal hold keeps (`holding.py`) is passed over, the rest
goes. `removing.py` is how, where it is more than a DELETE. `worker/core/forgetting.py` walks through organizations,
categories and pages, and remembers where it stopped. What an operator has to know is in `ops/docs/retention.md`.
"""
