"""How long things are kept; part of `shared.core.settings.Settings`."""

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
