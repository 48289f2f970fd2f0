"""From settings to services: the one place that chooses implementations and connects the process."""

from dataclasses import dataclass

from redis import Redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from shared import models  # noqa: F401 - every mapped class must be known before the first query
from shared.core import orm, transaction
from shared.core.settings import Settings
from shared.core.transaction import Database
from shared.integrations.broker import Broker
from shared.integrations.broker.celery_broker import CeleryBroker
from shared.integrations.captcha import Captcha
from shared.integrations.captcha.turnstile import TurnstileCaptcha
from shared.integrations.export import WebhookSender
from shared.integrations.export.http_sender import HttpWebhookSender
from shared.integrations.mail import Mailer
from shared.integrations.mail.events import MailEventVerifier
from shared.integrations.mail.resting import RestingMailer
from shared.integrations.mail.sendgrid_events import SendGridEventVerifier
from shared.integrations.mail.sendgrid_mailer import SendGridMailer
from shared.integrations.mail.smtp_mailer import SmtpMailer
from shared.integrations.payments import WebhookVerifier
from shared.integrations.payments.stripe_webhooks import StripeWebhookVerifier
from shared.integrations.storage import Storage
from shared.integrations.storage.cloudflare_images import CloudflareImagesStorage
from shared.integrations.storage.local_storage import LocalStorage
from shared.integrations.storage.memory_storage import MemoryStorage
from shared.integrations.storage.s3_storage import r2_storage, s3_storage

REDIS_PATIENCE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Services:
    """What a process works with. `storages` maps a backend's name to it: a photo's row remembers where its file is."""

    settings: Settings
    database: Database
    redis: Redis
    broker: Broker
    mailer: Mailer | None
    mail_events: MailEventVerifier
    storages: dict[str, Storage]
    webhooks: WebhookVerifier
    captcha: Captcha | None
    webhook_sender: WebhookSender

    @property
    def storage(self) -> Storage:
        """Where new photos go."""
        return self.storages[self.settings.order_storage_backend]


def build_services(settings: Settings) -> Services:
    """Make the process's services and bind its transactions. After the fork: connections must not be shared."""
    orm.Base.registry.configure()
    database = transaction.connect(settings)
    broker = CeleryBroker(settings.redis_url.get_secret_value())
    transaction.bind(database.writer, database.reader.connect, settings, broker.publish)
    return Services(
        settings=settings,
        database=database,
        redis=Redis.from_url(
            settings.redis_url.get_secret_value(),
            socket_timeout=REDIS_PATIENCE_SECONDS,
            socket_connect_timeout=REDIS_PATIENCE_SECONDS,
            retry=Retry(NoBackoff(), 0),
        ),
        broker=broker,
        mailer=build_mailer(settings),
        mail_events=SendGridEventVerifier(settings.sendgrid_webhook_public_key),
        storages=_storages(settings),
        webhooks=StripeWebhookVerifier(settings.stripe_webhook_secrets),
        captcha=TurnstileCaptcha(settings) if settings.captcha_mode == "turnstile" else None,
        webhook_sender=HttpWebhookSender(settings),
    )


def build_mailer(settings: Settings) -> Mailer | None:
    """The mail server that EMAIL_MODE names, with a breaker of its own; None while mail is off."""
    if settings.email_mode == "smtp":
        return RestingMailer(SmtpMailer(settings), settings)
    if settings.email_mode == "sendgrid":
        return RestingMailer(SendGridMailer(settings), settings)
    return None


def _storages(settings: Settings) -> dict[str, Storage]:
    """Every storage that is set up, by its name: a photo stays where it is when ORDER_STORAGE_BACKEND changes."""
    storages: list[Storage] = [LocalStorage(settings.order_upload_root)]
    if settings.order_storage_backend == MemoryStorage.backend:
        storages.append(MemoryStorage())
    if settings.s3_bucket:
        storages.append(s3_storage(settings))
    if settings.r2_bucket:
        storages.append(r2_storage(settings))
    if settings.cf_images_account_id:
        storages.append(CloudflareImagesStorage(settings))
    return {storage.backend: storage for storage in storages}
