"""What `tests/forking.py` loads once: all that the API, the worker, beat and our commands are made of.

Nothing here reads a setting, opens a connection or starts a thread.
"""

import importlib
import os
import pkgutil

os.environ["REMAP_SIGTERM"] = "SIGQUIT"  # Celery reads it when it is imported


import ops.cli
import worker.app
import worker.tasks

for package in (ops.cli, worker.tasks):
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if not module.name.endswith(".__main__"):
            importlib.import_module(module.name)
