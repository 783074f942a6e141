"""What a command says on stderr besides the progress: sentences, or JSON objects with `--log-json`."""

from __future__ import annotations

import json
import logging
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from collections.abc import Iterator


class JsonHandler(logging.Handler):
    """Writes each record of the log as a JSON object a line."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record. Never raises."""
        try:
            write_json("log", record.levelname.lower(), record.getMessage())
        except Exception:  # noqa: BLE001 - as logging's own handlers
            self.handleError(record)


def write_json(kind: str, level: str, message: str) -> None:
    """Write a message as a JSON object on stderr."""
    found = {"kind": kind, "time": round(time.time(), 3), "level": level, "message": message}
    sys.stderr.write(json.dumps(found) + "\n")
    sys.stderr.flush()


def tell_error(message: str, *, log_json: bool = False) -> None:
    """Write the sentence about an error."""
    if log_json:
        write_json("log", "error", message)
    else:
        click.echo(f"Error: {message}", err=True)


def tell_warning(message: str, *, log_json: bool = False) -> None:
    """Write a sentence about what may be a mistake, and changes no exit status."""
    if log_json:
        write_json("log", "warning", message)
    else:
        click.echo(f"Warning: {message}", err=True)


@contextmanager
def json_log(wanted: bool) -> Iterator[None]:
    """Write the log of mixpress as JSON for the block, if that is wanted."""
    if not wanted:
        yield
        return
    logger, handler = logging.getLogger("mixpress"), JsonHandler(logging.WARNING)
    logger.addHandler(handler)
    try:
        yield
    finally:
        logger.removeHandler(handler)
