"""A program that imports a file of events with one tool: `python -m benches.support.importers NAME URL PATH FOLDER`.

It prints its events, CPU seconds, seconds and peak memory as JSON. The CPU is that of the whole process from its start.
Each importer imports its tool itself. `mixpanel-utils` has a separate environment, so this module imports nothing.
"""

from __future__ import annotations

import json
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

BATCH = 2000
THREADS = 10


def with_mixpress(url: str, path: str, folder: str) -> int:
    """Use the dead letter, the state and the places of failures."""
    from mixpress import Client, ProjectSecret

    with Client(ProjectSecret("secret"), base_url=url, rate_limit=None) as client:
        report = client.import_files(path, state=f"{folder}/state", dead_letter=f"{folder}/failed")
    return report.total


def with_orjson(url: str, path: str, _folder: str) -> int:
    """Parse each line, write batches, gzip them at level 6 and send them on ten threads; check nothing."""
    import gzip
    from concurrent.futures import ThreadPoolExecutor
    from itertools import islice
    from threading import Semaphore

    import orjson
    import urllib3

    pool = urllib3.PoolManager(maxsize=THREADS)
    free = Semaphore(2 * THREADS)
    headers = {"Content-Type": "application/json", "Content-Encoding": "gzip"}

    def send(events: list[object]) -> None:
        try:
            body = gzip.compress(orjson.dumps(events), 6)
            assert pool.request("POST", f"{url}/import?strict=1", body=body, headers=headers).status == 200
        finally:
            free.release()

    count = 0
    with open(path, "rb") as lines, ThreadPoolExecutor(THREADS) as threads:
        while events := [orjson.loads(line) for line in islice(lines, BATCH)]:
            free.acquire()
            threads.submit(send, events)
            count += len(events)
    return count


def with_mixpanel_utils(url: str, path: str, _folder: str) -> int:
    """It takes a list, which has to fit into memory."""
    from mixpanel_utils import MixpanelUtils  # type: ignore[import-not-found]

    with open(path, encoding="utf-8") as lines:
        events = [json.loads(line) for line in lines]
    client = MixpanelUtils("secret", token="token")
    client.import_api = url
    client.import_events(events, 0)
    return len(events)


IMPORTERS: dict[str, Callable[[str, str, str], int]] = {
    "mixpress": with_mixpress,
    "orjson": with_orjson,
    "mixpanel-utils": with_mixpanel_utils,
}


def main(name: str, url: str, path: str, folder: str) -> None:
    """Import, and print the cost."""
    started = time.perf_counter()
    events = IMPORTERS[name](url, str(Path(path)), folder)
    seconds = time.perf_counter() - started
    kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    cost = {"count": events, "cpu": time.process_time(), "seconds": seconds, "megabytes": kilobytes / 1024}
    print(json.dumps(cost))


if __name__ == "__main__":
    main(*sys.argv[1:])
