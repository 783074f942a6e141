"""What became of the events: `Report`, and what it is made of."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Generic, Literal, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from mixpress._core import Finding, Truncation

Kind = Literal["rejected", "refused", "undelivered"]
Confirms = Literal["events", "batches"]
Found_co = TypeVar("Found_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Failure:
    """An event that was not imported, and why.

    `index` counts the events handed in from 0: those of the import, or all that the client was given to track.
    `kind` is `"rejected"` (it breaks a rule and was not sent),
    `"refused"` (the server's verdict) or `"undelivered"` (no answer came: it may have arrived, and sending
    it again is safe, as the server deduplicates by `$insert_id`). `rule` is the broken rule's word for a
    rejected event and None otherwise; `insert_id` and `field` are there where they are known.
    """

    index: int
    kind: Kind
    message: str
    rule: str | None = None
    field: str | None = None
    insert_id: str | None = None

    @property
    def reason(self) -> str:
        """What failures are counted by: the rule, or the server's or the network's message."""
        return self.rule or self.message


@dataclass(frozen=True, slots=True)
class Tally(Generic[Found_co]):
    """How often something was found, and the first of its kind."""

    count: int
    example: Found_co


class Progress(NamedTuple):
    """How far an import has come. `paused` says why nothing is being sent just now; it is empty otherwise."""

    total: int
    imported: int
    rejected: int
    refused: int
    undelivered: int
    paused: str


@dataclass(frozen=True)
class Report:
    """What became of every event; `imported + rejected + refused + undelivered == total`, always."""

    total: int
    """Events that have a verdict: of an import, all that were read; of a flush, those since the one before."""
    imported: int
    """Events that the server has confirmed; see `confirms`."""
    rejected: int = 0
    """Events that break a rule, and were not sent."""
    refused: int = 0
    """Events that the server refused."""
    undelivered: int = 0
    """Events that no answer came for. Sending them again is safe."""
    duplicates: int | None = None
    """Imported events that the server had already; None where it does not say, and the API does not."""
    truncated: int = 0
    """Strings that were cut."""
    warnings: int = 0
    """Findings that the limits only warn of; the events were sent."""
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
    """Failures that the dead letter had no room for."""
    pending: int = 0
    """Of a flush that ran out of time, or of a client with a spool, for what no answer came for: tracked events that
    still wait or are under way. They are not in `total`, but in that of a later flush."""
    confirms: Confirms = "events"
    """What the server confirms: on /import each of the `"events"`; on /track, and on /import with
    `strict=False`, `"batches"`: it took the batch because something in it was good, and what else it left out of it,
    or whether the token is one, it does not say."""
    elapsed: float = 0.0
    """Seconds from the first event read to the last verdict."""
    failures: Sequence[Failure] = field(default=(), repr=False)
    """The events that were not imported, by index: the first 10,000 that were found, so that memory stays
    bounded. `by_reason` counts them all, and a dead letter holds them all."""
    by_reason: Mapping[str, Tally[Failure]] = field(default_factory=dict, repr=False)
    """Failures by rule, or by the server's message: the count, and the first. After 1000 different ones the
    rest is counted under `"other"`."""
    cut_by_path: Mapping[str, Tally[Truncation]] = field(default_factory=dict, repr=False)
    """Strings cut, by where they stood: the count, and the first. Bounded likewise."""
    warned_by_rule: Mapping[str, Tally[Finding]] = field(default_factory=dict, repr=False)
    """Warnings by rule: the count, and the first."""

    def __post_init__(self) -> None:
        verdicts = self.imported + self.failed
        assert verdicts == self.total, f"{self.total} events were read, and {verdicts} have a verdict"

    @property
    def failed(self) -> int:
        """Events that were not imported."""
        return self.rejected + self.refused + self.undelivered
