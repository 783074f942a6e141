"""A process that imports events, within a limit that it borrows, or alone within all of it.

    borrower.py URL ADDRESS NAME COUNT

Without an address it has the whole limit. It says `imported <events> of <events>`. With the count 0 it borrows, says
`borrowed`, and waits until it is killed.
"""

from __future__ import annotations

import sys
import time

from mixpress import Client, Encoder, Lease, Limits, RateLimit, RetryPolicy, ServiceAccount
from mixpress.transport import Request, Response

ACCOUNT = ServiceAccount("user", "a-well-kept-secret", project_id="17")
LIMIT = RateLimit(events=1000, bytes=2_000_000, seconds=3)
HASTY = RetryPolicy(attempts=40, first_wait=0.1, max_wait=0.4, jitter=(0.0, 0.1))


class Hung:
    """A transport without an answer."""

    def send(self, _request: Request) -> Response:
        print("borrowed", flush=True)
        time.sleep(60)
        raise AssertionError("it was not killed")


def main(url: str, address: str, name: str, count: int) -> None:
    client = Client(
        ACCOUNT,
        base_url=url,
        rate_limit=Lease(address) if address else LIMIT,
        encoder=Encoder(limits=Limits(max_batch_events=20)),
        concurrency=4,
        retry=HASTY,
        transport=None if count else Hung(),
    )
    with client:
        report = client.import_events(
            {
                "event": name,
                "properties": {"time": 1_700_000_000, "distinct_id": "user", "$insert_id": f"{name}-{number}"},
            }
            for number in range(count or 1)
        )
    print(f"imported {report.imported} of {report.total}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4]))
