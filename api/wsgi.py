"""gunicorn's entry point. Runs in each worker process, after the fork: engine and connections are its own."""

from api.app import create_app
from shared.core.log import configure_logging
from shared.core.settings import load_settings
from shared.wiring import build_services

settings = load_settings()
configure_logging(settings.log_level)
app = create_app(settings, build_services(settings))
