"""Tables written to files in the background, and forgotten in time."""
