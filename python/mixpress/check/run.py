"""`check_pieces`: read an input once, and count what an import of it would do."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from mixpress.check.content import Content
from mixpress.check.cuts import Cuts
from mixpress.check.examples import Findings, Wanted
from mixpress.check.report import CheckReport
from mixpress.check.update_content import UpdateContent
from mixpress.clock import Clock
from mixpress.files.piece import Stopped
from mixpress.report.report import Progress

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from mixpress._core import Encoder, Rejection
    from mixpress.files.mapper import Mapper
    from mixpress.files.piece import EncodedPiece, Input, Piece

AHEAD = 2
"""Pieces that are encoded while the events of an earlier one are counted."""


def check_pieces(
    source: Input,
    encoder: Encoder,
    mapper: Mapper,
    *,
    on_progress: Callable[[Progress], object] | None = None,
    clock: Clock | None = None,
) -> CheckReport:
    """Return what an import of the input would do. Nothing is sent.

    `encoder` should have `explain=True`, so that an event is counted under every rule that it breaks. The memory does
    not grow with the input. A signal that stops the input ends the check with what was read until then.
    """
    check = _Check(source, encoder, mapper, clock or Clock())
    try:
        return check.run(on_progress)
    finally:
        check.content.repeats.close()


def _nothing_known(_name: str, _start: int) -> None:
    """Return None: every piece is read."""


class _Check:
    """One check, from its first piece to its report."""

    def __init__(self, source: Input, encoder: Encoder, mapper: Mapper, clock: Clock) -> None:
        self.content = UpdateContent() if mapper.of_updates else Content()
        self._source = source
        self._encoder = encoder
        self._mapper = mapper
        self._clock = clock
        self._rules = Findings()
        self._first_rules = Findings()
        self._warnings = Findings()
        self._cuts = Cuts()
        self._report = CheckReport(what="update" if mapper.of_updates else "event")

    def run(self, on_progress: Callable[[Progress], object] | None) -> CheckReport:
        """Read the input."""
        since = self._clock.monotonic()
        report = self._report
        self._source.resume(_nothing_known, report.count_file)  # a file may be empty, and is counted too
        for piece, encoded in self._encoded_pieces():
            self._add(piece, encoded)
            if on_progress is not None:
                on_progress(
                    Progress(report.events, 0, report.rejected, 0, 0, "", done=piece.position, size=self._source.size)
                )
        report.damaged = list(self._source.damaged)
        report.stored_bytes = self._source.size
        report.rules, report.first_rules, report.warnings = self._rules, self._first_rules, self._warnings
        report.cuts, report.content = self._cuts, self.content
        report.duplicates = self.content.repeats.count()
        report.elapsed = self._clock.monotonic() - since
        return report

    def _encoded_pieces(self) -> Iterator[tuple[Piece, EncodedPiece]]:
        """Encode on one thread, which leaves the interpreter's lock to this one for most of the time."""
        pool = ThreadPoolExecutor(1, "mixpress-check")
        waiting: deque[tuple[Piece, Future[EncodedPiece]]] = deque()
        ahead = AHEAD if self._source.size is not None else 0  # a pipe may give no more pieces for long
        try:
            for piece in self._pieces():
                waiting.append((piece, pool.submit(piece.encode, self._encoder, self._mapper)))
                while len(waiting) > ahead:
                    first, future = waiting.popleft()
                    yield first, future.result()
            while waiting:
                first, future = waiting.popleft()
                yield first, future.result()
        finally:
            pool.shutdown(wait=True, cancel_futures=True)

    def _pieces(self) -> Iterator[Piece]:
        try:
            yield from self._source
        except Stopped as stopped:
            self._report.stopped = str(stopped)

    def _add(self, piece: Piece, encoded: EncodedPiece) -> None:
        report, result, wanted = self._report, encoded.encoded, Wanted()
        report.count_file(piece.file)
        batches, rejected = result.batches, result.rejected
        passed = sum(batch.count for batch in batches)
        report.passed += passed
        report.rejected += len(rejected) + len(encoded.problems)
        report.left_out += piece.count() - passed - len(rejected) - len(encoded.problems)
        for rejection in rejected:
            self._reject(rejection, encoded.records[rejection.index], wanted)
        for problem in encoded.problems:
            for findings in (self._rules, self._first_rules):
                findings.of(problem.rule).count += 1
            wanted.add(self._rules.of(problem.rule), problem.record, problem.message, problem.field)
        for warning in result.warnings:
            finding = self._warnings.of(warning.rule)
            finding.count += 1
            wanted.add(finding, encoded.records[warning.index], warning.message, warning.field)
        self._cuts.add(result.truncated, encoded.records, wanted)
        for batch in batches:
            report.requests += 1
            report.raw_bytes += batch.raw_size
            report.gzipped_bytes += len(batch.body)
            self.content.add(batch, [encoded.records[index] for index in batch.indexes], wanted)
        wanted.find_places(piece)

    def _reject(self, rejection: Rejection, record: int, wanted: Wanted) -> None:
        self._first_rules.of(rejection.rule).count += 1
        for rule in {found.rule: found for found in reversed(rejection.findings)}.values():
            finding = self._rules.of(rule.rule)
            finding.count += 1
            wanted.add(finding, record, rule.message, rule.field)
