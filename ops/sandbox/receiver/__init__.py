"""The receiver of our webhooks, as a company's developer would write it: it checks signatures with the package
``standardwebhooks`` (https://www.standardwebhooks.com/), knows duplicates by their id, and can be slow, wrong or away.

``log`` remembers deliveries, ``checking`` judges them, ``faults`` makes them go wrong, ``routes`` speaks HTTP. It is a
part of the sandbox, and a program of its own that can be killed: ``python -m ops.sandbox.receiver --help``.
"""
