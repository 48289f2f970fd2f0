"""What the servers of the sandbox share, made once per process and handed to each."""

import threading
from dataclasses import dataclass, field
from typing import cast

from flask import current_app

from ops.sandbox.cloudflare.faults import CallLog
from ops.sandbox.cloudflare.faults import FaultPlan as CloudflareFaultPlan
from ops.sandbox.cloudflare.images import ImageStore
from ops.sandbox.mail.faults import FaultPlan
from ops.sandbox.mail.mailbox import Mailbox
from ops.sandbox.receiver.checking import Judge
from ops.sandbox.receiver.faults import FaultPlan as ReceiverFaultPlan
from ops.sandbox.receiver.log import Delivery
from ops.sandbox.s3.faults import FaultPlan as S3FaultPlan
from ops.sandbox.s3.log import RequestLog
from ops.sandbox.s3.store import Store
from ops.sandbox.sendgrid.faults import FaultPlan as SendGridFaultPlan
from ops.sandbox.sendgrid.log import Call, Log, Sent, Told
from ops.sandbox.sendgrid.signing import SigningKey, new_key
from ops.sandbox.sendgrid.telling import Teller
from ops.sandbox.stripe.log import EventLog
from ops.sandbox.turnstile.faults import FaultPlan as TurnstileFaultPlan
from ops.sandbox.turnstile.log import CheckLog
from ops.sandbox.turnstile.tokens import Tokens


@dataclass
class World:
    """The state of one sandbox.

    ``webhook_secret`` and ``webhook_url`` are the defaults for Stripe events, None when not given on the
    command line; ``sendgrid_webhook_url`` is where events of SendGrid go, and ``sendgrid_tells`` whether it is
    told there by itself that each mail is delivered. ``receiver_secret`` signs what
    the receiver of our webhooks takes for genuine. The ports are 0 until the servers listen. ``stopping`` is
    set once, when the process is told to end; whoever waits for something waits on it.
    """

    webhook_secret: str | None = None
    webhook_url: str | None = None
    sendgrid_webhook_url: str | None = None
    sendgrid_tells: bool = False
    sendgrid_key: SigningKey = field(default_factory=new_key)
    smtp_port: int = 0
    http_port: int = 0
    s3_port: int = 0
    mailbox: Mailbox = field(default_factory=Mailbox)
    smtp_faults: FaultPlan = field(default_factory=FaultPlan)
    stripe_events: EventLog = field(default_factory=EventLog)
    turnstile_tokens: Tokens = field(default_factory=Tokens)
    turnstile_faults: TurnstileFaultPlan = field(default_factory=TurnstileFaultPlan)
    turnstile_checks: CheckLog = field(default_factory=CheckLog)
    s3_store: Store = field(default_factory=Store)
    s3_faults: S3FaultPlan = field(default_factory=S3FaultPlan)
    s3_requests: RequestLog = field(default_factory=RequestLog)
    cloudflare_images: ImageStore = field(default_factory=ImageStore)
    cloudflare_faults: CloudflareFaultPlan = field(default_factory=CloudflareFaultPlan)
    cloudflare_calls: CallLog = field(default_factory=CallLog)
    sendgrid_faults: SendGridFaultPlan = field(default_factory=SendGridFaultPlan)
    sendgrid_calls: Log[Call] = field(default_factory=Log)
    sendgrid_sent: Log[Sent] = field(default_factory=Log)
    sendgrid_told: Log[Told] = field(default_factory=Log)
    receiver_secret: str | None = None
    receiver_faults: ReceiverFaultPlan = field(default_factory=ReceiverFaultPlan)
    receiver_log: Log[Delivery] = field(default_factory=Log)
    receiver_judge: Judge = field(init=False)
    stopping: threading.Event = field(default_factory=threading.Event)
    sendgrid_teller: Teller = field(init=False)

    def __post_init__(self) -> None:
        url = self.sendgrid_webhook_url if self.sendgrid_tells else None
        self.receiver_judge = Judge([self.receiver_secret] if self.receiver_secret else [])
        self.sendgrid_teller = Teller(url, self.sendgrid_key, self.sendgrid_told, self.stopping)


def world() -> World:
    """The World of the Flask app that serves the current request."""
    return cast(World, current_app.extensions["sandbox"])
