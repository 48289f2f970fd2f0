"""Recurrences: orders that come back: weekly, every two weeks, monthly, with dates that are skipped or moved."""
