"""The life of a lead, and nothing else."""

from enum import StrEnum


class LeadState(StrEnum):
    NEW = "new"
    CONTACTED = "contacted"
    QUOTED = "quoted"
    WON = "won"
    LOST = "lost"
