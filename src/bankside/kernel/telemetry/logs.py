"""Log lines: one JSON object each, on stderr, UTC, without secrets.

A level below the configured one costs half a microsecond: nothing is built. Libraries that log the
standard way (asyncpg, pgqueuer, Litestar) come out in the same shape.
"""

import json
import logging
import re
import sys
from typing import Any

import msgspec
import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

VALUE_CHARACTERS_MAX = 4_000

# A field whose name holds one of these is never written, whatever it holds.
_SECRET = re.compile(
    r"password|passwd|secret|token|authorization|cookie|private|credential|otp|pin$|kek|dsn|"
    r"database_url|signature|biz_content|resident_id|card_no",
    re.IGNORECASE,
)
_PASSWORD_IN_URL = re.compile(r"(\w+://[^:/@\s]+:)[^@/\s]+@")
_HIDDEN = "[hidden]"

# Libraries tell each step at info; their warnings are news.
_LOUD = ("asyncpg", "pgqueuer", "litestar", "uvicorn", "httpx", "asyncio")


def configure(level: str, process: str) -> None:
    """Write lines of ``level`` (debug, info, warning, error) and above, each naming ``process``."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            *_shared(process),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.BytesLoggerFactory(sys.stderr.buffer),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[
                structlog.contextvars.merge_contextvars,
                structlog.stdlib.add_log_level,
                structlog.stdlib.add_logger_name,
            ],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                *_shared(process),
                _decode,
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    for name in _LOUD:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))


def _shared(process: str) -> list[Processor]:
    def name_process(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return [
        name_process,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        structlog.processors.format_exc_info,
        redact,
        structlog.processors.JSONRenderer(serializer=_encode),
    ]


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Hide secrets by field name, and passwords inside addresses; cut endless values."""
    return {name: _shown(name, value) for name, value in event.items()}


def _shown(name: str, value: Any) -> Any:
    if _SECRET.search(name):
        return _HIDDEN
    if isinstance(value, dict):
        return {str(key): _shown(str(key), inner) for key, inner in value.items()}
    if isinstance(value, str):
        return _PASSWORD_IN_URL.sub(rf"\1{_HIDDEN}@", value[:VALUE_CHARACTERS_MAX])
    return value


def _encode(event: EventDict, **_: Any) -> bytes:
    try:
        return msgspec.json.encode(event, enc_hook=repr)
    except (ValueError, OverflowError):
        # Half a surrogate or a giant number from a stranger: logging itself must never fail.
        return json.dumps(event, default=repr).encode()


def _decode(_logger: WrappedLogger, _method: str, line: Any) -> str:
    return bytes(line).decode()
