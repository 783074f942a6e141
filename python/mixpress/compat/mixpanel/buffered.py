"""`BufferedConsumer`: buffer messages and send many in one request."""

from __future__ import annotations

import threading
from itertools import takewhile
from typing import TYPE_CHECKING, Any, NamedTuple

from mixpress.compat.mixpanel.consumer import Consumer, Key, fast_of, sendable
from mixpress.compat.mixpanel.exception import MixpanelException, not_sent

if TYPE_CHECKING:
    import os

    from typing_extensions import Unpack

    from mixpress.compat.mixpanel.fast import Fast, Options

MAX_SIZE = 50
"""Messages in a request of the default mode, as in the official client."""


class _Waiting(NamedTuple):
    message: str
    key: Key


class BufferedConsumer:
    """Sends `max_size` messages at a time, at most 50, on the thread that fills the buffer; `flush` sends the rest.

        Mixpanel(token, consumer=BufferedConsumer(fast=True))

    The other arguments are those of `Consumer`. With `fast`, `max_size` is ignored: requests have up to 2000 events.

    It is thread-safe. A message that was sent is never sent again; a batch that failed goes back to the front of the
    buffer, and the other endpoints are still flushed.
    """

    def __init__(
        self,
        max_size: int = MAX_SIZE,
        events_url: str | None = None,
        people_url: str | None = None,
        import_url: str | None = None,
        request_timeout: Any = None,
        groups_url: str | None = None,
        api_host: str = "api.mixpanel.com",
        retry_limit: int = 4,
        retry_backoff_factor: float = 0.25,
        verify_cert: bool | str = True,
        credentials: Any = None,
        *,
        fast: bool = False,
        spool: str | os.PathLike[str] | None = None,
        **options: Unpack[Options],
    ) -> None:
        self._consumer = Consumer(
            events_url,
            people_url,
            import_url,
            request_timeout,
            groups_url,
            api_host,
            retry_limit,
            retry_backoff_factor,
            verify_cert,
            credentials,
            fast=fast,
            spool=spool,
            **options,
        )
        self._is_fast = fast
        self._buffers: dict[str, list[_Waiting]] = {"events": [], "people": [], "groups": [], "imports": []}
        self._max_size = max(1, min(MAX_SIZE, max_size))
        self._lock = threading.RLock()  # reentrant: an object's __del__ may send a message while this is held

    def send(self, endpoint: str, json_message: str, api_key: Key = None, api_secret: str | None = None) -> None:
        """Buffer a message, and send the buffer if it is full; with `fast`, queue the message.

        Raises `MixpanelException` as `Consumer.send` does, also for messages that were buffered earlier.
        """
        if endpoint not in self._buffers:
            raise MixpanelException(f'No such endpoint "{endpoint}". Valid endpoints are one of {self._buffers.keys()}')
        if self._is_fast:
            self._consumer.send(endpoint, json_message, api_key, api_secret)
            return
        key = api_key if isinstance(api_key, tuple) else (api_key, api_secret)
        waiting = _Waiting(sendable(endpoint, json_message), key)
        with self._lock:
            self._buffers[endpoint].append(waiting)
            full = len(self._buffers[endpoint]) >= self._max_size
        if full:
            self._flush_endpoint(endpoint)

    def flush(self, timeout: float | None = None) -> None:
        """Send all buffered messages; with `fast`, do what `Consumer.flush` does.

        Raises `MixpanelException` on failure, with the `endpoint` and, as `message`, the JSON array that was not sent;
        if several endpoints failed, for the first of them.
        """
        if self._is_fast:
            self._consumer.flush(timeout)
            return
        errors = []
        for endpoint in self._buffers:
            try:
                self._flush_endpoint(endpoint)
            except MixpanelException as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def close(self, timeout: float = 10.0) -> None:
        """Flush, and close the threads and connections."""
        try:
            if not self._is_fast:
                self.flush()
        finally:
            self._consumer.close(timeout)

    def _flush_endpoint(self, endpoint: str) -> None:
        while batch := self._next_batch(endpoint):
            messages = f"[{','.join(waiting.message for waiting in batch)}]"
            try:
                self._consumer.send(endpoint, messages, api_key=batch[0].key)
            except BaseException as error:
                with self._lock:
                    self._buffers[endpoint][:0] = batch
                if isinstance(error, MixpanelException):
                    raise not_sent(error, endpoint, messages) from error
                raise

    def _next_batch(self, endpoint: str) -> list[_Waiting]:
        """Remove and return the messages of the next request, which share one key, since a request has only one."""
        with self._lock:
            buffer = self._buffers[endpoint]
            key = buffer[0].key if buffer else None
            batch = list(takewhile(lambda waiting: waiting.key == key, buffer[: self._max_size]))
            del buffer[: len(batch)]
            return batch


def fast_sender(consumer: object) -> Fast | None:
    """Return the sender of a consumer with `fast=True`; None for any other consumer."""
    if isinstance(consumer, BufferedConsumer):
        consumer = consumer._consumer
    return fast_of(consumer) if isinstance(consumer, Consumer) else None
