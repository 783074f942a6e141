"""The garbage collector of a process that only serves."""

from __future__ import annotations

import gc
import subprocess
import sys
from contextlib import nullcontext
from queue import SimpleQueue

import pytest
from click.testing import CliRunner

from mixpress.cli import emulator as emulator_command
from mixpress.emulator import Emulator

PROGRAM = """
import gc, weakref
from mixpress.emulator.collector import spare_stored_events

class Node:
    pass

kept = [[] for _ in range(1000)]
spare_stored_events()
assert gc.get_freeze_count() > len(kept)
assert all(each is not kept for each in gc.get_objects())
node = Node()
node.itself, gone = node, weakref.ref(node)
del node
gc.collect()
assert gone() is None
print("done")
"""


def test_what_exists_is_not_visited_and_what_comes_later_is() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr) == ("done\n", "")


def test_the_command_calls_it_and_the_class_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    stop: SimpleQueue[int] = SimpleQueue()
    stop.put(2)
    calls = []
    monkeypatch.setattr(emulator_command, "stop_signals", lambda: nullcontext(stop))
    monkeypatch.setattr(emulator_command, "spare_stored_events", lambda: calls.append("spared"))
    result = CliRunner().invoke(emulator_command.command, ["--port", "0"])
    assert (result.exit_code, calls) == (0, ["spared"])
    with Emulator():
        assert gc.get_freeze_count() == 0
