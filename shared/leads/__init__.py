"""Leads: people who have asked for work and have not ordered yet."""
