"""The settings of exports: events for other systems, by webhook; part of `shared.core.settings.Settings`."""

from typing import Annotated, Literal

from pydantic import BaseModel, Field, SecretStr

from shared.core.setting_types import Count, Seconds, Texts
from shared.core.webhook_secrets import key_of
from shared.core.webhook_urls import ForbiddenPlaceError, Rules, WebhookUrlError, place_of, rules_of


class ExportSettings(BaseModel):
    """Where events go, how often one is tried, and what a target may be."""

    export_mode: Literal["off", "webhook"] = Field(
        "off", description="How events leave. `off` keeps them waiting; nothing is lost."
    )
    export_webhook_url: str = Field(
        "", description="Where the events of organizations go that have no URL of their own. Empty: they wait."
    )
    export_webhook_secret: SecretStr = Field(
        SecretStr(""),
        description="Signs what goes there (Standard Webhooks, `whsec_` and base64); comma list while rotating.",
    )
    export_webhook_timeout_seconds: Seconds = Field(
        5.0, description="Longest time for one delivery as a whole: look-up, connection, request and answer."
    )
    export_webhook_max_retries: Count = Field(8, description="Further tries after the first, before an event is dead.")
    export_webhook_backoff_seconds: Seconds = Field(
        5.0, description="First wait between tries; each is about four times the one before, up to a day."
    )
    export_webhook_allowed_hosts: Texts = Field(
        (), description="The only hosts that may be targets, as `host` or `host:port`. Comma list; empty: any."
    )
    export_webhook_allow_http: bool = Field(False, description="Let targets be http://, too. For development.")
    export_webhook_block_private_ips: bool = Field(
        True,
        description="Refuse targets in private and special networks. Off, EXPORT_WEBHOOK_ALLOWED_HOSTS must say which "
        "hosts may be targets.",
    )
    export_dead_letter_interval_seconds: Seconds = Field(
        900.0, description="How often events that were given up are looked after."
    )
    export_dead_letter_auto_replay: bool = Field(
        True, description="Replay events that were given up, when their target works again."
    )
    export_dead_letter_auto_replay_max_age_days: Count = Field(7, description="Only events younger than this.")
    export_dead_letter_auto_replay_max_times: Count = Field(3, description="And only this often.")
    export_dead_letter_auto_replay_hours: Annotated[float, Field(gt=0)] = Field(
        6.0, description="At least this long apart."
    )

    def export_faults(self, *, production: bool) -> list[str]:
        """What the chosen mode lacks, and what contradicts itself."""
        faults = self._target_faults()
        if production and self.export_webhook_allow_http and not self.export_webhook_allowed_hosts:
            faults.append("EXPORT_WEBHOOK_ALLOW_HTTP=true needs EXPORT_WEBHOOK_ALLOWED_HOSTS in production")
        if self.export_webhook_url and not self.export_webhook_secret.get_secret_value():
            faults.append("EXPORT_WEBHOOK_SECRET is required with EXPORT_WEBHOOK_URL")
        if not self.export_webhook_block_private_ips and not self.export_webhook_allowed_hosts:
            faults.append("EXPORT_WEBHOOK_BLOCK_PRIVATE_IPS=false needs EXPORT_WEBHOOK_ALLOWED_HOSTS")
        return faults

    def _target_faults(self) -> list[str]:
        """What would make every event dead that goes to the installation's target."""
        faults = []
        for secret in self.export_webhook_secrets:
            try:
                key_of(secret)
            except ValueError as error:
                faults.append(f"EXPORT_WEBHOOK_SECRET {error}")
        try:
            rules = self.export_webhook_rules
        except WebhookUrlError as error:
            return [*faults, f"EXPORT_WEBHOOK_ALLOWED_HOSTS: {error}"]
        if self.export_webhook_url:
            try:
                rules.check(place_of(self.export_webhook_url))
            except (WebhookUrlError, ForbiddenPlaceError) as error:
                faults.append(f"EXPORT_WEBHOOK_URL: {error}".rstrip("."))
        return faults

    @property
    def export_webhook_rules(self) -> Rules:
        """What may be a target. Raises `WebhookUrlError` for a host that is none."""
        return rules_of(self.export_webhook_allowed_hosts, allow_http=self.export_webhook_allow_http)

    @property
    def export_webhook_secrets(self) -> tuple[str, ...]:
        """The secrets of the installation's target: what signs, then those before while rotating."""
        parts = self.export_webhook_secret.get_secret_value().split(",")
        return tuple(part.strip() for part in parts if part.strip())
