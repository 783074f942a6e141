# Over 400 lines: one extension module has one stub, and the stub carries its documentation.
"""The Rust core: validates, truncates, serializes, packs and gzips events into request bodies in one pass."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from mmap import mmap
from typing import Any, Literal, Protocol, TypeVar, final

from typing_extensions import Buffer, Self, disjoint_base

from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount
from mixpress.transport import Request

__all__ = [
    "DISALLOWED_IDS",
    "Batch",
    "BatchIterator",
    "Builder",
    "Encoded",
    "Encoder",
    "Finding",
    "JsonCutter",
    "JsonPart",
    "Limits",
    "Members",
    "Moment",
    "Number",
    "Rejection",
    "Rejections",
    "Rule",
    "Tallies",
    "Truncation",
    "Unsupported",
    "__debug_build__",
    "__version__",
    "bracket",
    "csv_end",
    "csv_rows",
    "derive_insert_id",
    "encode",
    "forget_brackets",
    "gzip",
    "in_bracket",
    "rules",
    "together",
]

_Result = TypeVar("_Result")

__version__: str
__debug_build__: bool
"""True if the core was built without optimization. Benchmarks refuse to run on such a build."""
DISALLOWED_IDS: frozenset[str]
"""The ids that the API disallows, in lower case; a `distinct_id` or `$insert_id` is compared without regard to case."""

@final
class Limits:
    """The limits of events and batches, and the action for each broken rule.

    Each number is the largest that passes. `Limits()` is `Limits.documented()`; each keyword changes one field.

    Raises `ValueError` for a number below its minimum, an unknown rule or an unknown action, and `TypeError` for a
    value of another type.
    """

    def __new__(
        cls,
        *,
        max_string: int | None = None,
        truncate_unit: Literal["chars", "bytes"] | None = None,
        max_properties: int | None = None,
        max_keys: int | None = None,
        max_elements: int | None = None,
        max_depth: int | None = None,
        max_event_bytes: int | None = None,
        max_insert_id_bytes: int | None = None,
        max_batch_events: int | None = None,
        max_batch_bytes: int | None = None,
        max_profile_properties: int | None = None,
        max_value_bytes: int | None = None,
        rules: dict[str, str] | None = None,
    ) -> Self: ...
    @staticmethod
    def documented() -> Limits:
        """The limits of the API's documents. The default."""

    @staticmethod
    def observed() -> Limits:
        """The limits observed on the server: strings of 255 UTF-8 bytes, depth 10, no `time` in the future."""

    @property
    def max_string(self) -> int:
        """Length of a string in `truncate_unit`; a longer one is cut. Default 255 (Import Events: 255 characters)."""

    @property
    def truncate_unit(self) -> Literal["chars", "bytes"]:
        """Unit of `max_string`: `"chars"` (Unicode scalar values, the default) or `"bytes"` (of UTF-8)."""

    @property
    def max_properties(self) -> int:
        """Members of `properties`. Default 254 (Import Events: fewer than 255)."""

    @property
    def max_keys(self) -> int:
        """Members of a nested object. Default 254 (Import Events: fewer than 255)."""

    @property
    def max_elements(self) -> int:
        """Elements of an array. Default 254 (Import Events: fewer than 255)."""

    @property
    def max_depth(self) -> int:
        """Levels of nested objects within `properties`, which is depth 0. Default 3 (Import Events)."""

    @property
    def max_event_bytes(self) -> int:
        """Bytes of one event as written, after truncation. Default 999,999 (Import Events: smaller than 1 MB)."""

    @property
    def max_insert_id_bytes(self) -> int:
        """Bytes of `$insert_id`. Default 36 (observed: the server refuses more)."""

    @property
    def max_batch_events(self) -> int:
        """Events, or updates of profiles, in a batch. Default 2000 (Import Events, User Profile Limits)."""

    @property
    def max_batch_bytes(self) -> int:
        """Bytes of a body before gzip. Default 9,500,000 (Import Events: 10 MB; less a safety margin)."""

    @property
    def max_profile_properties(self) -> int:
        """Properties that the operation of an update names. Default 2000 (User Profiles: 2000 for a profile)."""

    @property
    def max_value_bytes(self) -> int:
        """Bytes, as written, of a list or object that is the value of a profile's property. Default 262,144 (Data
        Types: 256 KB)."""

    @property
    def rules(self) -> dict[str, str]:
        """Actions that differ from the default: rule id -> `"reject"`, `"warn"` or `"off"`."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@disjoint_base
class Finding:
    """A rule that an event breaks at one path. The event was accepted all the same (see `Encoded.warnings`)."""

    @property
    def index(self) -> int:
        """Position of the event in the input, from 0."""

    @property
    def line(self) -> int | None:
        """For JSON text, the line of the event's first character, from 1; None for other input."""

    @property
    def insert_id(self) -> str | None:
        """The event's `$insert_id`; None if it is missing or not text."""

    @property
    def field(self) -> str:
        """A path such as `properties.items[2].name`; empty for the whole event."""

    @property
    def rule(self) -> str:
        """The stable id of the rule, such as `time-too-old`."""

    @property
    def message(self) -> str:
        """A sentence with the value, the limit and the remedy."""

    def as_dict(self) -> dict[str, Any]:
        """Return `index`, `insert_id`, `field` and `message`, as in the server's `failed_records`."""

    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Rejection(Finding):
    """An event that is in no batch, and the first rule that it breaks, in the order of `rules()`."""

    @property
    def findings(self) -> list[Finding]:
        """With `Encoder(explain=True)` every rule that the event breaks, in the order of `rules()`; else the first."""

    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Rejections:
    """Some rejected events, without an object for each. Passed to `on_rejections` of `Encoder.iter_batches`."""

    @property
    def rules(self) -> dict[str, int]:
        """Events by the first rule that each breaks: rule -> count, in the order of their first occurrences."""

    def first(self, rule: str) -> Rejection | None:
        """Return the first event that was rejected by this rule, or None."""

    def head(self, most: int) -> Rejections:
        """Return the first events, at most so many, in an object that keeps no memory of the others."""

    def to_list(self) -> list[Rejection]:
        """Return an object for each event, in input order. A new list each time."""

    def __len__(self) -> int: ...

@final
class Truncation:
    """A string or name that was cut to `Limits.max_string`."""

    @property
    def index(self) -> int:
        """Position of the event in the input, from 0."""

    @property
    def path(self) -> str:
        """A path such as `properties.items[2].name`."""

    @property
    def length(self) -> int:
        """Its length before truncation, in `Limits.truncate_unit`."""

    @property
    def advice(self) -> Literal["url", "json", "text"]:
        """The kind of string. Import Events recommends for a URL: send its parts as properties; for JSON: send its
        members as properties; for other text: leave it out unless it is useful."""

    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Batch(Buffer):
    """A request body and the description of its events.

    A batch is a buffer: `memoryview(batch)` is the body without a copy, and `socket.sendall`, `http.client` and urllib3
    accept it. `len(batch)` is the number of events, so pass `batch.body` to libraries that take `len` for a size in
    bytes, such as `requests`. A batch can be pickled and copied. Its `repr` shows sizes, never the events.
    """

    @property
    def body(self) -> bytes:
        """The bytes to send, gzipped unless the encoder's compression is None.

        The body of a `Builder`'s batch is gzipped when it is first read, by the thread that reads it.
        """

    @property
    def headers(self) -> dict[str, str]:
        """`Content-Type` and, where gzipped, `Content-Encoding`. A new dict each time."""

    @property
    def endpoint(self) -> Literal["import", "track", "engage", "groups"]:
        """The endpoint of its encoder, where it is to be sent."""

    @property
    def count(self) -> int:
        """Events in the batch; `len(batch)` is the same."""

    @property
    def indexes(self) -> Sequence[int]:
        """Position in the batch -> position in the input. A `range` if no event in between was rejected."""

    @property
    def lines(self) -> Sequence[int] | None:
        """Position in the batch -> line of the event's first character, from 1; None if the input was not JSON text."""

    @property
    def raw_size(self) -> int:
        """Bytes of the body before gzip."""

    def events(self) -> list[bytes]:
        """Return the JSON of each event as it was written."""

    def split(self) -> list[Batch]:
        """Return two batches with half of the events each, byte for byte; or the batch itself if it has one event."""

    def request(
        self,
        base_url: str,
        auth: ServiceAccount | ProjectToken | ProjectSecret,
        *,
        strict: bool = True,
        ip: bool = False,
        verbose: bool = True,
    ) -> Request:
        """Return the request, as a `Client` sends it, for any HTTP library: `method`, `url`, `headers` and `body`.

        `base_url`: a server's URL without the endpoint's path, or a region: `"us"`, `"eu"` or `"in"`.
        `auth`: the credentials. /track takes a `ProjectToken`, which the encoder also needs as `token`.
        `strict`: ask the server to validate each event and report the refused ones (/import).
        `ip`: use the sender's address for the location of events without an `ip` property.
        `verbose`: ask for the reason of a failure instead of a bare `0` (/track, and /import without `strict`).

        The request's `repr` omits the headers, which hold the credentials, and it cannot be pickled. Raises `TypeError`
        for an argument of another type, and `ValueError` for an invalid URL, a URL with credentials, or an `auth` that
        /track does not take.
        """

    def __len__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Tallies:
    """How often something was found, without an object for each time. Made by `tallies` of a builder or an iterator.

    It does not change when more is found. The rejections are counted by the first rule that each event breaks, also
    those that are in no list, because they were returned or passed to a callback.
    """

    @property
    def rejected(self) -> dict[str, int]:
        """Rejected events: rule -> count."""

    @property
    def truncated(self) -> dict[str, int]:
        """Truncated strings: path -> count, in the order of their first occurrences."""

    @property
    def warnings(self) -> dict[str, int]:
        """Warnings: rule -> count, in the order of their first occurrences."""

    def first_truncation(self, path: str) -> Truncation | None:
        """Return the first truncated string with this path, or None."""

    def first_warning(self, rule: str) -> Finding | None:
        """Return the first warning of this rule, or None."""

@final
class Encoded:
    """The result of `Encoder.encode`. Every list is in input order, and is made when it is first read."""

    @property
    def batches(self) -> list[Batch]:
        """The batches to send."""

    @property
    def rejected(self) -> list[Rejection]:
        """The events that are in no batch, each with its reason."""

    @property
    def truncated(self) -> list[Truncation]:
        """The strings that were cut in the events of the batches."""

    @property
    def warnings(self) -> list[Finding]:
        """Broken rules whose action is `"warn"`, in the events of the batches."""

    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class BatchIterator:
    """An iterator of batches as they close, in memory bounded by one batch. Made by `Encoder.iter_batches`."""

    @property
    def total(self) -> int:
        """Events read from the source so far."""

    @property
    def rejected(self) -> list[Rejection]:
        """Rejections since the batch before the last one. Empty with `on_rejected` or `on_rejections`."""

    @property
    def truncated(self) -> list[Truncation]:
        """Strings cut since the batch before the last one."""

    @property
    def warnings(self) -> list[Finding]:
        """Warnings since the batch before the last one."""

    def tallies(self) -> Tallies:
        """Count what was found since the batch before the last one, rejections passed to a callback included."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Batch: ...

class _Bracketed(Protocol):
    def __call__(self, step: Callable[..., _Result], *values: object) -> _Result: ...

def bracket(before: Callable[[], object], after: Callable[[], object]) -> _Bracketed:
    """Return a function that calls a step between two others. The last one is called however the step ends.

    No line of Python runs between the calls, so an exception out of a signal handler or a trace function can't come
    there, as it can on the last line of a `with` block or the first of a `finally`.

    `before` and `after` are functions written in C, such as `acquire` and `release` of a lock. The function that is
    returned calls `before`, `step(*values)` and `after`, and returns what `step` returns. If `before` raises, the
    others are not called. An exception of `step` takes precedence over one of `after`.
    """

def in_bracket() -> bool:
    """Return whether this thread is in a step of a function that `bracket` returned, so that it may hold a lock.

    A `__del__` or a signal handler that is called there must not wait for another lock: the thread that holds it may
    wait for this one.
    """

def forget_brackets() -> None:
    """Make `in_bracket` return False in this thread, in a forked child: the held locks are those of the parent."""

def together(*steps: Callable[[], Any]) -> tuple[Any, ...]:
    """Call functions written in C one after another, with no line of Python between them, up to one that raises; return
    their results.
    """

@final
class Builder:
    """A batch that grows by one event at a time. Made by `Encoder.builder`.

    A call while another thread uses the builder raises `RuntimeError`.
    """

    def add(self, event: Mapping[str, Any] | Any) -> Rejection | None:
        """Validate and write an event; return a `Rejection` if it breaks a rule. The event may be changed afterwards.

        The rejection's `index` counts all events that were added, from 0. Raises `ValueError` if the batch is `full`.
        """

    def finish(self) -> Batch:
        """Return the batch and start the next one. Raises `ValueError` if there is no event.

        An event that did not fit into the full batch is already in the next one. The gzip, which takes milliseconds, is
        left until the batch's `body` is read.
        """

    @property
    def full(self) -> bool:
        """Whether the batch is complete: call `finish` before the next `add`."""

    @property
    def held_bytes(self) -> int:
        """Bytes of JSON not yet returned by `finish`, for a bound on memory."""

    @property
    def truncated(self) -> list[Truncation]:
        """Strings cut since the last `finish`."""

    @property
    def warnings(self) -> list[Finding]:
        """Warnings since the last `finish`."""

    def tallies(self) -> Tallies:
        """Count what was found since the last `finish`, rejections included."""

    def __len__(self) -> int: ...

@final
class Encoder:
    """An encoder of events, or of updates of profiles, into request bodies. Threads can share it.

    `endpoint`: `"import"` or `"track"` for events; `"engage"` for updates of the profiles of users, `"groups"` for
        those of groups. An update is the object of the API's documents with one operation, such as
        `{"$distinct_id": "u", "$set": {"plan": "pro"}}` or
        `{"$group_key": "company", "$group_id": "c", "$unset": ["plan"]}`.
    `format`: `"json"`, `"ndjson"` (import only) or `"form"` (not import: `data=<percent-encoded JSON>`).
    `compression`: `"gzip"` or None. Default `"gzip"` for events; None for updates (User Profiles: no gzip).
    `level`: 1 (fastest) to 9 (smallest); None is 2. 1 compresses by the writer's hints alone. 2 also searches in
        values, and is smaller than zlib's level 6. 3 to 9 are libdeflate's levels 6 to 12: each is slower than the one
        before and most are smaller (libdeflate's 10 and 11 not always). 9 takes a hundred times as long as 2.
    `token`: the project token, written as `properties.token` into events without one, and as `$token` into updates.
        White space around it is removed.
    `insert_id`: for an event without `$insert_id`: `"require"` rejects it, `"derive"` writes `derive_insert_id(event)`.
    `insert_id_from`: the fields to derive it from, as in `derive_insert_id(event, fields)`: `"event"`, or names of
        properties, which together tell events apart. None is the whole event.
    `limits`: the limits and actions; None is `Limits.documented()`.
    `now`: a function that returns seconds since the epoch, called once a batch, to validate `time`; None is the system
        clock.
    `explain`: whether a `Rejection` lists every rule that the event breaks, or the first one.
    `default`: a function that converts a value that JSON can't represent, as in `json`. If it raises, the event is
        rejected.
    `form_base64`: whether a form holds base64 of the JSON, for old servers.
    `on_long_url`, `on_long_json`, `on_long_text`: for a property whose text is too long, `"cut"` or the remedy of
        Import Events: `"parse"` a URL into `<name>_host`, `<name>_path` and `<name>_param_<key>`, `"flatten"` JSON into
        `<name>_<key>`, `"drop"` other text. Either is reported as a `Truncation`.
    `group_key`: groups only: written as `$group_key` into updates without one.
    `ip`: engage only: False (the default) writes `"$ip": "0"` into updates without `$ip`, so that the server takes no
        location from the address of the request; True writes nothing.
    `ignore_time`: engage only: True (the default) writes `"$ignore_time": true` into updates without it, so that the
        server leaves the profile's `$last_seen`; False writes nothing.
    `identity`: import and track only: how the project identifies users. None: an event needs a `distinct_id`, or a text
        with characters as `$device_id` or `$user_id`. `"original"`: an event needs a `distinct_id`. `"simplified"`: as
        None, and placeholders are disallowed in `$device_id` and `$user_id` too, and identity events are rejected.

    The encoder never changes the events. A bad event is data (a `Rejection`), never an exception. Raises `ValueError`
    for a wrong value of an argument, and `TypeError` for a wrong type.
    """

    def __new__(
        cls,
        endpoint: Literal["import", "track", "engage", "groups"] = "import",
        *,
        format: Literal["json", "ndjson", "form"] = "json",
        compression: Literal["gzip"] | None = ...,
        level: int | None = None,
        token: str | None = None,
        insert_id: Literal["require", "derive"] = "require",
        insert_id_from: Sequence[str] | None = None,
        limits: Limits | None = None,
        now: Callable[[], float] | None = None,
        explain: bool = False,
        default: Callable[[Any], Any] | None = None,
        form_base64: bool = False,
        on_long_url: Literal["cut", "parse"] = "cut",
        on_long_json: Literal["cut", "flatten"] = "cut",
        on_long_text: Literal["cut", "drop"] = "cut",
        group_key: str | None = None,
        ip: bool | None = None,
        ignore_time: bool | None = None,
        identity: Literal["simplified", "original"] | None = None,
    ) -> Self: ...
    def encode(self, events: Iterable[Mapping[str, Any] | Any]) -> Encoded:
        """Encode all events, or updates, of an iterable. An exception of the iterable is raised."""

    def encode_json(self, data: bytes | bytearray | memoryview | str | mmap | JsonPart) -> Encoded:
        """Encode JSON text without making Python objects: NDJSON, an array, or objects one after another.

        Values that need no change keep their spelling. A broken line is one rejection (`invalid-json`, with line,
        column and byte in its message), and encoding goes on at the next line. `bytes` are read in place. Buffers that
        may change are copied a megabyte at a time.
        """

    def encode_arrow(
        self,
        source: Any,
        *,
        event: str | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> Encoded:
        """Encode the rows of an object with `__arrow_c_stream__`: a pyarrow Table or RecordBatchReader, a Polars or
        pandas DataFrame, a DuckDB relation. It is read one record batch at a time, and no value becomes a Python
        object.

        `event`: the name of every event. `columns`: the columns of the reserved names, such as `{"event": "action",
        "time": "ts", "distinct_id": "user", "$insert_id": "id"}`; a name that is not in it is its own column. Every
        other column becomes a property of the same name. A null is left out. If the table has only the columns `event`
        and `properties`, a struct, the struct's fields are the properties.

        For `"engage"` and `"groups"` a row is an update, and each column is a member of it. `columns` then names the
        columns of `$token`, `$distinct_id`, `$group_key` and `$group_id`.

        Raises `TypeError` for a source or an argument of another type; `ValueError` if no column has the event's name,
        if a column in `columns` does not exist, or if two columns would be one property; `RuntimeError` with the
        producer's message if reading fails.
        """

    def iter_batches(
        self,
        source: Iterable[Mapping[str, Any] | Any] | bytes | bytearray | memoryview | str | mmap | JsonPart,
        *,
        event: str | None = None,
        columns: Mapping[str, str] | None = None,
        on_rejected: Callable[[Rejection], object] | None = None,
        on_rejections: Callable[[Rejections], object] | None = None,
    ) -> BatchIterator:
        """Iterate over the batches of events, JSON text or Arrow data as they close, in memory bounded by one batch.

        `on_rejected` is called with each rejection, at the latest when 1000 are collected. `on_rejections` is called
        with all that are collected then, as one `Rejections`: events that are only counted cost no object. Pass at most
        one of the two. Without either, rejections are kept until the next batch, so pass one if the input may be bad
        without end. An exception of the iterable is raised after the open batch is returned. An exception of
        `on_rejected` or `on_rejections` is raised at once and costs no event: the next call goes on, with the batch
        that is full.
        """

    def deriving_ids_from(self, fields: Sequence[str]) -> Encoder:
        """Return an encoder with the same settings, but for `insert_id="derive", insert_id_from=fields`."""

    def builder(self) -> Builder:
        """Return a builder, to add events one at a time."""

    @property
    def endpoint(self) -> Literal["import", "track", "engage", "groups"]: ...
    @property
    def format(self) -> Literal["json", "ndjson", "form"]: ...
    @property
    def form_base64(self) -> bool: ...
    @property
    def compression(self) -> Literal["gzip"] | None: ...
    @property
    def level(self) -> int | None: ...
    @property
    def group_key(self) -> str | None: ...
    @property
    def ip(self) -> bool | None:
        """None unless the endpoint is `"engage"`."""

    @property
    def ignore_time(self) -> bool | None:
        """None unless the endpoint is `"engage"`."""

    @property
    def identity(self) -> Literal["simplified", "original"] | None: ...
    @property
    def limits(self) -> Limits: ...

@final
class Rule:
    """One of the rules that an event is held to."""

    @property
    def id(self) -> str:
        """Its stable id, as in `Rejection.rule` and `Limits(rules=...)`."""

    @property
    def says(self) -> str:
        """Its demand, as a sentence."""

    @property
    def endpoints(self) -> tuple[Literal["import", "track", "engage", "groups"], ...]:
        """The endpoints for which it is checked, as in `Encoder(endpoint=...)`."""

    @property
    def source(self) -> str:
        """The document or the server's message behind the demand."""

    @property
    def documented(self) -> Literal["reject", "warn", "off"]:
        """The default action under `Limits.documented()`."""

    @property
    def observed(self) -> Literal["reject", "warn", "off"]:
        """The default action under `Limits.observed()`."""

def encode(
    events: Iterable[Mapping[str, Any] | Any],
    *,
    endpoint: Literal["import", "track", "engage", "groups"] = "import",
    format: Literal["json", "ndjson", "form"] = "json",
    compression: Literal["gzip"] | None = ...,
    level: int | None = None,
    token: str | None = None,
    insert_id: Literal["require", "derive"] = "require",
    insert_id_from: Sequence[str] | None = None,
    limits: Limits | None = None,
    now: Callable[[], float] | None = None,
    explain: bool = False,
    default: Callable[[Any], Any] | None = None,
    form_base64: bool = False,
    on_long_url: Literal["cut", "parse"] = "cut",
    on_long_json: Literal["cut", "flatten"] = "cut",
    on_long_text: Literal["cut", "drop"] = "cut",
    group_key: str | None = None,
    ip: bool | None = None,
    ignore_time: bool | None = None,
    identity: Literal["simplified", "original"] | None = None,
) -> Encoded:
    """Return `Encoder(...).encode(events)`. It takes about a microsecond more than an `Encoder` that is kept."""

@final
class JsonPart:
    """Some whole records of a JSON text, made by a `JsonCutter`.

    `Encoder.encode_json` and `Encoder.iter_batches` read it in place of text. Lines and bytes in what they report are
    those of the whole text. Threads can share it.
    """

    @property
    def text(self) -> bytes:
        """Its bytes. A copy each time."""

    @property
    def start(self) -> int:
        """The byte of the whole text where it starts, from 0."""

    @property
    def end(self) -> int:
        """The byte of the whole text where the next part starts."""

    @property
    def line(self) -> int:
        """The number of its first line in the whole text, from 1."""

    @property
    def dropped(self) -> int:
        """0; or the bytes left out of a record that is too long, of which `text` has the first 1,000 bytes."""

    def next_line(self) -> int | None:
        """Return the number of the line that follows it; None if it does not end with a line, or not with all of it."""

    def spans(self, records: list[int] | None = None) -> list[tuple[int, int, int]]:
        """Return where these records are, or all of them: line in the whole text, first byte and end in `text`.

        A record is what is one event or one rejection of `Encoder.encode_json`, counted from 0. The numbers are in
        ascending order; those beyond the last record are left out.
        """

    def digest(self, end: int | None = None) -> bytes:
        """Return checksums of its text, or of that before the byte `end` of the whole text, by which a change is
        noticed. They are no protection against intent."""

@final
class JsonCutter:
    """Cuts a JSON text of any length into parts, at places where no record is split.

    `layout`: `"lines"` for one record a line, `"values"` for an array of records, or records one after another, each
        on one line or several.
    `longest`: bytes of the longest record. A longer one is skipped, and its first bytes are a part with `dropped`.

    Parts of a text without errors are encoded like the text as a whole. One thread uses a cutter.
    """

    def __new__(cls, layout: Literal["lines", "values"], *, longest: int) -> Self: ...
    @staticmethod
    def at(longest: int, offset: int, line: int) -> JsonCutter:
        """Return a cutter of lines for a text whose first bytes are not read: it starts at this byte and line."""

    @property
    def layout(self) -> Literal["lines", "values"]: ...
    @property
    def held(self) -> int:
        """Bytes that were pushed and are in no part yet."""

    def push(self, text: bytes, /) -> None:
        """Take more of the text."""

    def cut(self) -> JsonPart | None:
        """Return the records up to the last one that ended; None if more text is needed for one. Call it until then."""

    def finish(self) -> JsonPart | None:
        """Return the rest at the end of the text; None if there is nothing left. Call it until then."""

def rules() -> list[Rule]:
    """Return every rule, in the order in which broken rules are reported."""

def derive_insert_id(event: Mapping[str, Any] | Any, fields: Sequence[str] | None = None) -> str:
    """Return an `$insert_id` computed from the event: 36 hexadecimal digits, the same on every machine and version.

    `fields` are the members to hash: `"event"`, or names of properties. By default they are the event's name, its time
    in milliseconds, its `distinct_id` and all other properties except `token` and `$insert_id`. `docs/encoder.md`
    defines the hashed text byte for byte. Raises `TypeError` for an event with a value that JSON can't represent, and
    `ValueError` for more than 64 levels of nesting.
    """

def csv_end(text: bytes, delimiter: str) -> tuple[int, int, int, int | None]:
    """Find the whole records at the start of CSV text that more text may follow: the offset behind the last one, the
    number of their lines, their number, and the offset of the quote of a field that is not closed, or None.

    An empty line is not a record. A CR that is the last byte does not end a record, as LF may follow.
    """

def csv_rows(
    text: bytes, delimiter: str, records: Sequence[int] | None = None
) -> list[tuple[int, int, int, list[bytes]]]:
    """Return records of CSV text: start, end, number of the first line from 0, and fields. `records` are numbers in
    ascending order; None returns all of them.
    """

def gzip(body: bytes, level: int | None = None) -> bytes:
    """Return a gzip stream of `body`. It has no timestamp: the same body and level give the same bytes.

    `level` is 1 (fastest) to 9 (smallest), as in `Encoder` but without the writer's hints; None is 2. Other threads run
    meanwhile. Raises `ValueError` for another level.
    """

@final
class Moment:
    """A date and time, as `mixpress.snapshot` makes it. `date` is year, month, day; `clock` hour to microsecond."""

    def __new__(cls, date: tuple[int, int, int], clock: tuple[int, int, int, int], utc: bool) -> Self: ...

@final
class Number:
    """A number by its spelling, as `mixpress.snapshot` makes it."""

    def __new__(cls, spelling: str) -> Self: ...

@final
class Members:
    """The members of an object, as `mixpress.snapshot` makes them: a list of pairs."""

    def __new__(cls, pairs: list[tuple[Any, Any]]) -> Self: ...
    @property
    def pairs(self) -> list[tuple[Any, Any]]: ...

@final
class Unsupported:
    """A value that JSON can't represent, as `mixpress.snapshot` makes it, and the sentence that says so."""

    def __new__(cls, message: str) -> Self: ...
