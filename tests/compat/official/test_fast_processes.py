"""fast=True: events outlive the process in a spool, belong to the parent after a fork, and are sent at exit."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from mixpress.compat.mixpanel import BufferedConsumer, MixpanelException
from mixpress.emulator import Emulator
from support.replies import UNREACHED
from support.server import FakeServer

from .fast_consumers import ACCOUNT, RealTime, event, faked, fast, ids, person, urls
from .recorder import recording


def test_a_spool_keeps_events_until_the_server_is_reachable(tmp_path: Path) -> None:
    with Emulator() as server:
        options: dict[str, Any] = {**urls(server), "credentials": ACCOUNT, "spool": tmp_path / "events.spool"}
        nowhere = FakeServer(UNREACHED)
        first = BufferedConsumer(fast=True, **options, transport=nowhere, clock=RealTime(), linger=1e6)
        first.send("events", event(1))
        first.send("imports", event(2))
        with pytest.raises(MixpanelException, match="0 of 0 messages failed, 1 pending"):
            first.close(timeout=0)
        assert sorted(os.listdir(tmp_path))[0:1] == ["events.spool"]
        assert (tmp_path / "events.spool.imports").exists()
        with fast(**options) as second:
            second.send("events", event(3))
            second.send("imports", event(4))
            second.flush()
            assert sorted(ids(server.events())) == [f"event-{number}" for number in (1, 2, 3, 4)]


def test_a_spool_of_another_project_is_refused(tmp_path: Path) -> None:
    with faked(UNREACHED, spool=tmp_path / "events.spool") as (consumer, _):
        consumer.send("events", event())
        with pytest.raises(MixpanelException, match="spool"):
            consumer.send("events", event(token="other"))


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_forked_child_has_none_of_the_parents_messages() -> None:
    with recording() as server, fast(**server.urls, linger=1e6) as consumer:
        consumer.send("events", event(1))
        consumer.send("people", person({"a": 1}))
        child = os.fork()
        if child == 0:
            status = 1
            try:
                consumer.send("events", event(2))
                consumer.send("people", person({"a": 2}))
                consumer.close()
                status = 0
            finally:
                os._exit(status)
        assert os.waitpid(child, 0)[1] == 0
        consumer.flush()
        events = [ids(json.loads(gzip.decompress(one.body))) for one in server.requests if "/track" in one.path]
        people = [[each["$set"]["a"] for each in one.messages] for one in server.requests if "/engage" in one.path]
    assert sorted(events) == [["event-1"], ["event-2"]]
    assert sorted(people) == [[1], [2]]


ENDING = """
import sys
from mixpanel import Mixpanel
from mixpress.compat.mixpanel import BufferedConsumer

url = sys.argv[1]
client = Mixpanel("token", BufferedConsumer(events_url=url + "/track", people_url=url + "/engage", fast=True))
client.track("user", "Seen")
client.people_set("user", {"plan": "pro"})
"""


def test_a_program_that_ends_without_flush_has_delivered() -> None:
    with recording() as server:
        subprocess.run([sys.executable, "-c", ENDING, server.url], check=True)
        assert sorted(request.path.partition("?")[0] for request in server.requests) == ["/engage", "/track"]
