"""An exception at any line of a call for profiles: it comes out, the counts are true, and later calls work.

Every 7th line is tried, every 67th with a spool. Where `EVERY_LINE` is set, each one is, every 5th with a
spool: the lines of a spool itself are those that events have too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from client.test_raising_lines import SECONDS, STRIDE, Raiser, append, each_line, finish, in_memory, settled
from client.test_raising_lines import client as any_client
from mixpress import Client
from support.profile_server import ProfileServer

__all__ = ["in_memory"]

STRIDE_OF_SPOOLED = 5 if STRIDE == 1 else 67
"""Three files are opened for each line."""


def client(server: ProfileServer, **settings: Any) -> Client:
    return any_client(server, token="the-project-token", **settings)


def updates() -> Iterator[dict[str, Any]]:
    for n in range(1, 8):
        yield {"$distinct_id": f"u{n % 2}", "$set" if n % 3 else "$wrong": {"n": n}}


STEPS: dict[str, tuple[int, int, Callable[[Client, list[Any]], object]]] = {
    "set": (0, 1, lambda made, _: made.profiles.set("u", {"n": 1})),
    "add": (0, 1, lambda made, _: made.profiles.add("u", {"n": 1})),
    "a full batch": (0, 4, lambda made, _: [made.profiles.set("u", {"n": n}) for n in range(1, 5)]),
    "import": (0, 7, lambda made, _: made.import_profiles(updates())),
    "flush": (0, 0, lambda made, reports: append(reports, lambda: made.flush(SECONDS))),
    "close": (0, 0, lambda made, reports: append(reports, lambda: made.close(SECONDS))),
}
"""The least and the most updates that each step adds."""


# An interrupt while the file of a spool is opened leaves its connection to the garbage collector.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("spooled", [False, True])
def test_an_interrupt_at_any_line_comes_out_and_leaves_true_counts(name: str, spooled: bool, in_memory: Path) -> None:
    least, most, step = STEPS[name]
    numbers = iter(range(100_000))

    def test(raiser: Raiser) -> bool:
        server = ProfileServer()
        reports: list[Any] = []
        settings = {"spool": in_memory / f"{next(numbers)}.spool"} if spooled else {}
        made = client(server, **settings)
        if name in {"flush", "close"}:
            made.profiles.set("u", {"n": 0})
        interrupted = raiser.run(partial(step, made, reports))
        check(made, server, str(raiser.where), reports, least + (name in {"flush", "close"}), most + 1)
        stats = made.stats()
        if name in {"set", "add", "a full batch", "flush"}:
            assert settled(reports) == (stats.imported, stats.rejected, stats.undelivered), raiser.where
        if spooled:
            with client(ProfileServer(), **settings) as following:
                following.profiles.set("u", {"n": 0})
                assert following.flush(SECONDS).total == 1, f"{raiser.where}: left in the file"
        return interrupted

    each_line(test, STRIDE_OF_SPOOLED if spooled else STRIDE)


def check(made: Client, server: ProfileServer, where: str, reports: list[Any], least: int, most: int) -> None:
    """Update one more profile, close, and compare the counts with what the server has."""
    stats = finish(made, lambda: made.profiles.set("after", {"n": 99}), where, reports, least, most)
    taken = sum(map(len, server.taken))
    assert server.numbers("after") == [99], where
    assert stats.imported <= taken <= stats.imported + stats.undelivered, (where, stats, taken)
    assert server.met == [], where
