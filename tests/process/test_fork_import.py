"""A process that forks during an import with a state, in another thread or in the call: the child's end takes nothing
from the parent.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SETUP = """
import gc, json, os, sys, threading
from mixpress import Client, Encoder, Limits, ProjectToken
from mixpress.transport import Response

path, state, ends = sys.argv[1:]
started, forked = threading.Event(), threading.Event()
sent = []

class Server:
    def send(self, request):
        sent.append(request)
        if len(sent) == 5:
            started.set()
            assert forked.wait(20)
        return Response(200, {}, b'{"code": 200, "status": "OK", "num_records_imported": 2}')

def load(**settings):
    client = Client(ProjectToken("t"), base_url="http://127.0.0.1:1", transport=Server(), concurrency=1,
                    encoder=Encoder(limits=Limits(max_batch_events=2)))
    return client.import_files(path, state=state, **settings)

def wait_for(child):
    log = os.stat(state + "-wal").st_ino
    assert os.waitpid(child, 0)[1] == 0
    assert os.stat(state + "-wal").st_ino == log  # what the parent writes to it would be lost with the parent
    forked.set()

def end():
    gc.collect()
    if ends == "exits":
        sys.exit(0)
    os._exit(0)
"""

IN_ANOTHER_THREAD = """
reports = []
thread = threading.Thread(target=lambda: reports.append(load()))
thread.start()
assert started.wait(20)
child = os.fork()
if child == 0:
    end()
wait_for(child)
thread.join()
again = load()
print(json.dumps([reports[0].imported, again.earlier, again.total]))
"""

IN_THE_CALL = """
parent, children = os.getpid(), []

def fork(progress):
    if progress.imported and not children:
        children.append(os.fork())
        if children[0]:
            wait_for(children[0])

try:
    report = load(on_progress=fork)
except RuntimeError:
    assert os.getpid() != parent
    end()
again = load()
print(json.dumps([report.imported, again.earlier, again.total]))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("program", [IN_ANOTHER_THREAD, IN_THE_CALL], ids=["in another thread", "in the call"])
@pytest.mark.parametrize("ends", ["exits", "exits at once"])
def test_a_child_takes_nothing_from_the_parents_state(program: str, ends: str, tmp_path: Path) -> None:
    path = tmp_path / "a"
    line = '{"event": "e", "properties": {"time": 1700000000, "distinct_id": "u", "$insert_id": "%d"}}\n'
    path.write_text("".join(line % number for number in range(1, 41)))
    command = [sys.executable, "-W", "ignore", "-c", SETUP + program, str(path), str(tmp_path / "state"), ends]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert done.stdout == "[40, 40, 0]\n"


FORGOTTEN = """
import gc, os, sys
from mixpress.files.state_file import FileRow, StateFile

file = StateFile(sys.argv[1])
child = os.fork()
if child == 0:
    del file
    gc.collect()
    if sys.argv[2] == "exits":
        sys.exit(0)
    os._exit(0)
assert os.waitpid(child, 0)[1] == 0
file.update_file(FileRow(1, 2, 3))
print(os.path.exists(sys.argv[1] + "-wal"))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
@pytest.mark.parametrize("ends", ["exits", "exits at once"])
def test_a_child_that_forgets_its_copy_of_a_state_leaves_the_log_that_the_parent_writes(
    ends: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-W", "ignore", "-c", FORGOTTEN, str(tmp_path / "state"), ends]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.stderr == ""
    assert done.stdout == "True\n"
