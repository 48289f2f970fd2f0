"""Checklists: what has to be done at an order, from versioned templates of its service."""
