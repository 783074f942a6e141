"""`Mixpanel`: the official class, with messages passed to the encoder as dicts instead of JSON text."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from typing import TYPE_CHECKING, Any

from mixpress.compat.mixpanel.buffered import BufferedConsumer, fast_sender
from mixpress.compat.mixpanel.consumer import Consumer
from mixpress.compat.mixpanel.exception import MixpanelException
from mixpress.compat.mixpanel.values import as_official

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
    """`mixpanel.Mixpanel` with all its methods, and a `BufferedConsumer(fast=True)` by default.

        with Mixpanel(token) as mp:
            mp.track("user-1", "Signed Up", {"plan": "pro"})

    Events and updates reach the encoder as dicts if the consumer is one of this package with `fast=True` and
    `serializer` is the official default; otherwise everything is as in the official class.

    Leaving a `with` block closes the default consumer, and raises `MixpanelException` if messages failed. Without a
    `with` block call `flush`, which raises it too; a process that exits flushes for up to ten seconds.
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
        super().__init__(token, consumer, serializer, local_flags_config, remote_flags_config, credentials)
        self._default = None if consumer else BufferedConsumer(fast=True, credentials=credentials)
        if self._default is not None:
            self._consumer = self._default

    def track(self, distinct_id: Any, event_name: Any, properties: Any = None, meta: Any = None) -> None:
        """Track an event as the official `track` does, in microseconds; `flush` reports an event that breaks a rule."""
        fast = self._fast_sender()
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
        """Import an event as the official `import_data` does, without its warnings about `api_key` and `api_secret`."""
        fast = self._fast_sender()
        if fast is None:
            super().import_data(api_key, distinct_id, event_name, timestamp, properties, meta, api_secret)
        else:
            fast.take_record("imports", self._event(distinct_id, event_name, timestamp, properties, meta), api_secret)

    def alias(self, alias_id: Any, original: Any, meta: Any = None) -> None:
        """Make `alias_id` another id of `original`, as the official `alias` does: it is sent before this returns.

        With `fast=True` it goes to the URL of the consumer's events, not always to `api.mixpanel.com`.
        """
        fast = self._fast_sender()
        if fast is None:
            super().alias(alias_id, original, meta)
        else:
            members = {"distinct_id": original, "alias": alias_id}
            fast.deliver("events", self._identity_event("$create_alias", members, meta))

    def merge(
        self, api_key: Any, distinct_id1: Any, distinct_id2: Any, meta: Any = None, api_secret: Any = None
    ) -> None:
        """Merge two ids as the official `merge` does, without its warnings about `api_key` and `api_secret`."""
        fast = self._fast_sender()
        if fast is None:
            super().merge(api_key, distinct_id1, distinct_id2, meta, api_secret)
        else:
            members = {"$distinct_ids": [distinct_id1, distinct_id2]}
            fast.take_record("imports", self._identity_event("$merge", members, meta), api_secret)

    def people_update(self, message: Any, meta: Any = None) -> None:
        """Update a user's profile as the official `people_update` does; all methods of people call this one."""
        fast = self._fast_sender()
        if fast is None:
            super().people_update(message, meta)
        else:
            fast.take_record("people", self._update(message, meta))

    def group_update(self, message: Any, meta: Any = None) -> None:
        """Update a group's profile as the official `group_update` does; all methods of groups call this one."""
        fast = self._fast_sender()
        if fast is None:
            super().group_update(message, meta)
        else:
            fast.take_record("groups", self._update(message, meta))

    def flush(self, timeout: float | None = None) -> None:
        """Flush the consumer; see `Consumer.flush`."""
        if isinstance(self._consumer, Consumer | BufferedConsumer):
            self._consumer.flush(timeout)
        elif hasattr(self._consumer, "flush"):
            self._consumer.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        super().__exit__(exc_type, exc_val, exc_tb)
        self._close(raising=exc_type is None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, exc_type: Any, exc_val: Any, exc_tb: Any) -> None:
        await super().__aexit__(exc_type, exc_val, exc_tb)
        await asyncio.to_thread(self._close, raising=exc_type is None)

    def _make_insert_id(self) -> str:
        return os.urandom(16).hex()  # as unique as the official one, and a microsecond faster

    def _fast_sender(self) -> Fast | None:
        """Return what accepts an event as a dict; None if the event must be JSON text."""
        return fast_sender(self._consumer) if self._serializer is mixpanel.DatetimeSerializer else None

    def _event(self, distinct_id: Any, name: Any, time: Any, properties: Any, meta: Any) -> dict[str, Any]:
        """Return an event as the official class makes it."""
        record = {
            "token": self._token,
            "distinct_id": distinct_id,
            "time": time,
            "$insert_id": self._make_insert_id(),
            "mp_lib": "python",
            "$lib_version": mixpanel.__version__,
        }
        if properties:
            record.update(properties)
        event: dict[str, Any] = as_official({"event": name, "properties": record, **(meta or {})})
        return event

    def _identity_event(self, name: str, members: dict[str, Any], meta: Any) -> dict[str, Any]:
        event: dict[str, Any] = as_official(
            {"event": name, "properties": {**members, "token": self._token}, **(meta or {})}
        )
        return event

    def _update(self, message: Any, meta: Any) -> dict[str, Any]:
        """Return an update as the official class makes it."""
        record = {"$token": self._token, "$time": self._now()}
        record.update(message)
        update: dict[str, Any] = as_official({**record, **(meta or {})})
        return update

    def _close(self, *, raising: bool) -> None:
        if self._default is None:
            return
        try:
            self._default.close()
        except MixpanelException as error:
            if raising:
                raise
            logger.error("%s", error)  # the block's own exception propagates instead
