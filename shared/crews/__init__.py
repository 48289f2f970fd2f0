"""Crews: who does the work and when they can: teams with weekly hours, workers, blackouts."""
