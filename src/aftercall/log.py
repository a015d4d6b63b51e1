"""This file sets up logging, once; numbers, names, transcripts and secrets never reach a log."""

import logging
import sys
from collections.abc import MutableMapping
from typing import Any

import structlog

#: Keys whose values are never logged, whoever passes them.
PRIVATE_KEYS = frozenset(
    {
        "password", "token", "secret", "authorization", "cookie", "key",
        "caller", "callee", "number", "name", "recording", "recording_name", "text", "words", "transcript", "body",
        "query",
    }
)  # fmt: skip


def hide_private(_logger: Any, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace the value of every private key."""
    for key in event:
        if key in PRIVATE_KEYS:
            event[key] = "(hidden)"
    return event


def set_up(*, level: str = "INFO", for_machines: bool | None = None) -> None:
    """Send structlog and the standard library's loggers to stderr, as lines for people or as JSON.

    Args:
        level: a standard level name.
        for_machines: JSON lines if true; None decides by whether stderr is a terminal.
    """
    as_json = not sys.stderr.isatty() if for_machines is None else for_machines
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        hide_private,
    ]
    render: structlog.types.Processor = (
        structlog.processors.JSONRenderer() if as_json else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    after: list[structlog.types.Processor] = [structlog.stdlib.ProcessorFormatter.remove_processors_meta]
    if as_json:
        after.append(structlog.processors.format_exc_info)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=[*after, render]))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    for noisy in ("httpx2", "httpcore2", "httpx", "httpcore", "alembic", "uvicorn.access", "uvicorn.error", "dbos"):
        logging.getLogger(noisy).setLevel("WARNING")


def get(room: str) -> structlog.stdlib.BoundLogger:
    """The logger of one room."""
    logger: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger(room)
    return logger
