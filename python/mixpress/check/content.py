"""`Content`: what is in the events that would be sent."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from mixpress.check.bounded import HeavyCounts, Repeats
from mixpress.check.examples import Findings
from mixpress.check.ids import KINDS, suspicion
from mixpress.check.property_types import PropertyTypes
from mixpress.report.measures import DAY_MS, milliseconds, size_class

if TYPE_CHECKING:
    from collections.abc import Sequence

    from mixpress._core import Batch
    from mixpress.check.examples import Wanted

MAX_NAMES = 10_000
"""Event names, and days, that are counted at a time."""
MAX_IDS = 200_000
"""Pairs of a user and a day that are counted at a time."""
MAX_GOOD_IDS = 50_000
"""Ids without a suspicion that are remembered, to look at each once."""

Event = dict[str, Any]


class Content:
    """Counts over the events of an input, in bounded memory."""

    def __init__(self, repeats: Repeats | None = None) -> None:
        self.names: HeavyCounts[str] = HeavyCounts(MAX_NAMES)
        self.days: HeavyCounts[int] = HeavyCounts(MAX_NAMES)
        self.users: HeavyCounts[tuple[int, str]] = HeavyCounts(MAX_IDS)
        self.types = PropertyTypes()
        self.ids = Findings()
        self._good_ids: set[str] = set()
        self.ignored = Findings()
        self.duplicates = Findings()
        self.repeats = repeats or Repeats()
        self.sizes: Counter[int] = Counter()
        """Number of a class of sizes -> events; see `measures.largest_size`."""

    def add(self, batch: Batch, records: Sequence[int], wanted: Wanted) -> None:
        """Count the events of a batch; `records` is the number in its piece of each."""
        texts = batch.events()
        joined = b",".join(texts)
        events: list[Event] = json.loads(b"[%b]" % joined)
        properties = [event["properties"] for event in events]
        names = [event["event"] for event in events]
        times = [milliseconds(found.get("time")) for found in properties]
        users = [_text(found.get("distinct_id")) for found in properties]
        self.sizes.update(size_class(len(text)) for text in texts)
        self.names.update(names)
        days = [time // DAY_MS for time in times if time is not None]
        self.days.update(days)
        if len(days) == len(users):
            self.users.update(zip(days, users, strict=True))
        self.types.add(properties, records, wanted)
        if b'"$ignore"' in joined:
            self._add_ignored(properties, records, wanted)
        self._add_users(users, records, wanted)
        insert_ids = [found.get("$insert_id") for found in properties]
        self._add_keys(list(zip(names, users, insert_ids, times, strict=True)), records, wanted)

    def _add_users(self, users: list[str], records: Sequence[int], wanted: Wanted, field: str = "distinct_id") -> None:
        new = set(users) - self._good_ids
        wrong = {user: kind for user in new if (kind := suspicion(user))}
        self._good_ids |= new - wrong.keys()
        if len(self._good_ids) > MAX_GOOD_IDS:
            self._good_ids.clear()
        if not wrong:
            return
        for position, user in enumerate(users):
            if user in wrong:
                finding = self.ids.of(wrong[user])
                finding.count += 1
                wanted.add(finding, records[position], f"{quoted(user)} is {KINDS[wrong[user]]}", field)

    def _add_ignored(self, properties: list[Event], records: Sequence[int], wanted: Wanted) -> None:
        for position, found in enumerate(properties):
            if "$ignore" in found:
                finding = self.ignored.of("$ignore")
                finding.count += 1
                wanted.add(finding, records[position], "the server drops the event and does not say so", "$ignore")

    def _add_keys(self, keys: list[tuple[Any, ...]], records: Sequence[int], wanted: Wanted) -> None:
        for position in self.repeats.add(list(map(hash, keys))):
            finding = self.duplicates.of("duplicate")
            name, user, insert_id, _ = keys[position]
            message = f"an earlier event has this time, too: {quoted(name)} of {quoted(user)}, {quoted(insert_id)}"
            wanted.add(finding, records[position], message)

    def hot_users(self, most: int) -> list[tuple[int, str, int]]:
        """Return day, id and count of users with more than so many events a day, the most frequent first."""
        found = [
            (day, user, count) for (day, user), count in self.users.counts.items() if count + self.users.error > most
        ]
        return sorted(found, key=lambda one: -one[2])


def quoted(text: object) -> str:
    """Return a value for a message, at most 80 characters of it."""
    shown = str(text)
    return repr(shown if len(shown) <= 80 else f"{shown[:79]}…")


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
