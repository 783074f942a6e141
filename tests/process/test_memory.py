"""Memory is bounded when the server never replies and the producer does not pause. With a spool the rest waits in the
file.
"""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from mixpress.spool.show import show

from .scripts import run
from .test_exit import hung

pytestmark = pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads the peak from /proc")

PEAK = """
from pathlib import Path

def peak():
    "Return kilobytes; getrusage would include the peak of the parent process."
    [line] = [line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1])
"""

SCRIPT = """
made = client(exit_timeout=0.1, on_full="drop", **BOUNDS)
track(made, "Warm", 100)
before = peak()
count = 0
while made.stats().dropped < 100_000:     # 24 megabytes after gzip
    for _ in range(1000):
        made.track("Seen", "user", {name: os.urandom(120).hex() for name in "ab"})     # 600 bytes, half after gzip
    count += 1000
stats = made.stats()
assert stats.imported == 0 and stats.accepted == count + 100
assert stats.pending + stats.dropped == stats.accepted
print(stats.pending, count, (peak() - before) // 1024)
"""

SPOOLED = """
small = Encoder(limits=Limits(max_batch_events=500))     # packing a batch needs memory that is not measured here
made = client(exit_timeout=0.1, on_full="raise", spool=PATH, encoder=small, **BOUNDS)
track(made, "Warm", 100)
before = peak()
for number in range(30_000):
    made.track("Seen", "user", {name: os.urandom(120).hex() for name in "abcdef"})     # 1500 bytes, half after gzip
assert made.stats().pending == 30_100
print((peak() - before) // 1024)
"""


def test_queue_size_bounds_memory() -> None:
    with hung() as url:
        ended = run('BOUNDS = {"queue_size": 20_000}\n' + PEAK + SCRIPT, url)
    pending, tracked, megabytes = map(int, ended.stdout.split())
    assert pending == 20_000 < tracked
    assert megabytes < 20


def test_queue_bytes_bounds_memory() -> None:
    with hung() as url:
        ended = run('BOUNDS = {"queue_size": 10**9, "queue_bytes": 5_000_000}\n' + PEAK + SCRIPT, url)
    pending, tracked, megabytes = map(int, ended.stdout.split())
    assert pending < tracked
    assert megabytes < 20


@pytest.mark.parametrize("bounds", [{"queue_size": 4000}, {"queue_size": 10**9, "queue_bytes": 3_000_000}])
def test_with_a_spool_memory_is_bounded_and_the_rest_is_in_the_file(bounds: dict[str, int], tmp_path: Path) -> None:
    """All events are 45 megabytes, and 23 as batches."""
    path = tmp_path / "a"
    with hung() as url:
        ended = run(f"BOUNDS, PATH = {bounds}, {str(path)!r}\n" + PEAK + SPOOLED, url)
    assert "30100 events stay in the spool" in ended.stderr
    assert show(path, time.time()).pending == 30_100
    assert int(ended.stdout) < 20
