"""One schedule: a client, an emulator with faults, a network between them, and the checks after each step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from enum import Enum
from itertools import count
from typing import TYPE_CHECKING, Any, cast

from chaos.tracked import Tracked, Verdict
from fault_proxy import FaultProxy, Trouble
from mixpress import AuthError, Client, Encoder, ImportInterrupted, Limits, Report, RetryPolicy
from mixpress.emulator import Emulator
from support.clients import ACCOUNT
from support.clocks import FakeClock
from support.events import event

from .witness import WatchedTransport, Witness

if TYPE_CHECKING:
    from mixpress.queues.event_queue import OnFull

TIMEOUT = 0.08
"""The read timeout of the client in seconds: the only real time that a schedule takes."""
SLOW = "slow:0.16"
"""The emulator's fault that outlasts it."""
MAX_CONCURRENCY = 3
MAX_BODY_BYTES = 5000
"""The limit of the emulator, small so that it replies 413."""


class Kind(Enum):
    """A kind of event, by its verdict when nothing fails."""

    GOOD = "imported"
    MERGE = "imported, and merges two users"
    BAD = "rejected"
    """It breaks a rule and is never sent."""
    DOOMED = "refused"
    """The encoder lets it pass, and the server refuses it each time."""
    HUGE = "refused, too large"
    """The server refuses each request with it, and names its limit."""

    def event(self, number: int) -> dict[str, Any]:
        changes: dict[Kind, dict[str, Any]] = {
            Kind.BAD: {"time": 1},
            Kind.DOOMED: {"distinct_id": "null"},
            Kind.HUGE: {f"p{each}": "x" * 250 for each in range(20)},
        }
        one = event(number, **changes.get(self, {}))
        if self is Kind.MERGE:
            del one["properties"]["distinct_id"]
            one["properties"]["$distinct_ids"] = [f"user-{number}", f"device-{number}"]
            one["event"] = "$merge"
        return one

    @property
    def is_good(self) -> bool:
        """Whether the server takes it."""
        return self in {Kind.GOOD, Kind.MERGE}

    @property
    def verdicts(self) -> set[str]:
        """The verdicts that a report may have for it."""
        if self is Kind.BAD:
            return {"rejected"}
        return {"refused", "undelivered"} | ({"imported"} if self.is_good else set())


class NoMore(Exception):
    """Raised by an iterable of events."""


@dataclass
class Tally:
    """Counts over many schedules."""

    schedules: int = 0
    imports: int = 0
    flushes: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    """Faults of the emulator, by their spelling."""
    troubles: Counter[str] = field(default_factory=Counter)
    """Troubles of the network."""

    def __str__(self) -> str:
        def listed(counts: Counter[str]) -> str:
            return ", ".join(f"{number:,} {name}" for name, number in counts.most_common())

        return (
            f"{self.schedules:,} schedules, {self.imports:,} imports, {self.flushes:,} flushes, "
            f"{self.requests:,} requests\n"
            f"{self.verdicts.total():,} verdicts: {listed(self.verdicts)}\n"
            f"{self.faults.total():,} faults of the server: {listed(self.faults)}\n"
            f"{self.troubles.total():,} troubles of the network: {listed(self.troubles)}"
        )


@dataclass(frozen=True)
class Stage:
    """What all schedules share, since starting a server takes longer than a schedule."""

    server: Emulator
    proxy: FaultProxy
    transport: WatchedTransport
    numbers: Iterator[int] = field(default_factory=count)
    """Schedules have no event in common, since a request of the last one may still arrive."""


@contextmanager
def stage() -> Iterator[Stage]:
    """An emulator, a proxy before it, and a transport."""
    with (
        Emulator(max_body_bytes=MAX_BODY_BYTES) as server,
        FaultProxy(server.url, pause=0.005) as proxy,
        closing(WatchedTransport(MAX_CONCURRENCY, connect_timeout=5, read_timeout=TIMEOUT)) as transport,
    ):
        yield Stage(server, proxy, transport)


class World:
    """One client from its first event to its last, and the checks of its promises."""

    def __init__(
        self, on: Stage, tally: Tally, *, concurrency: int, attempts: int, batch: int, room: int, on_full: OnFull
    ) -> None:
        self._stage = on
        self._tally = tally
        self._imported: set[str] = set()
        on.server.faults = None
        on.server.clear()
        on.proxy.plan([])
        on.proxy.met.clear()
        self._witness = Witness(on.transport)
        self._client = Client(
            ACCOUNT,
            base_url=on.proxy.url,
            transport=self._witness,
            clock=FakeClock(),
            concurrency=concurrency,
            retry=RetryPolicy(attempts=attempts),
            queue_size=room,
            on_full=on_full,
            encoder=Encoder(limits=Limits(rules={"distinct-id-disallowed": "off"}, max_batch_events=batch)),
        )
        self._tracked = Tracked(self._client)
        self._read = 0
        """The number of events given to imports."""
        tally.schedules += 1

    def fail_server(self, faults: str | None) -> None:
        self._stage.server.faults = faults

    def fail_network(self, troubles: list[Trouble]) -> None:
        self._stage.proxy.plan(troubles)

    def deliver(self, kinds: list[Kind], *, raises: bool = False) -> None:
        """Import events of these kinds from an iterable that may raise at its end, and check the report."""
        names: list[str] = []

        def given() -> Iterator[dict[str, Any]]:
            for kind in kinds:
                one = kind.event(next(self._stage.numbers))
                names.append(one["properties"]["$insert_id"])
                yield one
            if raises:
                raise NoMore

        report = self._import(given(), must_raise=raises)
        self._tally.imports += 1
        self._read += report.total
        self._check(report, kinds, names)
        self._check_sums()

    def track(self, kinds: list[Kind]) -> None:
        """Track events of these kinds, which are sent in the background."""
        for kind in kinds:
            self._tracked.add(kind, kind.event(next(self._stage.numbers)))
            self._check_sums()

    def flush(self, timeout: float | None) -> None:
        """Flush, and check the verdicts on the tracked events once all have one."""
        report = self._client.flush(timeout)
        self._tally.flushes += 1
        assert timeout is not None or not report.pending
        self._check_tracked(report)

    def _check_tracked(self, report: Report) -> None:
        verdicts = self._tracked.enter(report)
        assert report.pending or not self._client.stats().pending
        self._check_sums()
        self._check_events(verdicts)

    def _check_sums(self) -> None:
        """Check that each given event is counted once, whatever is under way."""
        stats = self._client.stats()
        verdicts = stats.imported + stats.rejected + stats.refused + stats.undelivered + stats.dropped
        assert stats.accepted == verdicts + stats.pending == self._read + self._tracked.count
        assert stats.pending >= 0

    def _import(self, events: Iterator[dict[str, Any]], *, must_raise: bool) -> Report:
        try:
            report = self._client.import_events(events)
        except ImportInterrupted as error:
            if not isinstance(error.__cause__, NoMore):
                raise
            return cast("Report", error.report)
        except AuthError as error:
            return cast("Report", error.report)
        assert not must_raise, "the import ended as if its iterable had not raised"
        return report

    def _check(self, report: Report, kinds: list[Kind], names: list[str]) -> None:
        assert report.total == len(names), "the report covers what was read"
        assert report.imported + report.rejected + report.refused + report.undelivered == report.total
        failed = {failure.index: failure.kind for failure in report.failures}
        assert len(failed) == len(report.failures) == report.failed, "an event has one verdict"
        assert failed.keys() <= set(range(report.total))
        assert Counter(failed.values()) == +Counter(
            rejected=report.rejected, refused=report.refused, undelivered=report.undelivered
        )
        self._check_events(
            [Verdict(kinds[index], name, failed.get(index, "imported")) for index, name in enumerate(names)]
        )

    def _check_events(self, verdicts: list[Verdict]) -> None:
        stored = Counter(each["properties"]["$insert_id"] for each in self._stage.server.events())
        answers = self._witness.answers()
        for kind, name, verdict in verdicts:
            self._tally.verdicts[verdict] += 1
            check_event(kind, verdict, stored[name], answers.get(name, []))
            if verdict == "imported":
                self._imported.add(name)
        assert all(stored[name] == 1 for name in self._imported), "imported events stay stored once"

    def close(self) -> None:
        """Close the client and its connections, check the remaining verdicts, and add up the faults."""
        self._check_tracked(self._client.close())
        self._stage.transport.close()  # it can be used again
        requests = self._stage.server.requests()
        self._tally.requests += len(self._witness.seen)
        self._tally.faults.update(request.fault for request in requests if request.fault)
        self._tally.troubles.update(
            {trouble.value: number for trouble, number in self._stage.proxy.met.items() if trouble is not Trouble.NONE}
        )


def check_event(kind: Kind, verdict: str, stored: int, answers: list[int | None]) -> None:
    """Check one event: its kind, its verdict, how often it is stored, and the replies to its requests."""
    shown = f"a {kind.name} event is {verdict}; stored: {stored}; answered: {answers}"
    assert verdict in kind.verdicts | {"dropped"}, shown
    assert stored <= 1, shown
    final = [place for place, status in enumerate(answers) if status in {200, 400}]
    assert final in ([], [len(answers) - 1]), f"sent again after a final answer: {shown}"
    if verdict == "imported":
        assert (stored, bool(final)) == (1, True), shown
    elif verdict in {"rejected", "dropped"}:
        assert (stored, answers) == (0, []), shown
    elif verdict == "refused":
        # The server may have stored a request without a reply before its fault refused the next one.
        assert stored == 0 or (kind.is_good and None in answers), shown
        assert final or answers[-1] == 413, shown
    else:
        assert not final, shown
        assert kind.is_good or stored == 0, shown
