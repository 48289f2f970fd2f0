"""`python -m ops.quickstart`."""

import os
import sys

from ops.quickstart.command import main

try:
    status = main()
except BrokenPipeError:  # `… run | head`: nobody reads any more, which is no reason for a traceback
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    status = 1
sys.exit(status)
