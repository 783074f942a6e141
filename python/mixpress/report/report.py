"""`Report`: what became of each event, and the values in it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Generic, Literal, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from mixpress._core import Finding, Truncation
    from mixpress.report.place import Place

Kind = Literal["rejected", "refused", "undelivered"]
Confirms = Literal["events", "batches"]
Found_co = TypeVar("Found_co", covariant=True)


class ConservationError(Exception):
    """Events and verdicts do not add up: a bug in mixpress. The message has the figures."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An event that was not imported, and why.

    `index` is the event's position, from 0, among the events of the import or among all tracked events of the client.
    `kind` is `"rejected"` (it breaks a rule and was not sent), `"refused"` (by the server) or `"undelivered"` (no
    answer came: it may have arrived, and sending it again is safe, as the server deduplicates by `$insert_id`).
    `rule` is the id of the broken rule for a rejected event, None otherwise. `insert_id` and `field` are set if known.
    `place` says where in its file the event begins, if it was read from one: `str(place)` is `events.ndjson:12`.
    `endpoint` is `"engage"` or `"groups"` for an update of a profile that was queued, of which `index` is the position
    among those of its endpoint. It may have arrived, too, and sending `$add` and `$append` again counts twice.
    """

    index: int
    kind: Kind
    message: str
    rule: str | None = None
    field: str | None = None
    insert_id: str | None = None
    place: Place | None = None
    endpoint: str | None = None

    @property
    def reason(self) -> str:
        """The key by which failures are counted: the rule, or the message of the server or the network."""
        return self.rule or self.message


@dataclass(frozen=True, slots=True)
class Tally(Generic[Found_co]):
    """How often something was found, and its first occurrence."""

    count: int
    example: Found_co


class Progress(NamedTuple):
    """The state of an import under way. `paused` says why nothing is sent at the moment; empty otherwise.

    The rest is for files: bytes as they are stored, and seconds.
    """

    total: int
    imported: int
    rejected: int
    refused: int
    undelivered: int
    paused: str
    earlier: int = 0
    """Events whose verdict an earlier run recorded. They are not in `total`."""
    done: int = 0
    """Bytes whose events were handed to the senders."""
    size: int | None = None
    """Bytes of all files; None if it is not known."""
    retry_wait: float = 0.0
    """Seconds until a pause ends that the server asked for, or that follows a failed request."""
    rate_wait: float = 0.0
    """Seconds until the rate limit allows the next request."""


class UnreadFailures:
    """The failures of a report before they are first read. Where the report is pickled, they are their list."""

    def __init__(self, make: Callable[[], list[Failure]]) -> None:
        self._make = make
        self._made: dict[str, list[Failure]] = {}

    def made(self) -> list[Failure]:
        """Return the list, the same one each time: two threads may read it first at the same time."""
        return self._made.get("list") or self._made.setdefault("list", self._make())

    def __reduce__(self) -> tuple[type, tuple[list[Failure]]]:
        return list, (self.made(),)


class _ReportFailures:
    """The attribute `failures` of a report. Those that are unread become a list when it is read."""

    def __get__(self, report: Report | None, owner: type[Report]) -> Sequence[Failure]:
        if report is None:
            return ()
        given: Sequence[Failure] | UnreadFailures = vars(report)["failures"]
        if isinstance(given, UnreadFailures):
            vars(report)["failures"] = given = given.made()
        return given

    def __set__(self, report: Report, given: Any) -> None:
        vars(report)["failures"] = given


@dataclass(frozen=True)
class Report:
    """What became of every event; `imported + rejected + refused + undelivered == total`, always."""

    total: int
    """Events with a verdict: of an import, all that were read; of a flush, those since the flush before."""
    imported: int
    """Events that the server has confirmed; see `confirms`."""
    rejected: int = 0
    """Events that break a rule, and were not sent."""
    refused: int = 0
    """Events that the server refused."""
    undelivered: int = 0
    """Events without an answer. Sending them again is safe, but `$add` and `$append` of a profile may count twice."""
    duplicates: int | None = None
    """Imported events that the server had already. None if it does not say: the API does not."""
    truncated: int = 0
    """Strings that were truncated."""
    warnings: int = 0
    """Findings that the limits only warn about; the events were sent."""
    requests: int = 0
    """Requests made, the retries included."""
    retries: int = 0
    """Requests that repeated an earlier one."""
    throttled: int = 0
    """Requests that the server answered with 429."""
    bytes_raw: int = 0
    """Bytes of the batches before gzip."""
    bytes_sent: int = 0
    """Bytes of the bodies that were sent, the retries included."""
    unwritten: int = 0
    """Failures that could not be written to the dead letter."""
    earlier: int = 0
    """Events of an import with a state file whose verdict an earlier run recorded. They were not sent again, and are
    not in `total`."""
    damaged: Sequence[str] = ()
    """A sentence for each file that could not be read to its end; the others were read."""
    dry_run: bool = False
    """Whether nothing was sent: `imported` are the events that would have been."""
    pending: int = 0
    """Of a flush that ran out of time, or of a client with a spool: tracked events that still wait or are under way.
    They are not in this `total`, but in that of a later flush."""
    confirms: Confirms = "events"
    """What the server confirms: on /import, each of the `"events"`; on /track, and on /import with `strict=False`,
    `"batches"`: it accepted the batch because some of it was good. It does not say what else it left out, or whether
    the token exists."""
    elapsed: float = 0.0
    """Seconds from the first event read to the last verdict."""
    failures: Sequence[Failure] = field(default=(), repr=False)
    """The events that were not imported, by index: the first 10,000 that were found, which bounds the memory.
    `by_reason` counts them all, and a dead letter has them all."""
    by_reason: Mapping[str, Tally[Failure]] = field(default_factory=dict, repr=False)
    """Failures by rule, or by the server's message: the count, and the first one. After 1000 different reasons the rest
    is counted under `"other"`."""
    cut_by_path: Mapping[str, Tally[Truncation]] = field(default_factory=dict, repr=False)
    """Truncated strings by path: the count, and the first one. Bounded in the same way."""
    warned_by_rule: Mapping[str, Tally[Finding]] = field(default_factory=dict, repr=False)
    """Warnings by rule: the count, and the first one."""

    def __post_init__(self) -> None:
        verdicts = self.imported + self.failed
        if verdicts != self.total:
            raise ConservationError(f"{self.total} events were read, and {verdicts} have a verdict")

    @property
    def failed(self) -> int:
        """Events that were not imported."""
        return self.rejected + self.refused + self.undelivered


Report.failures = _ReportFailures()  # type: ignore[assignment] # the class can't have it: a dataclass takes a default there
