"""`FileRun`: one import of files or a table, from its first piece to its report."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from mixpress.client.encoding import Encoding, EncodingThreads
from mixpress.client.import_run import ReadingRun
from mixpress.client.piece_findings import PieceFindings
from mixpress.client.piece_verdicts import PieceBatch, PieceVerdicts, batches_of
from mixpress.client.run import GRACE, TICK, RunJob
from mixpress.errors import StateError
from mixpress.files.piece import EncodedPiece
from mixpress.send.job import CancelToken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from mixpress._core import Encoder
    from mixpress.client.engine import Engine
    from mixpress.client.file_options import FileOptions
    from mixpress.dead_letter import DeadLetter
    from mixpress.files.mapper import Mapper
    from mixpress.files.piece import Input, Piece
    from mixpress.files.state import Entry, State
    from mixpress.report.report import Progress, Report

SLOW = 1 << 20
"""Bytes of a smaller piece, if it came through a pipe: its writer is slower than the import."""
AHEAD = 3
"""Pieces that are being encoded, or were, while the caller's thread reads the next one."""


class FileRun(ReadingRun):
    """Pieces are read in the caller's thread, encoded on threads of the run, and taken in the order of the input.

    A piece is kept until its events have their verdicts: by then it is known which of them failed, and only those are
    looked up in it. The memory is bounded by `AHEAD` pieces and those of the batches under way.
    """

    def __init__(
        self,
        engine: Engine,
        source: Input,
        mapper: Mapper,
        encoder: Encoder,
        options: FileOptions,
        state: State | None,
        dead_letter: DeadLetter | None,
        on_progress: Callable[[Progress], object] | None,
        cancel_token: CancelToken | None,
    ) -> None:
        engine.workers.refuse_worker("an import")
        super().__init__(
            engine.workers,
            engine.sender,
            engine.reporter.verdicts(dead_letter, dry_run=options.dry_run),
            engine.clock,
            cancel_token or CancelToken(),
            dead_letter=dead_letter,
            on_progress=on_progress,
        )
        self._engine = engine
        self._source = source
        self._mapper = mapper
        self._encoder = encoder
        self._options = options
        self._state = state
        self._threads = EncodingThreads(encoder, mapper)
        self._records = 0
        """Records of the pieces that were taken."""
        self._read = 0
        """Events that were taken and have a verdict, or get one."""
        self._earlier = 0
        self._done = 0

    def end(self) -> None:
        """End the threads of this run. A piece that one of them encodes is not waited for longer than `GRACE`."""
        if not self._workers.forked:
            self._threads.end(GRACE)

    @property
    def _total(self) -> int:
        return self._read

    def _feed(self) -> Exception | None:
        if self._state is not None:
            self._source.resume(self._state.known, self._state.end_of_file)
        pieces = iter(self._source)
        encodings: deque[Encoding] = deque()
        raised: Exception | None = None
        while not self._is_over():
            encoding, raised = self._next(pieces)
            if encoding is None:
                break
            self._threads.start(encoding)
            encodings.append(encoding)
            while len(encodings) > self._ahead(encoding.piece) and not self._is_over():
                self._take(encodings.popleft())
        while encodings and not self._is_over():
            self._take(encodings.popleft())
        return raised

    def _ahead(self, piece: Piece) -> int:
        """Return how many pieces may wait while the next one is read: none if a slow pipe may give it much later."""
        is_slow = self._source.size is None and not piece.is_table and piece.end - piece.start < SLOW
        return 0 if is_slow else AHEAD

    def _next(self, pieces: Iterator[Piece]) -> tuple[Encoding | None, Exception | None]:
        """Return the next piece, to be encoded; None at the end, with what the input or the state raised."""
        try:
            piece = next(pieces, None)
            if piece is not None:
                return Encoding(piece, self._state.find(piece) if self._state else None), None
            if self._state is not None:
                self._state.end_of_input()
        except Exception as error:  # noqa: BLE001 - what was read before is delivered first
            return None, error
        finally:
            self.check_fork()
        return None, None

    def _is_over(self) -> bool:
        limit = self._options.limit
        return (
            self.cancel_token.is_set()
            or (limit is not None and self._read + self._earlier >= limit)
            or self._too_many() is not None
        )

    def _too_many(self) -> Exception | None:
        """Return the exception for more failures than are allowed."""
        bound = self._options.max_errors
        return bound.exceeded(self._verdicts.failed, self._read) if bound else None

    def _take(self, encoding: Encoding) -> None:
        """Enter what can't be sent of a piece, and put its batches, except for what an earlier import did."""
        if encoding.is_complete and encoding.entry is not None:
            self._records += encoding.entry.records
            self._earlier += encoding.entry.events
        else:
            self._take_encoded(encoding)
        self._done = encoding.piece.position

    def _take_encoded(self, encoding: Encoding) -> None:
        self._wait_encoded(encoding)
        self._shorten(encoding)
        base = self._records
        self._records += encoding.records
        sink = PieceVerdicts(encoding, base, self._verdicts, self._recorder(encoding.entry))
        self._reject(encoding, base, sink)
        for batch in batches_of(encoding, base):
            if self.cancel_token.is_set():
                return
            if encoding.entry is not None and encoding.entry.covers(batch.first, batch.last):
                self._earlier += batch.count
                continue
            self._put_batch(batch, sink, encoding.entry)

    def _put_batch(self, batch: PieceBatch, sink: PieceVerdicts, entry: Entry | None) -> None:  # noqa: ARG002 - for updates
        self._verdicts.packed(batch)
        self._put(batch, sink)  # type: ignore[arg-type] # it gets batches of this piece alone

    def _reject(self, encoding: Encoding, base: int, sink: PieceVerdicts) -> None:
        """Enter what can't be sent and what was found in a piece, except for the records of an earlier import."""
        entry, count = encoding.entry, len(encoding.rejected) + len(encoding.result.problems)
        known = entry.entered if entry is not None else 0
        if 0 < encoding.records <= known:
            self._earlier += count
            return
        unwritten = self._verdicts.unwritten
        self._verdicts.packed(None, PieceFindings(encoding, base))
        failures = sink.rejections(encoding, known)
        self._earlier += count - len(failures)
        self._read += len(failures)
        sink.reject(failures)
        if entry is not None and self._verdicts.unwritten == unwritten:
            entry.entered = encoding.records
            nothing_to_send = encoding.records if not encoding.batches else 0
            self._record(entry, 0, nothing_to_send)

    def _recorder(self, entry: Entry | None) -> Callable[[int, int], None] | None:
        return partial(self._record, entry) if entry is not None and not self._options.dry_run else None

    def _record(self, entry: Entry, first: int, last: int) -> None:
        """Record verdicts in the state. If that fails, nothing more is sent: it could not be recorded either."""
        if self._state is None or self._options.dry_run:
            return
        try:
            self._state.settle(entry, first, last)
        except StateError as error:
            self.cancel_token.cancel(error)

    def _wait_encoded(self, encoding: Encoding) -> None:
        while not encoding.done.wait(TICK):
            self.check_fork()
            self._tick()
        if encoding.error is not None:
            raise encoding.error

    def _shorten(self, encoding: Encoding) -> None:
        """Leave out the events beyond the limit: encode those before it once more."""
        limit = self._options.limit
        left = limit - self._read - self._earlier if limit is not None else encoding.events
        if encoding.events <= left:
            return
        piece = encoding.piece
        mapped = self._mapper.rows(piece.originals(range(piece.count())))
        problems, events = list(mapped.problems), list(mapped.records)
        kept = set(sorted([*events, *(problem.record for problem in problems)])[:left])
        chosen = [place for place, record in enumerate(events) if record in kept]
        encoding.take(
            EncodedPiece(
                self._encoder.encode([mapped.events[place] for place in chosen]),
                [events[place] for place in chosen],
                [problem for problem in problems if problem.record in kept],
            )
        )
        encoding.records = max(kept) + 1

    def _put_job(self, job: RunJob) -> None:
        if self._options.dry_run:
            self._read += job.batch.count
            job.prepare()
            job.verdicts.sent(job.batch, 1)
            job.verdicts.settle(job.batch)
            self._tick()
            return
        super()._put_job(job)

    def _add_job(self, job: RunJob) -> None:
        self._read += job.batch.count
        super()._add_job(job)

    def _progress(self) -> Progress:
        throttle = self._sender.throttle
        return (
            super()
            ._progress()
            ._replace(
                earlier=self._earlier,
                done=self._done,
                size=self._source.size,
                retry_wait=throttle.backoff.seconds_left(),
                rate_wait=throttle.rate_wait(),
            )
        )

    def _with_report(self, cause: Exception, report: Report) -> Exception:
        if isinstance(cause, StateError):
            cause.report = report
            return cause
        return super()._with_report(cause, report)

    def _raise(self, report: Report, raised: Exception | None) -> None:
        super()._raise(report, raised or self._too_many())

    def _close(self) -> Report:
        report = super()._close()
        return replace(
            report, earlier=self._earlier, damaged=tuple(self._source.damaged), dry_run=self._options.dry_run
        )
