"""The operator's commands: `python -m ops.cli --help`. They act through `shared/`, like the API and the workers."""
