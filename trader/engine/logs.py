"""Log lines: UTC time, level, symbol, timeframe, message; to the terminal and a rotating file, without secrets.

Loggers are those of `logging.getLogger(__name__)`; the stream a line is about goes into `extra`:

    logger.info("opened LONG 0.5 at 100.2: double_bottom", extra={"symbol": "BTCUSDT", "timeframe": "1min"})
"""

from __future__ import annotations

import contextlib
import logging
import sys
import time
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import TextIO

from trader.core.errors import ConfigError
from trader.core.settings import Settings
from trader.core.timeframe import Timeframe
from trader.engine.redaction import redactor

#: The logger of everything that is ours; what libraries say is shown from warnings on.
OURS = "trader"

#: `debug` that shows everything.
ALL = "all"

MEGABYTE = 1_000_000

#: A level above all others.
NEVER = logging.CRITICAL + 1


class PlainLines(logging.Formatter):
    """Formats `2026-01-05 12:00:00.123 INFO    BTCUSDT    1min  message`, and hides secrets in all of it."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of `record`, with the traceback below it if it has one."""
        text = record.getMessage().replace("\n", "\n    ")
        if record.exc_info:
            text = f"{text}\n{self.formatException(record.exc_info)}"
        symbol, timeframe = getattr(record, "symbol", ""), getattr(record, "timeframe", "")
        stream = f"{symbol or '-':<10} {timeframe or '-':<5}"
        return redactor.hide(f"{utc_text(record.created)} {record.levelname:<7} {stream} {text}")


def utc_text(seconds: float) -> str:
    """Return a time in seconds since the epoch as `YYYY-MM-DD HH:MM:SS.mmm` UTC.

    >>> utc_text(1.5)
    '1970-01-01 00:00:01.500'
    """
    milliseconds = int(seconds * 1000) % 1000
    return f"{time.strftime('%Y-%m-%d %H:%M:%S', time.gmtime(seconds))}.{milliseconds:03d}"


class StreamFilter:
    """Lets debug lines of the chosen symbol and timeframe through; all other lines pass.

    `chosen` is `all`, or a symbol, a timeframe, or both, parted by a comma or colon.
    """

    def __init__(self, chosen: str) -> None:
        parts = [] if chosen == ALL else chosen.replace(":", ",").split(",")
        names = {str(timeframe): timeframe for timeframe in Timeframe}
        names |= {timeframe.wire: timeframe for timeframe in Timeframe if timeframe.wire}
        self._timeframes = {names[part] for part in parts if part in names}
        self._symbols = {part.upper() for part in parts if part not in names}

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether `record` is to be written."""
        if record.levelno > logging.DEBUG:
            return True
        symbol, timeframe = getattr(record, "symbol", ""), getattr(record, "timeframe", "")
        return (not self._symbols or symbol in self._symbols) and (
            not self._timeframes or timeframe in self._timeframes
        )


class Terminal(logging.StreamHandler[TextIO]):
    """Writes to standard error, and goes silent for good when nobody reads it any more."""

    def __init__(self) -> None:
        logging.Handler.__init__(self)

    @property
    def stream(self) -> TextIO:  # type: ignore[override]
        """Standard error as it is now: a progress bar puts its own in place, which writes above the bar."""
        return sys.stderr

    def handleError(self, record: logging.LogRecord) -> None:
        """Stop writing where the terminal is gone; say what is wrong with a line that cannot be formatted."""
        if sys.stderr is None or sys.stderr.closed or isinstance(sys.exception(), OSError):
            self.setLevel(NEVER)
            return
        complain(record)


class LogFile(RotatingFileHandler):
    """Writes to a file that is rotated; a line that cannot be written does not stop the program."""

    def handleError(self, record: logging.LogRecord) -> None:
        """Say on the terminal that a line is lost, and why."""
        complain(record)


def complain(record: logging.LogRecord) -> None:
    """Say on standard error that `record` could not be logged: in one line, without its values."""
    text = f"a log line of {record.pathname}:{record.lineno} is lost: {sys.exception()}"
    with contextlib.suppress(OSError, ValueError, AttributeError):
        print(redactor.hide(text), file=sys.stderr)


def configure(settings: Settings, debug: str | None = None, *, quiet: bool = False) -> None:
    """Begin logging to the terminal and, unless it is "", to `LOG_FILE`; a second call replaces the first.

    `debug`: None, `all`, a symbol, a timeframe, or both. `quiet`: the terminal has warnings only, the file everything.
    Raise `ConfigError` where the file cannot be written.
    """
    handlers = _handlers(settings, quiet)
    stop()
    chosen = StreamFilter(debug or ALL)
    for handler in handlers:
        handler.setFormatter(PlainLines())
        handler.addFilter(chosen.filter)
        logging.getLogger().addHandler(handler)
    logging.getLogger().setLevel(logging.WARNING)
    logging.getLogger(OURS).setLevel(logging.DEBUG if debug else logging.INFO)
    logging.captureWarnings(True)


def stop() -> None:
    """End what `configure` began: write out and close the file, leave the logging of a host as it was."""
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler.formatter, PlainLines)]:
        root.removeHandler(handler)
        handler.close()
    logging.getLogger(OURS).setLevel(logging.NOTSET)
    logging.captureWarnings(False)


def _handlers(settings: Settings, quiet: bool) -> list[logging.Handler]:
    handlers: list[logging.Handler] = []
    if settings.LOG_FILE:
        handlers.append(_file(settings))
    terminal = Terminal()
    terminal.setLevel(logging.WARNING if quiet else logging.DEBUG)
    return [*handlers, terminal]


def _file(settings: Settings) -> logging.Handler:
    path = Path(settings.LOG_FILE)
    size = int(settings.LOG_MAX_MB * MEGABYTE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return LogFile(path, maxBytes=size, backupCount=settings.LOG_BACKUPS, encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"LOG_FILE = {path}: cannot be written: {error.strerror}") from None
