"""Measure what the verdict on an event costs in `import_events`, over what the encoder alone takes.

The transport is in this process and answers at once; no gzip, no rate limit. The encoder alone iterates over the
batches of the same events. The time is the CPU time of the process, as batches are sent by other threads. The counts
of each report are checked. A case with `read` reads `report.failures`, of which a report holds 10,000. Run it by `make
bench` or `python -m benches.verdicts`. It fills the table "Verdicts" of benches/README.md.
"""

from __future__ import annotations

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from benches.findings import event
from benches.support.rounds import Times, interleave, require_release_build
from benches.support.traffic import Event
from mixpress import Client, Encoder, Report, RetryPolicy, ServiceAccount
from mixpress.transport import Request, Response

EVENTS, ROUNDS = 20_000, 15
BATCH = 2000

OK = Response(200, {}, json.dumps({"code": 200, "status": "OK", "num_records_imported": BATCH}).encode())
REFUSED = {
    "failed_records": [{"index": index, "message": "no"} for index in range(BATCH)],
    "code": 400,
    "error": "some",
}


class Answer:
    """A transport that gives one response to each request, at once."""

    def __init__(self, response: Response) -> None:
        self._response = response

    def send(self, _request: Request) -> Response:
        return self._response


class Case:
    """Imports by one client of events that all have the same verdict."""

    def __init__(
        self,
        verdict: str,
        events: list[Event],
        response: Response = OK,
        *,
        dead_letter: Path | None = None,
        reads: bool = False,
    ) -> None:
        self._verdict, self._events, self._reads = verdict, events, reads
        self.encoder = Encoder(compression=None)
        self._client = Client(
            ServiceAccount("user", "secret", project_id="1"),
            transport=Answer(response),
            encoder=self.encoder,
            rate_limit=None,
            concurrency=2,
            retry=RetryPolicy(attempts=1),
            dead_letter=dead_letter,
        )

    def run(self) -> Report:
        """Import once."""
        report = self._client.import_events(self._events)
        if getattr(report, self._verdict) != len(self._events):
            raise SystemExit(f"not all are {self._verdict}: {report}")
        if self._reads:
            list(report.failures)
        return report

    def encode(self) -> None:
        """Encode the same events without a client."""
        for _ in self.encoder.iter_batches(self._events):
            pass

    def close(self) -> None:
        self._client.close()


def cases(directory: Path) -> Iterator[tuple[str, Case]]:
    good = [event(number) for number in range(EVENTS)]
    bad = [event(number, distinct_id="NA") for number in range(EVENTS)]
    lost, refused = Response(404, {}, b""), Response(400, {}, json.dumps(REFUSED).encode())
    yield "imported", Case("imported", good)
    yield "imported, dead letter", Case("imported", good, dead_letter=directory / "none")
    yield "rejected", Case("rejected", bad)
    yield "rejected, read", Case("rejected", bad, reads=True)
    yield "rejected, dead letter", Case("rejected", bad, dead_letter=directory / "rejected")
    yield "undelivered", Case("undelivered", good, lost)
    yield "undelivered, read", Case("undelivered", good, lost, reads=True)
    yield "refused", Case("refused", good, refused)


def main() -> None:
    require_release_build()
    with tempfile.TemporaryDirectory() as directory:
        made = dict(cases(Path(directory)))
        runs: dict[str, Callable[[], object]] = {}
        for name, case in made.items():
            runs[name] = case.run
            runs[f"{name}, encoder"] = case.encode
        times = interleave(runs, EVENTS, ROUNDS, time.process_time)
        for case in made.values():
            case.close()
    print(f"{'':26}{'import us/event':>17}{'encoder alone':>15}{'the verdict':>13}{'spread':>12}")
    for name in made:
        show(name, times[name], times[f"{name}, encoder"])


def show(name: str, whole: Times, encoder: Times) -> None:
    more = [one - other for one, other in zip(whole.rounds, encoder.rounds, strict=True)]
    low, middle, high = statistics.quantiles(more, n=4)
    print(f"{name:26}{whole.median:17.2f}{encoder.median:15.2f}{middle:13.2f}{f'{low:.2f}-{high:.2f}':>12}")


if __name__ == "__main__":
    main()
