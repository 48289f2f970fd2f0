from shared.core.jobs import Job, Queue
from shared.core.settings import Settings


def _are_off(settings: Settings) -> bool:
    """While exports are off, events wait; the sweep finds them when exports are on."""
    return settings.export_mode == "off"


SWEEP = Job("exports.sweep", Queue.MAINTENANCE, lossy="runs again within a minute")
DELIVER = Job("exports.deliver", Queue.EXPORTS, ("org_id",), healed_by=SWEEP.name, is_off=_are_off)
GO_ON = Job("exports.go_on", Queue.EXPORTS, ("org_id",), healed_by=SWEEP.name, is_off=_are_off)
DEAD_LETTER = Job("exports.dead_letter", Queue.MAINTENANCE, lossy="runs again within minutes")
