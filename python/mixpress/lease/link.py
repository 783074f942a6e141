"""`Link`: the daemon thread of a worker that talks to the lease server."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from mixpress.flag import Flag
from mixpress.lease.channel import Channel
from mixpress.lease.conversation import SOON
from mixpress.lease.messages import ask_to_json, join_to_json
from mixpress.lease.protocol import ProtocolError, WrongSecretError

if TYPE_CHECKING:
    from collections.abc import Callable

    from mixpress.clock import Clock
    from mixpress.lease.holding import Ask
    from mixpress.lease.messages import Grant, Join

logger = logging.getLogger("mixpress")

RETRY = 0.25
"""Seconds before a second attempt to connect; the wait doubles with each attempt."""
MAX_RETRY = 8.0
"""The longest such wait."""
PULSE = 1.0
"""Seconds between two messages of a worker that has nothing to say."""
END = 1.0
"""Seconds to wait for the thread of a client that is closed."""


class Borrower(Protocol):
    """What a link talks for. Its methods take a lock for a short time. They ignore a link that was replaced."""

    def joined(self, link: Link, server: str) -> Join | None:
        """Note that a server answered; return the first message, or None to end the link."""

    def ask(self, link: Link, *, leaving: bool) -> Ask | None:
        """Return the next message; None after some time without requests, or for a replaced link, to end the link."""

    def granted(self, link: Link, asked: float, grant: Grant) -> None:
        """Take the reply to a message of the time `asked`."""

    def lost(self, link: Link, error: Exception) -> None:
        """Note that there is no connection."""

    def is_wanted(self, link: Link) -> bool:
        """Return whether to connect; False after some time without requests, or for a replaced link, ends the link."""


class Link:
    """Connects when it is started, and again when the connection is lost, with growing waits."""

    def __init__(self, connect: Callable[[], Channel], borrower: Borrower, clock: Clock) -> None:
        self._connect = connect
        self._borrower = borrower
        self._clock = clock
        self._wake = Flag()
        self._is_stopping = False
        self._channel: Channel | None = None
        self._thread = threading.Thread(target=self._run, name="mixpress-lease", daemon=True)

    def start(self) -> bool:
        """Return False if the interpreter or the system starts no thread."""
        try:
            self._thread.start()
        except (RuntimeError, MemoryError) as error:
            logger.debug("no thread could be started: %s", error)
            return False
        return True

    def nudge(self) -> None:
        """Make the thread send a message soon."""
        self._wake.set()

    def stop(self) -> None:
        """Return what was borrowed, close the connection and wait for the end of the thread."""
        self._is_stopping = True
        self._wake.set()
        if threading.current_thread() is not self._thread:
            with suppress(RuntimeError):  # it never started, or the interpreter ends
                self._thread.join(END)
        if self._thread.is_alive() and (channel := self._channel) is not None:
            channel.hang_up()

    @property
    def has_ended(self) -> bool:
        """Whether its thread, which was started, is no more."""
        return not self._thread.is_alive()

    def disown(self) -> None:
        """Close the copy of the parent's connection, in a forked child."""
        if self._channel is not None:
            self._channel.disown()

    def _run(self) -> None:
        wait = RETRY
        while not self._is_stopping and self._borrower.is_wanted(self):
            try:
                channel = self._channel = self._connect()
                wait = RETRY
                if not self._is_stopping:
                    self._talk(channel)
                return
            except (OSError, ProtocolError) as error:
                self._borrower.lost(self, error)
                if isinstance(error, WrongSecretError):
                    wait = MAX_RETRY
            except Exception as error:
                logger.exception("a lease could not be renewed")
                self._borrower.lost(self, error)
            finally:
                if self._channel is not None:
                    self._channel.close()
                    self._channel = None
            self._wait(wait * (0.5 + self._clock.random() / 2))
            wait = min(MAX_RETRY, 2 * wait)

    def _wait(self, seconds: float) -> None:
        """Wait between two attempts to connect. What a worker wants does not shorten it."""
        ends = self._clock.monotonic() + seconds
        while not self._is_stopping and (left := ends - self._clock.monotonic()) > 0:
            self._wake.clear()
            if not self._is_stopping:
                self._clock.wait(self._wake, left)

    def _talk(self, channel: Channel) -> None:
        """Exchange messages until there is nothing more to borrow."""
        asked = self._clock.monotonic()
        join = self._borrower.joined(self, channel.server)
        if join is None:
            return
        grant = channel.exchange(join_to_json(join))
        self._borrower.granted(self, asked, grant)
        while True:
            self._wake.clear()
            asked = self._clock.monotonic()
            is_last = self._is_stopping
            ask = self._borrower.ask(self, leaving=is_last)
            if ask is None:
                return
            grant = channel.exchange(ask_to_json(ask))
            self._borrower.granted(self, asked, grant)
            if is_last:
                return
            self._clock.wait(self._wake, min(grant.wait, PULSE) if any(ask) else PULSE)
            left = asked + SOON - self._clock.monotonic()
            if left > 0 and not self._is_stopping:
                self._clock.wait(threading.Event(), left)
