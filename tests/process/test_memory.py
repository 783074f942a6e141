"""What waits is bounded, whatever the server does: a producer at full speed, and a server that never answers."""

from __future__ import annotations

from pathlib import Path

import pytest

from .scripts import run
from .test_exit import hung

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak is read from /proc")

SCRIPT = """
from pathlib import Path

text = "x".join(str(number) for number in range(60))     # some 170 bytes that are little compressed

def peak():
    "Kilobytes, of this program alone: what getrusage says begins with the peak of the process that started it."
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])

made = client(exit_timeout=0.1, on_full="drop", **BOUNDS)
track(made, "Warm", 100)
before = peak()
count = 0
while made.stats().dropped < 400_000:
    for _ in range(1000):
        made.track("Seen", "user", {"text": text, "number": os.urandom(40).hex()})
    count += 1000
stats = made.stats()
assert stats.imported == 0 and stats.accepted == count + 100
assert stats.pending + stats.dropped == stats.accepted
print(stats.pending, count, (peak() - before) // 1024)
"""


def test_events_are_bounded() -> None:
    with hung() as url:
        ended = run('BOUNDS = {"queue_size": 20_000}\n' + SCRIPT, url)
    pending, tracked, megabytes = map(int, ended.stdout.split())
    assert pending == 20_000 < tracked
    assert megabytes < 20


def test_bytes_are_bounded() -> None:
    with hung() as url:
        ended = run('BOUNDS = {"queue_size": 10**9, "queue_bytes": 5_000_000}\n' + SCRIPT, url)
    pending, tracked, megabytes = map(int, ended.stdout.split())
    assert pending < tracked
    assert megabytes < 20
