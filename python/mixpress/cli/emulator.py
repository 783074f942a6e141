"""`mixpress emulator`: run the local server until it is interrupted."""

from __future__ import annotations

import logging
import signal
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from queue import SimpleQueue
from typing import TYPE_CHECKING

import click

from mixpress.cli.group import CannotRun
from mixpress.emulator import Emulator, Faults

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.command("emulator", short_help="Run a local server of the ingestion API.")
@click.option("--host", default="127.0.0.1", show_default=True, help="Loopback address to listen on.")
@click.option(
    "--port",
    default=8400,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="Port to listen on; 0 picks a free one.",
)
@click.option(
    "--db",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep the events in this SQLite file, created if missing.  [default: memory]",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND=HOW-OFTEN",
    help="Make requests fail, as described above; may be repeated.",
)
@click.option("--fault-seed", type=int, metavar="N", help="Seed that selects the failing requests.  [default: 0]")
def command(host: str, port: int, db: Path | None, faults: tuple[str, ...], fault_seed: int | None) -> None:
    """Run a local server of Mixpanel's ingestion API.

    It answers POST /import, POST /track and GET /track as documented, strict or not, and stores accepted events,
    deduplicated. It accepts any credentials that are not empty, and sends nothing to other machines.

    It prints its URL when it is ready, then one line per request. Ctrl-C or SIGTERM stops it.

    \b
    Send events to it, in another terminal:
      mixpress import examples/flights.ndjson.gz --to http://127.0.0.1:8400

    \b
    Query the stored events, with --db events.db:
      sqlite3 events.db "SELECT event, count(*) FROM events GROUP BY event"

    \b
    Test your code against failures:
      mixpress emulator --fault 429:3=0.2 --fault 502=0.1 --fault taken=2x

    \b
    KIND is one of:
      429, 429:SECONDS  rate limit, without and with Retry-After
      413:BYTES         request too large, with that limit in the message
      400:0+2           the events at these positions fail, the others are stored
      401, 403          invalid credentials, forbidden
      502, 502:html     bad gateway, as text and as an HTML page
      503, 503:html     service unavailable, as text and as an HTML page
      taken             stored, then the connection is closed without an answer
      slow:SECONDS      the answer is delayed
    HOW-OFTEN is a share of the requests, such as 0.2, or a count, such as 2x: that many
    requests in a row, counted from the first, before any share. With the same --fault-seed
    the same requests fail, in order of arrival.

    \b
    Exit status:
      0  stopped by Ctrl-C or SIGTERM
      2  wrong usage, or it cannot listen or use the file
    """
    with stop_signals() as stop, log_to_terminal():
        try:
            with Emulator(host=host, port=port, db=db, faults=to_faults(faults, fault_seed)) as server:
                click.echo(f"listening on {server.url}, events kept in {db or 'memory'}; Ctrl-C stops")
                if server.faults.rules:
                    click.echo(f"faults: {server.faults}")
                stop.get()
                click.echo(f"stopped; events in {db or 'memory'}: {server.count():,}")
        except (ValueError, OSError) as error:
            raise CannotRun(str(error)) from error


def to_faults(texts: tuple[str, ...], seed: int | None) -> Faults:
    """Return the faults of all `--fault` options. ValueError if one is invalid."""
    faults = Faults.parse(",".join(texts)) if texts else Faults()
    return faults if seed is None else replace(faults, seed=seed)


class StopSignals:
    """A signal handler that queues the signals it receives."""

    def __init__(self) -> None:
        # Of the standard queues only SimpleQueue.put is reentrant, as a signal handler needs.
        self.received: SimpleQueue[int] = SimpleQueue()

    def handle(self, number: int, _frame: object) -> None:
        """Queue a signal; called by the interpreter."""
        self.received.put(number)


@contextmanager
def stop_signals() -> Iterator[SimpleQueue[int]]:
    """Yield a queue that receives Ctrl-C and SIGTERM."""
    signals = StopSignals()
    before = {number: signal.signal(number, signals.handle) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield signals.received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def log_to_terminal() -> Iterator[None]:
    """Write the emulator's log, a line for each request, to stderr."""
    logger = logging.getLogger("mixpress.emulator")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
