"""A request, and its entry in the log. No field but `body` has credentials, and no `repr` shows the body."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from mixpress.emulator.as_json import decode

if TYPE_CHECKING:
    from collections.abc import Mapping


HIDDEN = "***"
MAX_TEXT = 1000  # characters of a value in the log
MAX_MEMBERS = 100  # headers, and parameters, of a request in the log
_SHOWN = 200  # bytes of an event in a `repr`
_QUERY = re.compile("\\?|%(?:25)*3f", re.IGNORECASE)  # a URL within a URL may be encoded
_SECRET = re.compile(
    "auth|cookie|key|token|secret|passw|pwd|credential|session|signature|jwt|assertion|bearer|(?<![a-z])sig(?![a-z])",
    re.IGNORECASE,
)
"""Found in the names of headers and parameters whose values are, or may be, credentials."""


@dataclass(frozen=True)
class Request:
    """A request to an endpoint, before it is processed."""

    number: int
    """1 for the first request since the emulator was started or cleared."""
    method: str
    path: str
    query: Mapping[str, str]
    """Without `api_key`."""
    headers: Mapping[str, str]
    """By lower-case name; `***` instead of credentials."""
    body: bytes = field(repr=False)
    """As received, still gzipped if it was; a form of an older client may contain its `api_key`."""
    address: str
    """The sender's IP address."""
    denied: str | None = None
    """Why /import refuses its credentials; None if it accepts them."""
    received: int = 0
    """When it was read, in milliseconds since the epoch."""
    project: str = field(default="", repr=False)
    """A digest of the project that its query or its credentials name; empty if they name none."""
    is_service_account: bool = False
    """Whether its credentials have the form of a service account."""


@dataclass(frozen=True)
class LoggedRequest:
    """A request in `Emulator.requests()`."""

    method: str
    path: str
    """Without the query. Long texts are cut: the path, `error`, and each name and value of `query` and `headers`, to
    1,000 characters and `…`. `query` and `headers` have the first 100."""
    status: int
    """Of the reply; 0 if the connection was closed instead."""
    events: int
    """Number of events in the body, or of updates of profiles; 0 if it was not read."""
    body_bytes: int
    """As received."""
    content_encoding: str
    """`gzip`, or empty."""
    fault: str = ""
    """The fault applied to it, as written, such as `429:3`; empty if none."""
    number: int = 0
    """1 for the first request since the emulator was started or cleared; 0 for one to an unknown address."""
    received: int = 0
    """When it was read, in milliseconds since the epoch."""
    imported: int = 0
    """Number of its events that were accepted, including those with `$ignore`."""
    refused: int = 0
    """Number of its events that were refused one by one."""
    unpacked_bytes: int = 0
    """Size of the JSON in it; 0 if it was not read."""
    seconds: float = 0.0
    """From the last byte of the request to the reply."""
    query: Mapping[str, str] = field(default_factory=dict)
    """Without `api_key` and `data`; `***` instead of credentials."""
    headers: Mapping[str, str] = field(default_factory=dict)
    """By lower-case name; `***` instead of credentials."""
    error: str = ""
    """Why the request was refused as a whole; empty otherwise."""
    ignored: int = 0
    """Number of its events that were accepted and not stored, because of their property `$ignore`."""


@dataclass(frozen=True)
class RefusedEvent:
    """An event in `Emulator.refused()`, or an update of a profile."""

    request: int
    """The number of its request."""
    received: int
    """When its request was read, in milliseconds since the epoch."""
    endpoint: str
    index: int
    """Its position in the request, from 0."""
    insert_id: str
    """Its `$insert_id`; empty if it has none."""
    field: str
    """The member that is invalid, such as `properties.time` or `$set.plan`; empty if it is the event itself."""
    message: str
    """Why it was refused."""
    json: bytes
    """The event as JSON, as it was sent; text that is not Unicode is in escaped surrogates."""

    @property
    def event(self) -> Any:
        """The event as it was sent: any JSON value. Each access parses it."""
        return decode(self.json)

    def __repr__(self) -> str:
        return (
            f"RefusedEvent(request={self.request}, index={self.index}, endpoint={self.endpoint!r}, "
            f"field={cut(self.field)!r}, message={cut(self.message)!r}, json={self.json[:_SHOWN]!r})"
        )


def hide_credentials(values: Mapping[str, str]) -> dict[str, str]:
    """Return headers or parameters with `***` instead of credentials.

    A value with a query that has credentials is cut at its `?`, and a `referer` at any `?`.
    """
    shown = {name: HIDDEN if _SECRET.search(name) else _without_secrets(value) for name, value in values.items()}
    if "referer" in shown:
        shown["referer"] = shown["referer"].partition("?")[0]
    return shown


def _without_secrets(value: str) -> str:
    start = _QUERY.search(value)
    return value[: start.start()] if start and _SECRET.search(unquote(unquote(value[start.end() :]))) else value


def cut(text: str) -> str:
    """Return a text of the log, of at most 1,000 characters and `…` for the rest."""
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}…"


def cut_all(values: Mapping[str, str]) -> dict[str, str]:
    """Return the first 100 headers or parameters for the log, with their names and values cut."""
    return {cut(name): cut(value) for name, value in islice(values.items(), MAX_MEMBERS)}
