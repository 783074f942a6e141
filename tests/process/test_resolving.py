"""Fork while another thread resolves a host name."""

from __future__ import annotations

import os

import pytest

from mixpress.emulator import Emulator

from .scripts import run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs os.fork")

RESOLVING = """
import socket
lock, begun, forked = threading.Lock(), threading.Event(), threading.Event()
getaddrinfo = socket.getaddrinfo

def resolve(*args, **options):
    with lock:  # as the C library does
        begun.set()
        forked.wait({held})
    return getaddrinfo(*args, **options)

socket.getaddrinfo = resolve
made = client()
track(made, "Parent", 1)
flush = threading.Thread(target=made.flush)
flush.start()
begun.wait()
child = os.fork()
forked.set()
if child == 0:
    if lock.locked():
        print("locked", flush=True)
        socket.getaddrinfo = getaddrinfo
    track(made, "Child", 1)
    os._exit(made.flush(timeout=20).imported != 1)
assert os.waitpid(child, 0)[1] == 0
flush.join()
assert os.fork() or os._exit(0) is None
"""


def test_a_fork_waits_for_a_name_that_is_being_resolved() -> None:
    with Emulator() as server:
        assert run(RESOLVING.format(held=0.05), server.url).stdout == ""
        assert (server.count("Parent"), server.count("Child")) == (1, 1)


def test_a_fork_waits_for_no_server_of_names_that_does_not_answer() -> None:
    with Emulator() as server:
        assert run(RESOLVING.format(held=60), server.url).stdout == "locked\n"
        assert (server.count("Parent"), server.count("Child")) == (1, 1)
