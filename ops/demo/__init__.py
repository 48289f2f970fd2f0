"""The demo: drives the running system over HTTP as its users do, and says after each step what that proved.

`make demo` (or `make demo CHAPTER=order`). It reads `var/quickstart.json`, asks nothing, and ends with status 1 if a
step fails. Any process may be killed while it runs: steps are repeated as a careful client repeats them, with the same
Idempotency-Key, and what is owed arrives when the process is back.
"""
