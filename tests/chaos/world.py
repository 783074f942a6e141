"""One schedule: a client, an emulator told to fail, a network between them, and what must hold after each step."""

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
from support.fakes import ACCOUNT, FakeClock, event

from .witness import WatchedTransport, Witness

if TYPE_CHECKING:
    from mixpress.queues.event_queue import OnFull

TIMEOUT = 0.08
"""Seconds that a client waits for an answer: the only real time that a schedule takes."""
SLOW = "slow:0.16"
"""The emulator's fault that outlasts it."""
MAX_CONCURRENCY = 3
MAX_BODY_BYTES = 5000
"""Of the emulator, so that it has reason to say 413."""


class Kind(Enum):
    """An event, by what becomes of it where nothing fails."""

    GOOD = "imported"
    BAD = "rejected"
    """It breaks a rule and is never sent."""
    DOOMED = "refused"
    """It goes through the encoder, and the server refuses it each time."""
    HUGE = "refused, too large"
    """The server refuses each request that it is in, and names its limit."""

    def event(self, number: int) -> dict[str, Any]:
        changes: dict[Kind, dict[str, Any]] = {
            Kind.GOOD: {},
            Kind.BAD: {"time": 1},
            Kind.DOOMED: {"distinct_id": "null"},
            Kind.HUGE: {f"p{each}": "x" * 250 for each in range(20)},
        }
        return event(number, **changes[self])

    @property
    def verdicts(self) -> set[str]:
        """What a report may say of it."""
        if self is Kind.BAD:
            return {"rejected"}
        return {"refused", "undelivered"} | ({"imported"} if self is Kind.GOOD else set())


class NoMore(Exception):
    """What an iterable of events raises."""


@dataclass
class Tally:
    """What was run, over many schedules."""

    schedules: int = 0
    imports: int = 0
    flushes: int = 0
    verdicts: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    """Of the emulator, by how they are written."""
    troubles: Counter[str] = field(default_factory=Counter)
    """Of the network."""

    def __str__(self) -> str:
        def listed(counts: Counter[str]) -> str:
            return ", ".join(f"{number:,} {name}" for name, number in counts.most_common())

        return (
            f"{self.schedules:,} schedules, {self.imports:,} imports, {self.flushes:,} flushes, "
            f"{self.requests:,} requests\n"
            f"{self.verdicts.total():,} events: {listed(self.verdicts)}\n"
            f"{self.faults.total():,} faults of the server: {listed(self.faults)}\n"
            f"{self.troubles.total():,} troubles of the network: {listed(self.troubles)}"
        )


@dataclass(frozen=True)
class Stage:
    """What all schedules share: starting a server takes longer than a schedule."""

    server: Emulator
    proxy: FaultProxy
    transport: WatchedTransport
    numbers: Iterator[int] = field(default_factory=count)
    """No two schedules have an event in common: a request of the last one may still arrive."""


@contextmanager
def stage() -> Iterator[Stage]:
    """An emulator, a proxy before it, and what carries requests there."""
    with (
        Emulator(max_body_bytes=MAX_BODY_BYTES) as server,
        FaultProxy(server.url, pause=0.005) as proxy,
        closing(WatchedTransport(MAX_CONCURRENCY, connect_timeout=5, read_timeout=TIMEOUT)) as transport,
    ):
        yield Stage(server, proxy, transport)


class World:
    """One client from its first event to its last, and the promises that are held against it."""

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
        """Events that imports were given."""
        tally.schedules += 1

    def fail_server(self, faults: str | None) -> None:
        self._stage.server.faults = faults

    def fail_network(self, troubles: list[Trouble]) -> None:
        self._stage.proxy.plan(troubles)

    def deliver(self, kinds: list[Kind], *, raises: bool = False) -> None:
        """Import events of these kinds, from an iterable that raises in the end or not, and check the report."""
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
        """Track events of these kinds; they are sent from now on."""
        for kind in kinds:
            self._tracked.add(kind, kind.event(next(self._stage.numbers)))
            self._check_sums()

    def flush(self, timeout: float | None) -> None:
        """Flush, and check the verdict on each event that was tracked, once all have one."""
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
        """Whatever is under way, each event that was handed in is counted once."""
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
        assert report.total == len(names), "what was read is what is reported on"
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
        assert all(stored[name] == 1 for name in self._imported), "what was imported stays so"

    def close(self) -> None:
        """Let the connections go, check the verdicts that are left, and count what was met."""
        self._check_tracked(self._client.close())
        self._stage.transport.close()  # it can be used again
        requests = self._stage.server.requests()
        self._tally.requests += len(self._witness.seen)
        self._tally.faults.update(request.fault for request in requests if request.fault)
        self._tally.troubles.update(
            {trouble.value: number for trouble, number in self._stage.proxy.met.items() if trouble is not Trouble.NONE}
        )


def check_event(kind: Kind, verdict: str, stored: int, answers: list[int | None]) -> None:
    """What must hold of one event: what it is, what was reported, how often it is stored, what was answered."""
    told = f"a {kind.name} event is {verdict}; stored: {stored}; answered: {answers}"
    assert verdict in kind.verdicts | {"dropped"}, told
    assert stored <= 1, told
    final = [place for place, status in enumerate(answers) if status in {200, 400}]
    assert final in ([], [len(answers) - 1]), f"sent again after a final answer: {told}"
    if verdict == "imported":
        assert (stored, bool(final)) == (1, True), told
    elif verdict in {"rejected", "dropped"}:
        assert (stored, answers) == (0, []), told
    elif verdict == "refused":
        # A request without an answer may have been stored before the server was told to refuse the next one.
        assert stored == 0 or (kind is Kind.GOOD and None in answers), told
        assert final or answers[-1] == 413, told
    else:
        assert not final, told
        assert kind is Kind.GOOD or stored == 0, told
