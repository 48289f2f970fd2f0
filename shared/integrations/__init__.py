"""The outside world, one folder per kind: a Protocol and its real implementations, chosen by `shared.wiring`."""
