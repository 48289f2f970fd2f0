"""How long things are kept; part of `shared.core.settings.Settings`."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, Field

from shared.core.setting_types import Count, Seconds


class RetentionSettings(BaseModel):
    """The longest that anything is kept. An organization may choose less."""

    cleanup_interval_seconds: Seconds = Field(
        300.0, description="How often holds, sessions, links and keys that are over are looked for."
    )
    retention_at_seconds: Annotated[float, Field(ge=0, lt=86400)] = Field(
        12600.0, description="When the day of retention begins, in seconds after midnight UTC: 12600 is 03:30."
    )
    retention_enable_leads: bool = Field(False, description="Remove leads that came to nothing.")
    retention_lead_days: Count = Field(
        365, description="After this long; counted from the last change of a lead that is lost or untouched."
    )
    retention_message_days: Count = Field(90, description="What mails said is forgotten after this long.")
    retention_export_days: Count = Field(30, description="Events that were delivered or given up are removed then.")
    retention_stripe_event_days: Count = Field(90, description="Stripe's events that were handled are removed then.")
    retention_session_days: Count = Field(30, description="Sessions are removed this long after their end.")
    retention_job_run_days: Count = Field(30, description="Runs of jobs are removed after this long.")
    retention_audit_days: Annotated[int, Field(ge=365)] = Field(
        2555, description="Entries of the audit log are removed after this long; a year at least."
    )
    retention_photo_days: Annotated[int, Field(ge=0)] = Field(
        0, description="Photos are removed this long after their order has ended. 0 keeps them."
    )

    @property
    def longest_kept(self) -> dict[str, int | None]:
        """The days for which the installation keeps what an organization may keep for less; None is for ever."""
        return {
            "lead_days": self.retention_lead_days,
            "message_days": self.retention_message_days,
            "export_days": self.retention_export_days,
            "session_days": self.retention_session_days,
            "photo_days": self.retention_photo_days or None,
        }

    def days_kept(self, policy: Mapping[str, int | None]) -> dict[str, int | None]:
        """For how many days things are kept in an organization that has chosen `policy`: None is for ever. Leads go
        only where the installation removes leads at all."""
        chosen = {
            name: min((days for days in (policy.get(name), longest) if days is not None), default=None)
            for name, longest in self.longest_kept.items()
        }
        return chosen if self.retention_enable_leads else chosen | {"lead_days": None}
