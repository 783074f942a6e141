"""`mixpress emulator`: the local server, until it is interrupted."""

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


@click.command("emulator")
@click.option("--host", default="127.0.0.1", show_default=True, help="A loopback address; any other is refused.")
@click.option("--port", default=8400, show_default=True, type=click.IntRange(0, 65535), help="0 takes a free port.")
@click.option(
    "--db",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Keep the events in this SQLite file, made if it is not there. Without it they are in memory.",
)
@click.option(
    "--fault",
    "faults",
    multiple=True,
    metavar="KIND=HOW-OFTEN",
    help="Let requests fail, as above; may be given several times.",
)
@click.option("--fault-seed", type=int, metavar="N", help="Which requests the shares fall on; 0 if not given.")
def command(host: str, port: int, db: Path | None, faults: tuple[str, ...], fault_seed: int | None) -> None:
    """Run a local server of Mixpanel's ingestion API.

    It answers POST /import and POST /track as the API's documents say, strict or not, and stores what it accepts,
    each event once. It takes any credentials that are not empty; nothing leaves this machine.

    \b
    In another terminal:
      mixpress import examples/flights.ndjson.gz --to http://127.0.0.1:8400

    \b
    To look at what came, with --db events.db:
      sqlite3 events.db "SELECT event, count(*) FROM events GROUP BY event"

    \b
    To see how your code fares when it fails:
      mixpress emulator --fault 429:3=0.2 --fault 502=0.1 --fault taken=2x

    \b
    KIND is one of:
      429, 429:SECONDS  the rate limit, without and with Retry-After
      413:BYTES         too large, naming that size
      400:0+2           the events at these positions fail, the others are stored
      401               invalid credentials
      502, 502:html     a bad gateway, as text and as a page
      503, 503:html     unavailable, likewise
      taken             stored, then the connection is closed without an answer
      slow:SECONDS      answered so much later
    HOW-OFTEN is a share of the requests, such as 0.2, or a count, such as 2x: that many
    requests in a row from the first on, before any share. With the same --fault-seed,
    the same requests fail, in the order in which they arrive.

    It prints its URL when it listens, then a line for each request. Ctrl-C or SIGTERM stops it.
    """
    with stop_signals() as stop, log_to_terminal():
        try:
            with Emulator(host=host, port=port, db=db, faults=to_faults(faults, fault_seed)) as server:
                click.echo(f"listening on {server.url}, events kept in {db or 'memory'}; Ctrl-C stops")
                if server.faults.rules:
                    click.echo(f"failing as told: {server.faults}")
                stop.get()
                click.echo(f"stopped; events in {db or 'memory'}: {server.count():,}")
        except (ValueError, OSError) as error:
            raise CannotRun(str(error)) from error


def to_faults(texts: tuple[str, ...], seed: int | None) -> Faults:
    """The faults of all `--fault`, or ValueError."""
    faults = Faults.parse(",".join(texts)) if texts else Faults()
    return faults if seed is None else replace(faults, seed=seed)


@contextmanager
def stop_signals() -> Iterator[SimpleQueue[int]]:
    """A queue in which Ctrl-C and SIGTERM arrive: the one kind that a signal handler may put into."""
    arrived: SimpleQueue[int] = SimpleQueue()
    before = {
        number: signal.signal(number, lambda number, _frame: arrived.put(number))
        for number in (signal.SIGINT, signal.SIGTERM)
    }
    try:
        yield arrived
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def log_to_terminal() -> Iterator[None]:
    """Show the emulator's log, a line for each request, on stderr."""
    logger = logging.getLogger("mixpress.emulator")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s  %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
