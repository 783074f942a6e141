"""An object's `__del__` may call `track` at any allocation: with the threshold 1 the collector runs often."""

from __future__ import annotations

from pathlib import Path

import pytest

from mixpress.emulator import Emulator

from .scripts import run
from .test_fork import names

END_ALL = """
    while len(ended) < {}:
        gc.collect()  # returns at once while another thread collects
        time.sleep(0.001)
"""


@pytest.mark.parametrize("spooled", [False, True])
def test_a_del_may_track_at_any_allocation_of_track_flush_and_import(spooled: bool, tmp_path: Path) -> None:
    settings = f"spool={str(tmp_path / 'events.spool')!r}, linger=60" if spooled else "linger=60"
    script = f"""
    import gc
    ended = []
    class Session:
        def __init__(self):
            self.me = self
        def __del__(self):
            made.track("Ended", "user")
            ended.append(self)
    def sessions():
        for number in range(30):
            Session()
            properties = {{"time": int(time.time()), "distinct_id": "u", "$insert_id": f"i{{number}}"}}
            yield {{"event": "Imported", "properties": properties}}
    made = client({settings}, encoder=Encoder(limits=Limits(max_batch_events=7)))
    gc.set_threshold(1)
    for number in range(100):
        Session()
        made.track("Seen", None if number % 2 else "user")
        if number % 20 == 0:
            made.flush(20)
    assert made.import_events(sessions()).imported == 30
    gc.set_threshold(700)
    {END_ALL.format(130)}
    made.flush(20)
    stats = made.stats()
    assert (stats.imported, stats.rejected, stats.pending) == (50 + 30 + 130, 50, 0), stats
    made.close()
    """
    with Emulator() as server:
        run(script, server.url)
        assert names(server) == {"Seen": 50, "Imported": 30, "Ended": 130}


def test_a_del_may_track_at_any_allocation() -> None:
    script = f"""
    import gc
    ended = []
    class Session:
        def __init__(self):
            self.me = self
        def __del__(self):
            made.track("Ended", None)
            ended.append(self)
    made = client()
    gc.set_threshold(1)
    for number in range(2000):
        Session()
        made.track("Seen", None if number % 2 else "user")
    gc.set_threshold(700)
    {END_ALL.format(2000)}
    report = made.flush(20)
    stats = made.stats()
    assert (stats.accepted, stats.imported, stats.rejected) == (4000, 1000, 3000), stats
    """
    with Emulator() as server:
        run(script, server.url)
        assert names(server) == {"Seen": 1000}
