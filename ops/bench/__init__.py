"""How far each path is from the limit of this machine: `make bench`, or `python -m ops.bench --help`.

Absolute numbers say more about the machine than about us. So every path of ours is measured beside something bare that
does the least a server could do for it, in the same run, in turns, and the ratio is what counts. `limits/` holds the
bare things, `__main__.py` the order of events, `ops/docs/bench.md` the latest table.
"""
