"""The whole of Crewline on one machine, without Docker: `python -m ops.quickstart run|stop|status|logs`.

Read in this order: `command.py` (what the words on the command line do), `launch.py` (the order in which the system
comes up), `system.py` (the processes), `supervisor.py` (keeps them up). `postgres.py`, `redis_server.py` and
`database.py` stand alone: the tests and the bench start their servers with them.

Nothing here imports the application: it starts processes and sets their environment.
"""
