"""How long a cluster of 2, 8 and 32 workers takes to send 8 million events to one project, and how many 429s it meets.

Four ways on a virtual clock: each worker has the whole limit; each has a fixed share of it; all borrow from a lease
server; and the best possible one, which asks one limiter without a delay. `support/cluster.py` has the cluster.
"""

from __future__ import annotations

import logging
import os
import statistics
import time
from collections.abc import Sequence

from benches.support.cluster import BATCH, LIMIT, Cluster
from benches.support.servers import counting, running
from mixpress import Client, Lease, LeaseServer, ServiceAccount
from mixpress.lease.conversation import Conversation, Ledger
from mixpress.lease.protocol import Meeting, line_of, message_of, nonce

WORKERS = (2, 8, 32)
EVENTS = int(os.environ.get("LEASE_EVENTS", "8000000"))
SEEDS = int(os.environ.get("LEASE_ROUNDS", "5"))
WAYS = {"alone": "the whole limit each", "share": "a fixed share each", "lease": "a lease"}


def main() -> None:
    logging.disable(logging.WARNING)
    print(f"{EVENTS:,} events, the documented limit, {SEEDS} seeds; medians, and least to most")
    print(f"{'workers':>7}  {'work':7}{'best s':>8}  {'way':22}{'time / best':>12}{'spread':>14}{'429s':>8}{'lost':>6}")
    for number in WORKERS:
        for work, batches in {"even": even(number), "skewed": skewed(number)}.items():
            compare(number, work, batches)
    print(f"\na message costs the lease server {message_cost():.0f} us of CPU")
    for name, seconds in one_worker().items():
        print(
            f"one real worker, {EVENTS // 20:,} events, {name}: {statistics.median(seconds):.2f} s ({spread(seconds)})"
        )


def even(number: int) -> list[int]:
    return [EVENTS // BATCH // number] * number


def skewed(number: int) -> list[int]:
    """One worker has half of the work, or three quarters if there are two."""
    total = EVENTS // BATCH
    first = total * 3 // 4 if number == 2 else total // 2
    return [first, *[(total - first) // (number - 1)] * (number - 1)]


def compare(number: int, work: str, batches: list[int]) -> None:
    best = [Cluster(list(batches), "best", seed).run().last for seed in range(SEEDS)]
    for way, name in WAYS.items():
        runs = [Cluster(list(batches), way, seed).run() for seed in range(SEEDS)]
        ratios = [run.last / least for run, least in zip(runs, best, strict=True)]
        throttled = statistics.median(run.throttled for run in runs)
        lost = statistics.median(run.undelivered for run in runs)
        row = f"{number:>7}  {work:7}{statistics.median(best):>8.0f}" if way == "alone" else ""
        print(f"{row:24}  {name:22}{statistics.median(ratios):>12.2f}{spread(ratios):>14}{throttled:>8.0f}{lost:>6.0f}")


def spread(ratios: Sequence[float]) -> str:
    return f"{min(ratios):.2f}-{max(ratios):.2f}"


def one_worker() -> dict[str, list[float]]:
    """Return the seconds of imports into a server that replies after 50 ms, with a lease and without."""
    account = ServiceAccount("user", "a-secret", project_id="1")
    taken: dict[str, list[float]] = {"RateLimit": [], "Lease": []}
    for _ in range(SEEDS):
        for name, seconds in taken.items():
            with running(counting) as server, LeaseServer(secret=account) as lender:
                limit = LIMIT if name == "RateLimit" else Lease(lender.address)
                started = time.perf_counter()
                with Client(account, base_url=server.url, rate_limit=limit) as client:
                    client.import_events(map(event, range(EVENTS // 20)))
                seconds.append(time.perf_counter() - started)
                if server.count() != EVENTS // 20:
                    raise SystemExit(f"{name}: the server has {server.count()} events")
    return taken


def event(number: int) -> dict[str, object]:
    properties = {"time": 1_700_000_000, "distinct_id": f"user-{number}", "$insert_id": f"id-{number}", "plan": "pro"}
    return {"event": "Seen", "properties": properties}


def message_cost(count: int = 20_000) -> float:
    """Return the microseconds in which a server answers a message of one of 32 workers."""
    ledger, key = Ledger(LIMIT, bytes(32)), bytes(32)
    peers = []
    for _ in range(32):
        peer, ours = Conversation(ledger, 0.0), nonce()
        challenge = message_of(peer.feed(line_of({"mixpress-lease": 1, "endpoint": "import", "nonce": ours}), 0.0))
        meeting = Meeting(key, "import", ours, challenge["server"], challenge["nonce"])
        peer.feed(line_of({"proof": meeting.proof("worker")}), 0.0)
        seal = meeting.seals()[0]
        peer.feed(seal.close({"held": [0, 0], "past": []}), 0.0)
        peers.append((peer, seal))
    message = {"used": [BATCH, 700_000], "need": [BATCH, 700_000], "want": [3 * BATCH, 2_100_000]}
    lines = [(peers[number % 32][0], peers[number % 32][1].close(message)) for number in range(count)]
    started = time.thread_time()
    for number, (peer, line) in enumerate(lines):
        peer.feed(line, number / 320)
    return (time.thread_time() - started) / count * 1e6


if __name__ == "__main__":
    main()
