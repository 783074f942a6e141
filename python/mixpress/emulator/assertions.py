"""`Emulator.assert_received`: wait for an event, and say what came instead."""

from __future__ import annotations

import math
import time
from collections import Counter
from contextlib import closing
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from mixpress.emulator.accept import MAX_STRING
from mixpress.emulator.nearest import ABSENT, Similarity, contains, count_equal, find_nearest
from mixpress.emulator.shown import count, cut, refused_line, request_line, to_text

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from mixpress.emulator.log import RequestLog
    from mixpress.emulator.nearest import Candidate, Difference
    from mixpress.emulator.request import LoggedRequest, RefusedEvent
    from mixpress.emulator.store.store import Store

MAX_LINES = 10  # differences, names, refused events and failed requests in a message
_FETCHED = 1000  # rows read from the store at a time
_MAX_PARAMETERS = 500  # request numbers in a query; with more, all are read


@dataclass(frozen=True)
class Wanted:
    """The event that a test waits for."""

    event: str
    properties: Mapping[str, Any]
    within: float
    """Seconds."""

    @property
    def name(self) -> str:
        """The name as the API stores it."""
        return self.event[:MAX_STRING]

    def check(self) -> None:
        """Raise TypeError or ValueError if a test asks for what no event can be."""
        if not isinstance(self.event, str):
            raise TypeError(f"event must be the name of an event, a string, got {type(self.event).__name__}")
        if not hasattr(self.properties, "items"):
            raise TypeError(f"properties must be a dict, got {type(self.properties).__name__}")
        if not 0 <= self.within < math.inf:
            raise ValueError(f"within must be a number of seconds >= 0, got {self.within}")


class Arrivals(Protocol):
    """The requests that are answered while a test waits."""

    def take(self, seconds: float) -> list[int]:
        """Return the numbers of the requests since the last call; wait for one for so many seconds."""


class LoggedArrivals:
    """The requests with accepted events that the log hears of, from when this is made until `stop`."""

    monotonic = staticmethod(time.monotonic)  # in a class, where freezegun does not replace it

    def __init__(self, log: RequestLog) -> None:
        self._numbers: SimpleQueue[int] = SimpleQueue()
        self.stop = log.listen(self._hear)

    def _hear(self, request: LoggedRequest) -> None:
        if request.imported:
            self._numbers.put(request.number)

    def take(self, seconds: float) -> list[int]:
        """Return the numbers of the requests since the last call; wait for one for so many seconds."""
        numbers = []
        try:
            numbers.append(self._numbers.get(timeout=seconds))
            while True:
                numbers.append(self._numbers.get_nowait())
        except Empty:
            return numbers


def assert_received(store: Store, log: RequestLog, url: str, wanted: Wanted) -> dict[str, Any]:
    """Return the first stored event that is as wanted, and wait for it; AssertionError if it does not come."""
    __tracebackhide__ = True
    wanted.check()
    arrivals = LoggedArrivals(log)  # before the store is read, so that no request is missed
    try:
        found = wait_for(store, wanted, arrivals, arrivals.monotonic)
    finally:
        arrivals.stop()
    if found is None:
        raise AssertionError(explain(store, log, url, wanted))
    return found


def wait_for(store: Store, wanted: Wanted, arrivals: Arrivals, monotonic: Callable[[], float]) -> dict[str, Any] | None:
    """Return the first stored event that is as wanted, or None if none is after `wanted.within` seconds.

    All events are read at first, then those of each request that is answered, and all of them again at the end.
    """
    deadline = monotonic() + wanted.within
    found = _find(store, wanted, None)
    while found is None and (left := deadline - monotonic()) > 0:
        numbers = arrivals.take(left)
        if not numbers:  # the time is over, by a clock that no test has frozen
            return _find(store, wanted, None)
        found = _find(store, wanted, numbers)
    return found


def _find(store: Store, wanted: Wanted, requests: Sequence[int] | None) -> dict[str, Any] | None:
    # The store is locked while the events are read: an exception must not leave it so.
    with closing(_read(store, wanted.name, requests)) as events:
        for name, properties in events:
            if contains(properties, wanted.properties):
                return {"event": name, "properties": properties}
    return None


def _read(
    store: Store, name: str | None = None, requests: Sequence[int] | None = None
) -> Generator[tuple[str, Any], None, None]:
    """Read events of a name or of all, and of some requests or of all, in order of first arrival."""
    where: list[str] = []
    values: list[str | int] = []
    if name is not None:
        where.append("event = ?")
        values.append(name)
    if requests is not None and len(requests) <= _MAX_PARAMETERS:
        where.append(f"request IN ({', '.join('?' * len(requests))})")
        values += requests
    query = f"SELECT event, properties FROM events WHERE {' AND '.join(where) or '1'} ORDER BY id"  # noqa: S608 - no value
    with store.reading() as connection:
        cursor = connection.execute(query, values)
        try:
            while rows := cursor.fetchmany(_FETCHED):
                yield from ((event, orjson.loads(properties)) for event, properties in rows)
        finally:
            cursor.close()


def explain(store: Store, log: RequestLog, url: str, wanted: Wanted) -> str:
    """Return what was wanted, and what came instead. Takes time linear in the events; the text is bounded."""
    similarity = Similarity(wanted.name)
    names = _count_names(store)
    nearest = _nearest(store, wanted, max(names, key=similarity.of, default=""), similarity)
    seconds = f"within {wanted.within:g} s"
    such = " with these properties" if wanted.properties else ""
    lines = [f"no event {to_text(wanted.event)}{such} was stored {seconds}"]
    if wanted.properties:
        lines.append(f"wanted: {to_text(dict(wanted.properties))}")
    lines += _stored(names, wanted)
    lines += _describe_nearest(nearest, wanted)
    lines += _refused(log.refused(), wanted, similarity)
    lines += _requests(log.requests(), url)
    return "\n".join(lines)


def _count_names(store: Store) -> Counter[str]:
    with store.reading() as connection:
        rows = connection.execute("SELECT event, count(*) FROM events GROUP BY event").fetchall()
    return Counter(dict(rows))


def _nearest(store: Store, wanted: Wanted, name: str, similarity: Similarity) -> Candidate | None:
    """Return the event that is most like the wanted one: of the most similar name, or of any with equal properties."""
    is_similar = similarity.of(name) > 0
    if not is_similar and not wanted.properties:
        return None
    with closing(_read(store, name if is_similar else None)) as events:
        nearest = find_nearest(events, wanted.properties)
    return nearest if nearest is not None and (is_similar or nearest.comparison.equal) else None


def _stored(names: Counter[str], wanted: Wanted) -> list[str]:
    total = sum(names.values())
    if not total:
        return ["stored: no event"]
    if names[wanted.name]:
        return [f"stored: {count(total, 'event')}, {names[wanted.name]:,} of them {to_text(wanted.event)}"]
    shown = ", ".join(f"{number:,} {to_text(name, 60)}" for name, number in names.most_common(MAX_LINES))
    return [f"stored: {count(total, 'event')}: {shown}{', ...' if len(names) > MAX_LINES else ''}"]


def _describe_nearest(nearest: Candidate | None, wanted: Wanted) -> list[str]:
    if nearest is None:
        return []
    lines = ["the nearest event (- wanted, + stored):"]
    if nearest.name == wanted.name:
        lines.append(f"    event: {to_text(nearest.name)}")
    else:
        lines += [f"  - event: {to_text(wanted.event)}", f"  + event: {to_text(nearest.name)}"]
    differences = nearest.comparison.differences
    if nearest.comparison.equal:
        lines.append(f"    {nearest.comparison.equal} of the wanted properties are equal")
    for difference in differences[:MAX_LINES]:
        lines += _diff(difference)
    if len(differences) > MAX_LINES:
        lines.append(f"    and {len(differences) - MAX_LINES:,} more differences")
    lines.append(f"    all its properties: {to_text(nearest.properties, 1000)}")
    return lines


def _diff(difference: Difference) -> list[str]:
    path = cut(difference.path)
    wanted, found = to_text(difference.wanted), to_text(difference.found)
    if wanted == found:  # texts that differ after their cut, or values of types that are not of JSON
        wanted += f" ({type(difference.wanted).__name__})"
        found += f" ({type(difference.found).__name__})"
    lines = [f"  - {path}: {wanted}"]
    lines.append(f"  + {path} is absent" if difference.found is ABSENT else f"  + {path}: {found}")
    if isinstance(difference.wanted, str) and difference.wanted[:MAX_STRING] == difference.found:
        lines.append(f"    strings are cut to {MAX_STRING} characters")
    return lines


def _refused(refused: Sequence[RefusedEvent], wanted: Wanted, similarity: Similarity) -> list[str]:
    """Describe the last refused events that look like the wanted one."""
    alike = [event for event in refused if _is_alike(event.event, wanted, similarity)]
    if not alike:
        return [f"refused: {count(len(refused), 'other event')}"] if refused else []
    lines = [f"refused: {count(len(alike), 'event')} like the wanted one:"]
    return lines + [f"  {refused_line(event)}" for event in alike[-MAX_LINES:]]


def _is_alike(event: Any, wanted: Wanted, similarity: Similarity) -> bool:
    if not isinstance(event, dict):
        return False
    name = event.get("event")
    if isinstance(name, str) and similarity.of(name):
        return True
    return count_equal(event.get("properties"), wanted.properties) > 0


def _requests(requests: Sequence[LoggedRequest], url: str) -> list[str]:
    if not requests:
        return [f"no request came: does the client send to {url}, and does it flush its queue before the assertion?"]
    failed = [request for request in requests if not 200 <= request.status < 300 or request.error]
    lines = [f"requests: {len(requests):,}, {len(failed):,} of them failed"]
    return lines + [f"  {request_line(request)}" for request in failed[-MAX_LINES:]]
