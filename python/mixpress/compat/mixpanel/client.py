"""`Mixpanel`: the official class, whose events go to the encoder as they are, and not by way of JSON text."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from typing import TYPE_CHECKING, Any

from mixpress.compat.mixpanel.buffered import BufferedConsumer
from mixpress.compat.mixpanel.consumer import Consumer
from mixpress.compat.mixpanel.exception import MixpanelException

try:
    import mixpanel
except ModuleNotFoundError as error:
    if error.name != "mixpanel":
        raise
    raise ImportError("Mixpanel needs the official client: pip install 'mixpress[mixpanel]'") from error

if TYPE_CHECKING:
    from typing_extensions import Self

    from mixpress.compat.mixpanel.fast import Fast

logger = logging.getLogger("mixpress")


class Mixpanel(mixpanel.Mixpanel):  # type: ignore[misc] # the official client has no types
    """`mixpanel.Mixpanel` with every method of it, and a `BufferedConsumer(fast=True)` where no consumer is given.

        with Mixpanel(token) as mp:
            mp.track("user-1", "Signed Up", {"plan": "pro"})

    `track` and `import_data` hand the dict to the encoder, where the consumer is one of ours with `fast=True` and
    `serializer` is the official default; otherwise all is as in the official class.

    The end of a `with` block closes the consumer that was made here, and raises `MixpanelException` where not
    everything was taken. Without one, `flush` says so; the end of the process flushes in any case, for ten seconds.
    """

    def __init__(
        self,
        token: Any,
        consumer: Any = None,
        serializer: type[json.JSONEncoder] = mixpanel.DatetimeSerializer,
        local_flags_config: Any = None,
        remote_flags_config: Any = None,
        credentials: Any = None,
    ) -> None:
        given = {} if credentials is None else {"credentials": credentials}  # 5.1 does not know of them
        super().__init__(token, consumer, serializer, local_flags_config, remote_flags_config, **given)
        self._made = None if consumer else BufferedConsumer(fast=True, credentials=credentials)
        if self._made is not None:
            self._consumer = self._made

    def track(self, distinct_id: Any, event_name: Any, properties: Any = None, meta: Any = None) -> None:
        """The official `track`: it takes some microseconds, and what breaks a rule is told by `flush`."""
        fast = self._fast()
        if fast is None:
            super().track(distinct_id, event_name, properties, meta)
        else:
            fast.take_record("events", self._event(distinct_id, event_name, self._now(), properties, meta))

    def import_data(
        self,
        api_key: Any,
        distinct_id: Any,
        event_name: Any,
        timestamp: Any,
        properties: Any = None,
        meta: Any = None,
        api_secret: Any = None,
    ) -> None:
        """The official `import_data`, without its warning at each call of `api_key` and `api_secret`."""
        fast = self._fast()
        if fast is None:
            super().import_data(api_key, distinct_id, event_name, timestamp, properties, meta, api_secret)
        else:
            fast.take_record("imports", self._event(distinct_id, event_name, timestamp, properties, meta), api_secret)

    def flush(self, timeout: float | None = None) -> None:
        """`flush` of the consumer; see `Consumer.flush`."""
        if isinstance(self._consumer, Consumer | BufferedConsumer):
            self._consumer.flush(timeout)
        elif hasattr(self._consumer, "flush"):
            self._consumer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        super().__exit__(exc_type, exc_val, exc_tb)
        self._close(told=exc_type is None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        await super().__aexit__(exc_type, exc_val, exc_tb)
        await asyncio.to_thread(self._close, told=exc_type is None)

    def _make_insert_id(self) -> str:
        return os.urandom(16).hex()  # as unlikely to come twice as the original's, and a microsecond sooner

    def _fast(self) -> Fast | None:
        """What takes a dict as it is; None where the event must be JSON text first."""
        consumer: Any = self._consumer
        if isinstance(consumer, BufferedConsumer):
            consumer = consumer._consumer
        if not isinstance(consumer, Consumer) or self._serializer is not mixpanel.DatetimeSerializer:
            return None
        fast: Fast | None = consumer._fast
        return fast

    def _event(self, distinct_id: Any, name: Any, time: Any, properties: Any, meta: Any) -> dict[str, Any]:
        """An event as the official class makes it."""
        everything = {
            "token": self._token,
            "distinct_id": distinct_id,
            "time": time,
            "$insert_id": self._make_insert_id(),
            "mp_lib": "python",
            "$lib_version": mixpanel.__version__,
        }
        if properties:
            everything.update(properties)
        return {"event": name, "properties": everything, **(meta or {})}

    def _close(self, *, told: bool) -> None:
        if self._made is None:
            return
        try:
            self._made.close()
        except MixpanelException as error:
            if told:
                raise
            logger.error("%s", error)  # the block's own exception is under way, and the reason is in the text
