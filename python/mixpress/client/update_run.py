"""`UpdateRun`: one import of updates of profiles, in which no update overtakes an earlier one of its profile.

A batch is sent when the earlier batches with one of its profiles are done; others are sent at the same time. So an
import with one update for each profile, as out of a warehouse, is as parallel as one of events, and its requests are
full. Lanes, each with the profiles of one hash and one request under way, would keep updates that repeat a few profiles
parallel too, but split a small import into as many requests as there are lanes, and need an encoder each.
"""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING

from mixpress.client.import_run import ImportRun, refuse_one
from mixpress.send.job import CancelToken
from mixpress.send.repeatable import has_escaped_names, plain_text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from mixpress.batch import SendableBatch
    from mixpress.client.engine import Engine
    from mixpress.dead_letter import DeadLetter
    from mixpress.report.report import Progress, Report
    from mixpress.report.verdicts import VerdictSink

ID_CHARACTERS = 63
"""Characters of an id that tell profiles apart here: a server that cuts ids at 255 bytes keeps at least so many."""


def import_updates(
    engine: Engine,
    updates: Iterable[object],
    on_progress: Callable[[Progress], object] | None = None,
    *,
    cancel_token: CancelToken | None = None,
) -> Report:
    """Import updates through an engine; see `Client.import_profiles`. Those that are queued are sent before."""
    refuse_one(updates, "updates")
    with engine.running() as dead_letter:
        engine.send_queued()
        run = UpdateRun(engine, updates, dead_letter=dead_letter, on_progress=on_progress, cancel_token=cancel_token)
        return run.run()


class UpdateRun(ImportRun):
    """A call of `Client.import_profiles` or `Client.import_groups`."""

    _what = "updates"

    def __init__(
        self,
        engine: Engine,
        updates: Iterable[object],
        *,
        dead_letter: DeadLetter | None,
        on_progress: Callable[[Progress], object] | None,
        cancel_token: CancelToken | None,
    ) -> None:
        self._profiles = ProfilesOfUpdates("$group_id" if engine.options.endpoint == "groups" else "$distinct_id")
        super().__init__(
            engine,
            self._profiles.noted(updates),
            dead_letter=dead_letter,
            on_progress=on_progress,
            explain=None,
            cancel_token=cancel_token,
        )

    def _put(self, batch: SendableBatch, verdicts: VerdictSink, profiles: frozenset[int] | None = None) -> None:
        super()._put(batch, verdicts, profiles or self._profiles.of(batch))


class ProfilesOfUpdates:
    """Hashes of the profiles of the updates that were read and are in no batch yet. `name` is the member with the id.

    The group key is left out: an id of two keys is taken for one profile, which only costs parallel requests.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._hashes: deque[int | None] = deque()
        self._first = 0
        """The index of the first update in `_hashes`."""

    def noted(self, updates: Iterable[object]) -> Iterator[object]:
        """Yield the same updates."""
        for update in updates:
            self._hashes.append(self._hash(update))
            yield update

    def of(self, batch: SendableBatch) -> frozenset[int] | None:
        """Return the profiles of a batch, and forget what came before its end; None if one of them is not known."""
        indexes, first = batch.indexes, self._first
        count = indexes[-1] + 1 - first
        hashes = [self._hashes.popleft() for _ in range(count)]
        self._first += count
        found = {hashes[index - first] for index in indexes}
        return None if None in found else frozenset(found)  # type: ignore[arg-type] # None is not in it

    def _hash(self, update: object) -> int | None:
        """Return a hash of the id; None for one that the encoder may write in another way."""
        profile = update.get(self._name) if isinstance(update, Mapping) else None
        if type(profile) is int:
            profile = str(profile)
        return hash(profile[:ID_CHARACTERS]) if type(profile) is str else None


_ID = re.compile(rb'"\$(?:distinct|group)_id":(?:"([^"\\]*(?:\\.[^"\\]*)*)")?')


def profiles_of_body(batch: SendableBatch) -> frozenset[int] | None:
    """Return the profiles of a batch by its bytes, for text that was encoded without being parsed; None if one of them
    is not known. Linear in its size.

    The ids of properties with such a name are among them, which only costs parallel requests.
    """
    text = plain_text_of(batch)
    if has_escaped_names(text):
        return None
    found = [id.group(1) for id in _ID.finditer(text)]
    if None in found or len(found) < batch.count:
        return None
    return frozenset(hash(_decoded(id)[:ID_CHARACTERS]) for id in found)


def _decoded(id: bytes) -> str:
    return str(json.loads(b'"%b"' % id)) if b"\\" in id else id.decode()
