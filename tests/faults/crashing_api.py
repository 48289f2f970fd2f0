"""The API with a crash point: `gunicorn tests.faults.crashing_api:app`. As `api/wsgi.py` otherwise."""

from api.app import create_app
from shared.core.log import configure_logging
from shared.core.settings import load_settings
from shared.wiring import build_services
from tests.faults.crash_points import dying

settings = load_settings()
configure_logging(settings.log_level)
app = create_app(settings, dying(build_services(settings)))
