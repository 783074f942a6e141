"""Pages that the tests render: of every kind of chart, with names that try to be HTML."""

from __future__ import annotations

from mixpress._core import Encoder
from mixpress.report.history import ImportHistory
from mixpress.report.page.import_page import import_page
from mixpress.report.page.model import Page
from mixpress.report.place import Place
from mixpress.report.report import Failure, Progress, Report, Tally
from support.clocks import FakeClock

HOSTILE = (
    "</script><script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "\x00\x1b[2J\u202eabc",
    "'\"><svg onload=document.title='owned'>",
    "javascript:alert(1)",
    "\ud83d",
    "x" * 300,
)
"""Messages, names and files."""


def failure(index: int, text: str) -> Failure:
    place = Place(text, index + 1, index * 100)
    return Failure(index, "rejected" if index % 2 else "refused", text, text if index % 2 else None, text, None, place)


def history(seconds: int = 60, days: int = 40) -> ImportHistory:
    """Return an import that waited for a retry at a third and for the rate limit at two thirds."""
    clock = FakeClock()
    made = ImportHistory(clock)
    for second in range(1, seconds + 1):
        clock.now += 1
        done = min(second, seconds // 3) if second < seconds // 2 else second - seconds // 6
        retry = 2.0 if seconds // 3 < second < seconds // 2 else 0.0
        rate = 1.0 if second > 2 * seconds // 3 else 0.0
        events, size = done * 30_000, done * 5_000_000
        made.add(Progress(events, events, 0, 0, 0, "", done=size, retry_wait=retry, rate_wait=rate))
    made.end()
    event = b'{"event":"Seen","properties":{"time":%d,"note":"%b"}}'
    made.add_events([event % (1_700_000_000 + n * 86_400 // 7, b"x" * (n % 900)) for n in range(days * 7)])
    return made


def hostile_page(failures: int = 14) -> Page:
    found = [failure(index, HOSTILE[index % len(HOSTILE)]) for index in range(failures)]
    cut = (
        Encoder()
        .encode(
            [
                {
                    "event": "a",
                    "properties": {"time": 1_700_000_000, "distinct_id": "u", "$insert_id": "i", "<b>x</b>": "y" * 300},
                }
            ]
        )
        .truncated
    )
    report = Report(
        total=1_200_000 + failures,
        imported=1_200_000,
        rejected=failures // 2,
        refused=failures - failures // 2,
        requests=620,
        retries=20,
        truncated=1,
        bytes_raw=480_000_000,
        bytes_sent=41_000_000,
        elapsed=60.0,
        failures=found,
        by_reason={one.message: Tally(failures // 7, one) for one in found},
        cut_by_path={one.path: Tally(1, one) for one in cut},
        damaged=HOSTILE[:1],
    )
    return import_page(report, history(), [("Files", HOSTILE[1]), ("Server", "https://api-eu.mixpanel.com")])
