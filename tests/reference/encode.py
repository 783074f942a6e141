"""Encode many events: accept or reject each one, and pack the accepted ones into batches. Bodies are not gzipped."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from .json_events import Unreadable, read_events
from .rules import UPDATES, Options, Rejection, Truncation
from .updates import UpdateWalk
from .walk import Walk


@dataclass(frozen=True)
class Batch:
    """The body of one request, and the index in the input of each event in it."""

    body: bytes
    indexes: tuple[int, ...]


@dataclass
class Encoded:
    """The result, in the order of the input. The findings of one event are in the order of the rules."""

    batches: list[Batch] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    truncated: list[Truncation] = field(default_factory=list)
    warnings: list[Rejection] = field(default_factory=list)
    events: list[tuple[int, str]] = field(default_factory=list)  # index and JSON of each accepted event


def encode(events: Iterable[Any], options: Options | None = None, /, **named: Any) -> Encoded:
    """Encode Python objects."""
    options = options or Options(**named)
    encoded = Encoded()
    for index, event in enumerate(events):
        if isinstance(event, Unreadable):
            encoded.rejected.append(Rejection(index, None, "", "invalid-json"))
        else:
            add(encoded, index, walk_of(event, options), options)
    encoded.batches = [pack(group, options) for group in grouped(encoded.events, options)]
    return encoded


def encode_json(data: str | bytes | bytearray | memoryview, options: Options | None = None, /, **named: Any) -> Encoded:
    """Encode the events of a JSON text by the same rules. Unchanged numbers and strings keep their spelling."""
    return encode(read_events(data), options, **named)


def walk_of(event: Any, options: Options) -> Walk | UpdateWalk:
    return UpdateWalk(event, options) if options.endpoint in UPDATES else Walk(event, options)


def add(encoded: Encoded, index: int, walk: Walk | UpdateWalk, options: Options) -> None:
    """Accept or reject one event. A rejected event has no warnings and no truncations."""
    rejecting = walk.rejecting_findings()
    found = [Rejection(index, walk.insert_id, field, rule) for rule, _, field in rejecting or walk.ordered_findings()]
    if rejecting:
        # Choice: with `explain`, one rejection for each finding that rejects.
        encoded.rejected += found if options.explain else found[:1]
        return
    encoded.warnings += found
    encoded.truncated += [Truncation(index, *cut) for cut in walk.listed_truncated()]
    encoded.events.append((index, walk.json))


def grouped(events: list[tuple[int, str]], options: Options) -> list[list[tuple[int, str]]]:
    """Group the events into batches: an event that would exceed a limit starts the next batch.

    A single event always fits.
    """
    groups: list[list[tuple[int, str]]] = []
    for event in events:
        is_full = not groups or len(groups[-1]) >= options.limit("max_batch_events")
        if is_full or len(joined([*groups[-1], event], options)) > options.limit("max_batch_bytes"):
            groups.append([])
        groups[-1].append(event)
    return groups


def joined(group: list[tuple[int, str]], options: Options) -> bytes:
    if options.format == "ndjson":
        return "".join(f"{text}\n" for _, text in group).encode()
    return ("[" + ",".join(text for _, text in group) + "]").encode()


def pack(group: list[tuple[int, str]], options: Options) -> Batch:
    body = joined(group, options)
    if options.format == "form":
        data = base64.b64encode(body) if options.form_base64 else body
        body = b"data=" + quote(data, safe="").encode()
    return Batch(body, tuple(index for index, _ in group))
