"""The Rust core: events into request bodies, validated, cut, serialized, packed and gzipped in one pass."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from mmap import mmap
from typing import Any, Literal, final

from typing_extensions import Buffer, Self, disjoint_base

from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount
from mixpress.transport import Request

__all__ = [
    "Batch",
    "BatchIterator",
    "Builder",
    "Encoded",
    "Encoder",
    "Finding",
    "Limits",
    "Members",
    "Number",
    "Rejection",
    "Rule",
    "Truncation",
    "Unsupported",
    "__debug_build__",
    "__version__",
    "derive_insert_id",
    "encode",
    "gzip",
    "rules",
]

__version__: str
__debug_build__: bool
"""True where the core was built without optimization: benchmarks refuse to run on it."""

@final
class Limits:
    """The numbers an event and a batch are held to, and what each broken rule does.

    Each number is the largest that still passes. `Limits()` is `Limits.documented()`; keywords change single fields.

    Raises `ValueError` for a number below the least that makes sense, an unknown rule or an unknown action; `TypeError`
    for a value of another type.
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
        rules: dict[str, str] | None = None,
    ) -> Self: ...
    @staticmethod
    def documented() -> Limits:
        """The API documents' word for word. The default."""

    @staticmethod
    def observed() -> Limits:
        """What is known of the server: strings of 255 bytes of UTF-8, depth 10, a `time` in the future refused."""

    @property
    def max_string(self) -> int:
        """Longest text, in `truncate_unit`; a longer one is cut. Default 255 (Import Events: 255 characters)."""

    @property
    def truncate_unit(self) -> Literal["chars", "bytes"]:
        """What `max_string` counts: `"chars"` (Unicode scalar values, the default) or `"bytes"` (of UTF-8)."""

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
        """Objects inside one another within `properties`, which is depth 0. Default 3 (Import Events)."""

    @property
    def max_event_bytes(self) -> int:
        """Bytes of one event as written, after the cut. Default 999,999 (Import Events: smaller than 1 MB)."""

    @property
    def max_insert_id_bytes(self) -> int:
        """Bytes of `$insert_id`. Default 36 (what the server takes)."""

    @property
    def max_batch_events(self) -> int:
        """Events in a batch. Default 2000 (Import Events)."""

    @property
    def max_batch_bytes(self) -> int:
        """Bytes of a body before gzip. Default 9,500,000 (the API's 10 MB, with a margin: MB or MiB is open)."""

    @property
    def rules(self) -> dict[str, str]:
        """The actions that were set: rule -> `"reject"`, `"warn"` or `"off"`. Rules not in it have their default."""

    def __eq__(self, other: object, /) -> bool: ...
    def __ne__(self, other: object, /) -> bool: ...

@disjoint_base
class Finding:
    """A rule broken at one place of an event, which was let through with it (see `Encoded.warnings`)."""

    @property
    def index(self) -> int:
        """Position of the event in the input, from 0."""

    @property
    def line(self) -> int | None:
        """In JSON text, the line on which the event begins, from 1; None for other input."""

    @property
    def insert_id(self) -> str | None:
        """The event's `$insert_id`, where that is text."""

    @property
    def field(self) -> str:
        """Where: a path such as `properties.items[2].name`; empty for the event as a whole."""

    @property
    def rule(self) -> str:
        """The rule's stable word, such as `time-too-old`."""

    @property
    def message(self) -> str:
        """A sentence that names the value, the limit and what to do."""

    def as_dict(self) -> dict[str, Any]:
        """`index`, `insert_id`, `field`, `message`: the shape of the server's `failed_records`."""

@final
class Rejection(Finding):
    """An event that is in no batch, and the first rule that it broke, in the order of the rules."""

    @property
    def findings(self) -> list[Finding]:
        """By `Encoder(explain=True)` every rule that it broke, in the order of the rules; else the first alone."""

@final
class Truncation:
    """A string or name that was cut to `Limits.max_string`."""

    @property
    def index(self) -> int:
        """Position of the event in the input, from 0."""

    @property
    def path(self) -> str:
        """Where: a path such as `properties.items[2].name`."""

    @property
    def length(self) -> int:
        """Its length before, in `Limits.truncate_unit`."""

    @property
    def advice(self) -> Literal["url", "json", "text"]:
        """What the string is, and so what Import Events recommends instead: for a URL its parts as properties, for JSON
        its members as properties, for other text to leave it out unless it is of use."""

@final
class Batch(Buffer):
    """A request body and what is in it.

    It is a buffer: `memoryview(batch)` is the body, not copied, and what takes buffers takes a batch, as
    `socket.sendall`, `http.client` and urllib3 do. `len(batch)` counts events: what takes that for bytes, as `requests`
    does, is given `batch.body`. It can be pickled and copied, with all that is told of it here. Its `repr` has sizes,
    and nothing of the events.
    """

    @property
    def body(self) -> bytes:
        """The bytes to send, gzipped unless the encoder's compression is None.

        A batch of a `Builder` is gzipped when its body is first asked for, by the thread that asks.
        """

    @property
    def headers(self) -> dict[str, str]:
        """`Content-Type` and, where gzipped, `Content-Encoding`. A new dict each time."""

    @property
    def endpoint(self) -> Literal["import", "track"]:
        """Where it is to be sent: that of its encoder."""

    @property
    def count(self) -> int:
        """Events in the batch; `len(batch)` is the same."""

    @property
    def indexes(self) -> Sequence[int]:
        """Position in the batch -> position in the input. A range where nothing in between was rejected."""

    @property
    def lines(self) -> Sequence[int] | None:
        """Position in the batch -> line of the JSON text on which the event begins, from 1; None for other input."""

    @property
    def raw_size(self) -> int:
        """Bytes of the body before gzip."""

    def events(self) -> list[bytes]:
        """The JSON of each event as it was written."""

    def split(self) -> list[Batch]:
        """Two batches with half of the events each, as they were written; itself where there is one event alone."""

    def request(
        self,
        base_url: str,
        auth: ServiceAccount | ProjectToken | ProjectSecret,
        *,
        strict: bool = True,
        ip: bool = False,
        verbose: bool = True,
    ) -> Request:
        """The request to send, for any HTTP library: `method`, `url`, `headers` and `body`. A `Client` sends the same.

        `base_url`: a server, without the endpoint's path; or a region, `"us"`, `"eu"` or `"in"`.
        `auth`: who sends. To /track a `ProjectToken`; give it to the encoder as `token`, as it stands in the events.
        `strict`: /import checks each event and says which it refuses.
        `ip`: take the sender's address for the location of events that have no `ip` property.
        `verbose`: an answer that is not strict, or of /track, says what was wrong, instead of a bare 0.

        Its `repr` has no headers, as one of them holds the credentials, and it is not pickled. `TypeError` for an
        argument of another type; `ValueError` for a URL that is none or holds credentials, or an `auth` that /track
        does not take.
        """

    def __len__(self) -> int: ...
    def __reduce__(self) -> tuple[Any, ...]: ...

@final
class Encoded:
    """What `Encoder.encode` makes of its input. Everything is in input order."""

    @property
    def batches(self) -> list[Batch]:
        """The bodies to send."""

    @property
    def rejected(self) -> list[Rejection]:
        """The events that are in no batch, each with its reason."""

    @property
    def truncated(self) -> list[Truncation]:
        """The strings that were cut, in events that are in a batch."""

    @property
    def warnings(self) -> list[Finding]:
        """What was let through because its rule's action is `"warn"`."""

@final
class BatchIterator:
    """Batches as they close, in memory bounded by one of them. Made by `Encoder.iter_batches`."""

    @property
    def total(self) -> int:
        """Events read from the iterable so far."""

    @property
    def rejected(self) -> list[Rejection]:
        """Rejections since the batch before the last one. Empty where `on_rejected` takes them."""

    @property
    def truncated(self) -> list[Truncation]:
        """Strings cut since the batch before the last one."""

    @property
    def warnings(self) -> list[Finding]:
        """Warnings since the batch before the last one."""

    def __iter__(self) -> Self: ...
    def __next__(self) -> Batch: ...

@final
class Builder:
    """A batch that grows by one event at a time. Made by `Encoder.builder`. Not for two threads at once."""

    def add(self, event: Mapping[str, Any] | Any) -> Rejection | None:
        """Checks and writes an event now, so that it may be changed afterwards. Raises `ValueError` when `full`.

        A `Rejection`'s `index` counts all events that were added, from 0.
        """

    def finish(self) -> Batch:
        """The batch, and an empty builder. Raises `ValueError` when there is no event in it.

        An event that did not fit into the full batch is in the next one already. What takes milliseconds, the gzip, is
        left until the batch's `body` is asked for.
        """

    @property
    def full(self) -> bool:
        """Whether a batch is complete and must be finished before the next event."""

    @property
    def held_bytes(self) -> int:
        """Bytes of JSON that wait in the open batch."""

    @property
    def truncated(self) -> list[Truncation]:
        """Strings cut since the last `finish`."""

    @property
    def warnings(self) -> list[Finding]:
        """Warnings since the last `finish`."""

    def __len__(self) -> int: ...

@final
class Encoder:
    """Turns events into request bodies.

    `endpoint`: `"import"` or `"track"`.
    `format`: `"json"`, `"ndjson"` (import only) or `"form"` (track only: `data=<percent-encoded JSON>`).
    `compression`: `"gzip"` or None.
    `level`: how small a gzipped body becomes. 1 follows the writer's hints alone and is the fastest; 2, the default,
        also searches values: smaller than zlib's level 6. 3 to 9 are libdeflate's 6 to 12, each slower than the one
        before and mostly smaller (its 10 and 11 not always); 9 takes a hundred times as long as 2.
    `token`: the project's token, which becomes `properties.token` where an event has none.
    `insert_id`: `"require"`: an event without one is rejected; `"derive"`: it gets `derive_insert_id(event)`.
    `limits`: the numbers and actions; None is `Limits.documented()`.
    `now`: the clock that `time` is held against, a function that returns seconds since the epoch, called once a
        batch; None is the system's.
    `explain`: whether a `Rejection` lists every rule that the event broke, and not the first alone.
    `default`: a function that converts a value that JSON has no form for, as in `json`; what it raises makes the
        event a rejection.
    `form_base64`: whether the JSON of a form is base64, for old servers.
    `on_long_url`, `on_long_json`, `on_long_text`: `"cut"`, or what Import Events recommends for a member whose text is
        too long: `"parse"` a URL into `<name>_host`, `<name>_path` and `<name>_param_<key>`, `"flatten"` JSON into
        `<name>_<key>`, `"drop"` other text. It is reported as a `Truncation` all the same.

    An encoder can be shared by threads. The events are never changed. A bad event is data (a `Rejection`), never an
    exception. Raises `ValueError` or `TypeError` for arguments that make no sense.
    """

    def __new__(
        cls,
        endpoint: Literal["import", "track"] = "import",
        *,
        format: Literal["json", "ndjson", "form"] = "json",
        compression: Literal["gzip"] | None = "gzip",
        level: int | None = None,
        token: str | None = None,
        insert_id: Literal["require", "derive"] = "require",
        limits: Limits | None = None,
        now: Callable[[], float] | None = None,
        explain: bool = False,
        default: Callable[[Any], Any] | None = None,
        form_base64: bool = False,
        on_long_url: Literal["cut", "parse"] = "cut",
        on_long_json: Literal["cut", "flatten"] = "cut",
        on_long_text: Literal["cut", "drop"] = "cut",
    ) -> Self: ...
    def encode(self, events: Iterable[Mapping[str, Any] | Any]) -> Encoded:
        """Encodes all events of an iterable. What the iterable itself raises is raised."""

    def encode_json(self, data: bytes | bytearray | memoryview | str | mmap) -> Encoded:
        """Encodes JSON text without making Python objects of it: NDJSON, an array, or objects one after another.

        What needs no change is copied as it is spelled. A line that is broken is one rejection (`invalid-json`, with
        line, column and byte in its message), and the next one goes on. `bytes` are read in place; what may change
        under the reader's hands is copied a megabyte at a time.
        """

    def encode_arrow(
        self,
        source: Any,
        *,
        event: str | None = None,
        columns: Mapping[str, str] | None = None,
    ) -> Encoded:
        """Encodes the rows of whatever gives Arrow data by `__arrow_c_stream__`: a pyarrow Table or RecordBatchReader,
        a Polars or pandas DataFrame, a DuckDB relation. It is read record batch by record batch, without a Python
        object for a value.

        `event`: the name of every event. `columns`: which column has what, as in `{"event": "action", "time": "ts",
        "distinct_id": "user", "$insert_id": "id"}`; what is not in it is in the column of that very name. All other
        columns become properties under their own names. A null is left out. A table of nothing but `event` and a
        struct `properties` has the struct's fields as properties.

        Raises `TypeError` for a source or an argument of another kind; `ValueError` where no column has the event's
        name, a column that `columns` names is not there, or two columns would be one property; `RuntimeError` with what
        the producer said where reading fails.
        """

    def iter_batches(
        self,
        source: Iterable[Mapping[str, Any] | Any] | bytes | bytearray | memoryview | str | mmap,
        *,
        event: str | None = None,
        columns: Mapping[str, str] | None = None,
        on_rejected: Callable[[Rejection], object] | None = None,
    ) -> BatchIterator:
        """Gives each batch of an iterable of events, or of JSON text, as it closes, in memory bounded by one.

        `on_rejected` is called with the rejections, at the latest when there are a thousand; pass it where the input
        may be bad without end. What the iterable raises is raised after the batch that was begun.
        """

    def builder(self) -> Builder:
        """A batch to add events to one at a time."""

    @property
    def endpoint(self) -> Literal["import", "track"]: ...
    @property
    def format(self) -> Literal["json", "ndjson", "form"]: ...
    @property
    def form_base64(self) -> bool: ...
    @property
    def compression(self) -> Literal["gzip"] | None: ...
    @property
    def level(self) -> int | None: ...
    @property
    def limits(self) -> Limits: ...

@final
class Rule:
    """One of the rules that an event is held to."""

    @property
    def id(self) -> str:
        """Its stable word, as in `Rejection.rule` and `Limits(rules=...)`."""

    @property
    def says(self) -> str:
        """What it demands."""

    @property
    def source(self) -> str:
        """The document, or the server's message, that the demand comes from."""

    @property
    def documented(self) -> Literal["reject", "warn", "off"]:
        """What a breach does by default under `Limits.documented()`."""

    @property
    def observed(self) -> Literal["reject", "warn", "off"]:
        """What a breach does by default under `Limits.observed()`."""

def encode(
    events: Iterable[Mapping[str, Any] | Any],
    *,
    endpoint: Literal["import", "track"] = "import",
    format: Literal["json", "ndjson", "form"] = "json",
    compression: Literal["gzip"] | None = "gzip",
    level: int | None = None,
    token: str | None = None,
    insert_id: Literal["require", "derive"] = "require",
    limits: Limits | None = None,
    now: Callable[[], float] | None = None,
    explain: bool = False,
    default: Callable[[Any], Any] | None = None,
    form_base64: bool = False,
    on_long_url: Literal["cut", "parse"] = "cut",
    on_long_json: Literal["cut", "flatten"] = "cut",
    on_long_text: Literal["cut", "drop"] = "cut",
) -> Encoded:
    """`Encoder(...).encode(events)`, for one call. For many, keep an `Encoder`: it keeps its buffers, and the names
    that it has seen.
    """

def rules() -> list[Rule]:
    """Every rule, in the order in which broken rules are reported."""

def derive_insert_id(event: Mapping[str, Any] | Any, fields: Sequence[str] | None = None) -> str:
    """An `$insert_id` made of what makes the event unique: 36 hexadecimal digits, the same on every machine.

    By default of the event's name, its time in milliseconds, its distinct_id and all other properties but `token` and
    `$insert_id`; by `fields` of those alone (`"event"`, or the name of a property). `docs/encoder.md` gives the text
    that is hashed byte for byte. Raises `TypeError` for an event with a value that JSON has no form for, and
    `ValueError` for one that nests past 64 levels.
    """

def gzip(body: bytes, level: int | None = None) -> bytes:
    """A gzip stream of `body`, with no time in it: the same body and level give the same bytes.

    `level` is 1 (fastest) to 9 (smallest), as an encoder's, without what an encoder knows of its events; None is 2.
    Other threads go on meanwhile. Raises `ValueError` for another level.
    """

@final
class Number:
    """A number by its spelling, in a snapshot of an event (see `mixpress.snapshot`)."""

    def __new__(cls, spelling: str) -> Self: ...

@final
class Members:
    """The members of an object, in a snapshot of an event: a list of pairs."""

    def __new__(cls, pairs: list[tuple[Any, Any]]) -> Self: ...

@final
class Unsupported:
    """A value that JSON has no form for, in a snapshot of an event, and the sentence that says so."""

    def __new__(cls, message: str) -> Self: ...
