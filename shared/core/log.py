"""One JSON line per event, in the API, the workers and the commands alike.

Lines carry what is bound with `structlog.contextvars` (request id, organization, actor, job). Records of libraries that
use `logging` go through the same processors. Secrets never print: keys that sound like one are masked whatever they
hold, and e-mail addresses and phone numbers are masked inside any text.
"""

import logging
import re
import sys
from functools import lru_cache
from typing import Any, TextIO

import orjson
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

_SECRET_KEY = re.compile(r"password|secret|token|authorization|cookie|signature|api_?key|dsn|credential", re.IGNORECASE)
_EMAIL = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63})+")
_PHONE = re.compile(r"(?<![\w.:-])\+\d{8,15}(?![\w-])")
_URL_PASSWORD = re.compile(r"(://[^/\s:@]*):[^@\s/]+@")
_MASK = "[redacted]"


def redact(value: Any, key: str = "") -> Any:
    """`value` without secrets, e-mail addresses and phone numbers."""
    if key and value not in (None, "", True, False) and _sounds_secret(key):
        return _MASK
    if isinstance(value, str):
        if "@" in value:
            value = _EMAIL.sub(_MASK, _URL_PASSWORD.sub(rf"\1:{_MASK}@", value))
        return _PHONE.sub(_MASK, value) if "+" in value else value
    if isinstance(value, dict):
        return {name: redact(item, str(name)) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    return value


@lru_cache(maxsize=1024)
def _sounds_secret(key: str) -> bool:
    return _SECRET_KEY.search(key) is not None


def _redact_event(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {name: redact(value, name) for name, value in event.items()}


def _to_json(_: WrappedLogger, __: str, event: EventDict) -> bytes:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS)


def _to_text(logger: WrappedLogger, name: str, event: EventDict) -> str:
    return _to_json(logger, name, event).decode()


_SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
]


def configure_logging(level: str, stream: TextIO = sys.stdout) -> None:
    """Send everything this process logs to `stream` as JSON lines of `level` and above."""
    number = logging.getLevelName(level.upper())
    structlog.configure(
        processors=[*_SHARED, _redact_event, _to_json],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.BytesLoggerFactory(stream.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.ExtraAdder(), structlog.stdlib.add_logger_name, *_SHARED],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, _redact_event, _to_text],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(number)
    for chatty in ("botocore", "urllib3", "PIL", "celery.worker.strategy", "celery.app.trace"):
        logging.getLogger(chatty).setLevel(max(logging.WARNING, number))
