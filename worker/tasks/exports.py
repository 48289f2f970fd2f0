"""Exports: delivering events to other systems, and looking after those that were given up."""
