"""What waits is bounded, whatever the server does: a producer at full speed, and a server that never answers."""

from __future__ import annotations

from .scripts import run
from .test_exit import hung

SCRIPT = """
import resource

text = "x".join(str(number) for number in range(60))     # some 170 bytes that are little compressed

def grown():
    return (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024

made = client(exit_timeout=0.1, on_full="drop", **BOUNDS)
track(made, "Warm", 100)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
count = 0
while made.stats().dropped < 100_000:
    for _ in range(1000):
        made.track("Seen", "user", {"text": text, "number": os.urandom(40).hex()})
    count += 1000
stats = made.stats()
assert stats.imported == 0 and stats.accepted == count + 100
assert stats.pending + stats.dropped == stats.accepted
print(stats.pending, count, grown())
"""


def test_events_are_bounded() -> None:
    with hung() as url:
        ended = run('BOUNDS = {"queue_size": 20_000}\n' + SCRIPT, url)
    pending, tracked, megabytes = map(int, ended.stdout.split())
    assert pending == 20_000 < tracked
    assert megabytes < 40


def test_bytes_are_bounded() -> None:
    with hung() as url:
        ended = run('BOUNDS = {"queue_size": 10**9, "queue_bytes": 5_000_000}\n' + SCRIPT, url)
    pending, tracked, megabytes = map(int, ended.stdout.split())
    assert pending < tracked
    assert megabytes < 40
