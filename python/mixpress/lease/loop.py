"""`Loop`: the thread of a lease server, with all of its connections. Whatever a peer sends, it loses its connection at
most.
"""

from __future__ import annotations

import logging
import selectors
import socket
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

from mixpress._core import bracket
from mixpress.lease.conversation import STRANGER, Conversation, EndpointStats, Ledger
from mixpress.lease.protocol import MAX_LINE, ProtocolError, WrongSecretError
from mixpress.lease.secret import VARIABLE
from mixpress.log import RepeatLog

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress.clock import Clock

MAX_WORKERS = 1024
"""The most workers that are connected; further ones are dropped."""
MAX_STRANGERS = 128
"""The most connections without a proof. Further ones wait until there are fewer."""
HASTE = 0.5
"""Seconds after which a connection without a proof is dropped while others wait."""
TICK = 0.25
"""Seconds between two searches for peers that said nothing for too long."""
AT_ONCE = 64
"""Connections that are accepted before others are served."""
REFUSAL = 0.05
"""Seconds without accepting, where the system has no file descriptor for a connection."""


class Loop:
    """Accepts connections, and answers each of them. `run` is the target of a thread."""

    def __init__(self, listener: socket.socket, ledger: Ledger, clock: Clock) -> None:
        self._listener = listener
        listener.setblocking(False)
        self.address: tuple[str, int] = listener.getsockname()[:2]
        self._ledger = ledger
        self._clock = clock
        self._log = RepeatLog(clock)
        self._peers: dict[socket.socket, Conversation] = {}
        """In the order of their connections."""
        self._refused = 0
        self._wake, self._waker = socket.socketpair()
        self._stopping = False
        self._lock = threading.RLock()
        self._locked = bracket(self._lock.acquire, self._lock.release)
        self._selector = selectors.DefaultSelector()
        self._selector.register(listener, selectors.EVENT_READ)
        self._is_accepting = True
        self._selector.register(self._wake, selectors.EVENT_READ)

    def run(self) -> None:
        """Serve until `stop` is called."""
        try:
            while not self._stopping:
                ready = [key.fileobj for key, _ in self._selector.select(TICK if self._peers else None)]
                self._locked(self._serve, ready)
        except Exception:
            if not self._stopping:
                logging.getLogger("mixpress").exception("the lease server ended")
        finally:
            self.end()

    def stop(self) -> None:
        """Ask the thread to close all connections and to end."""
        self._stopping = True
        with suppress(OSError):
            self._waker.send(b"x")

    def end(self) -> None:
        """Close all sockets: at the end of `run`, or where no thread could be started for it."""
        self._locked(self._close)
        self._log.tell_rest()

    def stats(self) -> tuple[int, int, dict[str, EndpointStats]]:
        """Return the number of workers, the number of refused connections, and the endpoints."""
        return self._locked(self._stats)

    def _stats(self) -> tuple[int, int, dict[str, EndpointStats]]:
        endpoints = self._ledger.stats(self._clock.monotonic())
        return sum(peer.is_worker for peer in self._peers.values()), self._refused, endpoints

    def after_fork(self) -> None:
        """Close the sockets in a forked child, without an effect on the parent's connections."""
        for one in (self._listener, self._wake, self._waker, *self._peers):
            one.close()

    def _serve(self, ready: Sequence[object]) -> None:
        now = self._clock.monotonic()
        for one in ready:
            if one is self._listener:
                self._accept(now)
            elif isinstance(one, socket.socket) and one in self._peers:
                self._hear(one, now)
        for peer, conversation in list(self._peers.items()):
            if conversation.ends <= now + self._haste(conversation):
                self._refuse(peer, now, "it said nothing for too long")
        self._accept_again()

    def _haste(self, conversation: Conversation) -> float:
        """Return the seconds by which a peer must be faster, as others wait for its place."""
        return 0.0 if self._is_accepting or conversation.is_worker else STRANGER - HASTE

    def _strangers(self) -> int:
        return sum(not conversation.is_worker for conversation in self._peers.values())

    def _accept_again(self) -> None:
        """Listen for new connections while there are not too many strangers."""
        has_room = self._strangers() < MAX_STRANGERS
        if has_room != self._is_accepting:
            self._is_accepting = has_room
            if has_room:
                self._selector.register(self._listener, selectors.EVENT_READ)
            else:
                self._selector.unregister(self._listener)

    def _accept(self, now: float) -> None:
        for _ in range(min(AT_ONCE, MAX_STRANGERS - self._strangers())):
            try:
                peer, _ = self._listener.accept()
            except BlockingIOError:
                return
            except OSError as error:  # no file descriptor is left, or the peer is gone
                self._refuse_oldest_stranger(now, f"no connection could be accepted: {error}")
                self._clock.wait(threading.Event(), REFUSAL)
                return
            with suppress(OSError):
                peer.setblocking(False)
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._peers[peer] = Conversation(self._ledger, now)
            self._selector.register(peer, selectors.EVENT_READ)

    def _hear(self, peer: socket.socket, now: float) -> None:
        conversation = self._peers[peer]
        try:
            data = peer.recv(MAX_LINE)
            if not data:
                return self._drop(peer, now)
            answer = conversation.feed(data, now)
            if conversation.is_worker and self._is_full():
                return self._refuse(peer, now, f"more than {MAX_WORKERS} workers")
            if not _sent(peer, answer):
                self._refuse(peer, now, "it reads no answers")
        except BlockingIOError:
            pass
        except OSError:
            self._drop(peer, now)
        except WrongSecretError:
            self._refuse(peer, now, f"it has another secret: see ${VARIABLE} and the clients' credentials")
        except ProtocolError as error:
            self._refuse(peer, now, str(error))
        return None

    def _is_full(self) -> bool:
        return len(self._peers) > MAX_WORKERS and sum(one.is_worker for one in self._peers.values()) > MAX_WORKERS

    def _refuse_oldest_stranger(self, now: float, why: str) -> None:
        strangers = (peer for peer, conversation in self._peers.items() if not conversation.is_worker)
        if (oldest := next(strangers, None)) is not None:
            self._refuse(oldest, now, why)

    def _refuse(self, peer: socket.socket, now: float, why: str) -> None:
        self._refused += 1
        self._log.tell(logging.WARNING, why, "the lease server dropped a connection: %s", why)
        self._drop(peer, now)

    def _drop(self, peer: socket.socket, now: float) -> None:
        self._selector.unregister(peer)
        self._peers.pop(peer).end(now)
        _hang_up(peer)

    def _close(self) -> None:
        for one in (self._listener, *self._peers):
            _hang_up(one)
        self._peers.clear()
        self._wake.close()
        self._waker.close()
        self._selector.close()


def _sent(peer: socket.socket, answer: bytes) -> bool:
    """Return whether the system has room for an answer: not if the peer reads none."""
    try:
        return not answer or peer.send(answer) == len(answer)
    except BlockingIOError:
        return False


def _hang_up(one: socket.socket) -> None:
    """Close a connection also where a forked child has a copy of it."""
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
