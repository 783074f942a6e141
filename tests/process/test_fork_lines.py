"""A fork may come at any line of `track` and `flush`: the child tracks and delivers an event with its own client, and
the parent's counts stay true. In the middle of a step on a spool's file the child gets `SpoolError` instead. Each child
delivers over a transport that replies in its own process.

Every line is tried where `EVERY_LINE` is set; otherwise every 9th, and with a spool every 17th.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from .scripts import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

SCRIPT = """
import faulthandler, json, mixpress, gzip
from mixpress import ServiceAccount, SpoolError
from mixpress.transport import Response

HOME = os.path.dirname(mixpress.__file__)

class Server:
    def __init__(self):
        self.events = []
    def send(self, request):
        self.events += json.loads(gzip.decompress(request.body))
        return Response(200, {}, b"1")

def in_child():
    sys.settrace(None)
    faulthandler.dump_traceback_later(20, exit=True)
    server.events.clear()
    status = 1
    try:
        made.track("Child", "u")
        report, stats = made.flush(15), made.stats()
        names = [one["event"] for one in server.events]
        right = (report.imported, stats.accepted, stats.pending, names) == (1, 1, 0, ["Child"])
        status = 0 if right else 2
        if not right:
            print(report, stats, names, file=sys.stderr, flush=True)
    except SpoolError as error:
        status = 0 if FOLDER and error.kind == "forked" else 3
    except BaseException:
        import traceback
        traceback.print_exc()
    finally:
        os._exit(status)

def fork_at(line, step):
    \"\"\"Fork at the n-th line that `step` reaches; return where that was, or None.\"\"\"
    left, where = line, None
    def trace(frame, event, argument):
        nonlocal left, where
        if not frame.f_code.co_filename.startswith(HOME):
            return None
        if event == "line" and where is None:
            left -= 1
            if left < 0:
                where = f"{frame.f_code.co_filename}:{frame.f_lineno}"
                child = os.fork()
                if child == 0:
                    in_child()
                assert os.waitpid(child, 0)[1] == 0, where
        return trace
    sys.settrace(trace)
    try:
        step()
    finally:
        sys.settrace(None)
    return where

STEPS = {
    "track": lambda: made.track("Parent", "u"),
    "flush": lambda: made.flush(20),
}
for number, line in enumerate(range(0, 5000, STRIDE)):
    server = Server()
    settings = {"spool": f"{FOLDER}/{number}.spool"} if FOLDER else {}
    made = Client(ServiceAccount("u", "s", project_id="1"), transport=server, rate_limit=None, linger=60, **settings)
    made.track("Parent", "u")
    where = fork_at(line, STEPS[STEP])
    made.track("Parent", "u")
    made.flush(20)
    stats = made.stats()
    assert stats.accepted == stats.imported == len(server.events) == (3 if STEP == "track" else 2), (where, stats)
    made.close()
    if where is None:
        break
else:
    raise AssertionError("too few lines were tried")
assert number > 3
"""


@pytest.mark.parametrize("step", ["track", "flush"])
@pytest.mark.parametrize("spooled", [False, True])
def test_a_fork_at_any_line_gives_the_child_a_working_client(step: str, spooled: bool, tmp_path: Path) -> None:
    stride = 1 if os.environ.get("EVERY_LINE") else (17 if spooled else 9)
    values = f"STRIDE, STEP, FOLDER = {stride}, {step!r}, {str(tmp_path) if spooled else ''!r}\n"
    run(values + SCRIPT, "http://127.0.0.1:9", seconds=300)
