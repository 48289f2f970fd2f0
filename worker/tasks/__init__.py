"""One module per feature. Each must be listed in `worker/app.py`."""
