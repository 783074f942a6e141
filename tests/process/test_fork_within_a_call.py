"""A fork in the middle of one of our calls, by a signal handler: the child may never leave that call."""

from __future__ import annotations

import os

import pytest

from .scripts import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")


def test_a_child_that_is_forked_within_a_call_delivers_before_it_leaves_it() -> None:
    script = """
    import signal
    from mixpress import _core
    from mixpress.transport import Response

    class Server:
        def __init__(self):
            self.is_reached = threading.Event()
        def send(self, request):
            self.is_reached.set()
            return Response(200, {}, b"1")

    server = Server()
    made = client(linger=0.01, transport=server)

    def fork(signum, frame):
        child = os.fork()
        if child == 0:
            track(made, "Child", 1)
            os._exit(not server.is_reached.wait(20))
        statuses.append(os.waitpid(child, 0)[1])
        assert _core.in_bracket()

    statuses = []
    signal.signal(signal.SIGUSR1, fork)
    # Within two locks, as a signal may come in any call.
    made.engine._locked(made.engine.queue._locked, lambda: signal.raise_signal(signal.SIGUSR1))
    assert statuses == [0], statuses
    assert not _core.in_bracket()
    """
    run(script, "http://127.0.0.1:9")


def test_a_child_that_leaves_the_call_of_its_fork_is_in_no_bracket() -> None:
    script = """
    from mixpress._core import bracket, in_bracket

    def step():
        inner(pids.append, os.fork())
        return in_bracket()

    pids, outer, inner = [], bracket(list, list), bracket(list, list)
    was_within = outer(outer, step)
    assert not in_bracket()
    assert inner(in_bracket)
    assert not in_bracket()
    if pids[0]:
        assert was_within
        assert os.waitpid(pids[0], 0)[1] == 0
    else:
        os._exit(was_within)
    """
    run(script, "http://127.0.0.1:9")
