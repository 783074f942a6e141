"""`mixpress import` with pipes, with outputs that are closed, full or narrow, and with signals."""

from __future__ import annotations

import gzip
import os
import re
import signal
import socket
import subprocess
import time
from pathlib import Path
from threading import Thread

import pytest

from mixpress.emulator import Emulator

from .process import closed_pipe, event, start

LIMIT = 20.0


def wait_for(server: Emulator, count: int) -> None:
    ends = time.monotonic() + LIMIT
    while server.count() < count and time.monotonic() < ends:
        time.sleep(0.05)


@pytest.mark.parametrize("lines", [5, 20_000])
def test_a_named_pipe_is_opened_once(server: Emulator, tmp_path: Path, lines: int) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = Thread(target=pipe.write_bytes, args=[b"".join(map(event, range(lines)))], daemon=True)
    writer.start()
    process = start(str(pipe), "--to", server.url, stdout=subprocess.DEVNULL)
    assert process.wait(LIMIT) == 0
    assert server.count() == lines


def test_a_named_pipe_cannot_be_read_twice(tmp_path: Path) -> None:
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    process = start(pipe, pipe, "--to", "http://127.0.0.1:9", stderr=subprocess.PIPE)
    assert b"can be read only once" in process.communicate(timeout=LIMIT)[1]
    assert process.returncode == 2


def test_a_gzipped_pipe_may_come_a_byte_at_a_time(server: Emulator) -> None:
    process = start("-", "--to", server.url, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, bufsize=0)
    assert process.stdin
    for byte in gzip.compress(event(0)):
        process.stdin.write(bytes([byte]))
    process.stdin.close()
    assert process.wait(LIMIT) == 0
    assert server.count() == 1


@pytest.mark.parametrize("output", ["closed", "full"])
def test_an_output_that_fails_does_not_change_the_status(server: Emulator, tmp_path: Path, output: str) -> None:
    if output == "full" and not os.path.exists("/dev/full"):
        pytest.skip("there is no /dev/full here")

    def run(content: bytes, to: str) -> tuple[int, str]:
        path = tmp_path / "a"
        path.write_bytes(content)
        stdout = closed_pipe() if output == "closed" else os.open("/dev/full", os.O_WRONLY)
        process = start(str(path), "--to", to, "--attempts", "1", stdout=stdout, stderr=subprocess.PIPE)
        os.close(stdout)
        said = process.communicate(timeout=LIMIT)[1].decode()
        assert "Traceback" not in said
        return process.returncode, said

    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        status, said = run(event(0), f"http://127.0.0.1:{bound.getsockname()[1]}")
    assert status == 3
    assert "refused" in said
    status, said = run(event(0), server.url)
    assert status == 0
    assert ("cannot write to the standard output" in said) == (output == "full")
    status, said = run(gzip.compress(event(0))[:-4], server.url)
    assert status == 1
    assert "Error: cannot read" in said


def test_a_stderr_that_is_closed_does_not_change_the_status(tmp_path: Path, server: Emulator) -> None:
    (tmp_path / "a").write_bytes(gzip.compress(event(0)) + b"trailing")
    writer = closed_pipe()
    process = start(str(tmp_path / "a"), "--to", server.url, stdout=subprocess.DEVNULL, stderr=writer)
    os.close(writer)
    assert process.wait(LIMIT) == 1
    assert server.count() == 1


@pytest.mark.parametrize(("encoding", "shown"), [("utf-8", "\U0001f600"), ("cp1252", "\\U0001f600")])
def test_what_an_encoding_lacks_is_escaped(server: Emulator, tmp_path: Path, encoding: str, shown: str) -> None:
    (tmp_path / "a").write_bytes(event(0, **{"reaction \U0001f600": "x" * 300}))
    environment = {"PYTHONIOENCODING": encoding}
    process = start(
        str(tmp_path / "a"), "--to", server.url, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, error = process.communicate(timeout=LIMIT)
    assert (process.returncode, error) == (0, b"")
    assert f"reaction {shown}" in out.decode(encoding)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_reading(server: Emulator, number: signal.Signals) -> None:
    process = start(
        "-",
        *("--to", server.url),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        bufsize=0,
    )
    assert process.stdin
    process.stdin.write(b"".join(map(event, range(2003))))
    wait_for(server, 2000)
    process.send_signal(number)
    out, error = process.communicate(timeout=LIMIT)
    assert b"2,003 imported" in out
    assert b"Error: stopped by " in error
    assert process.returncode == 1
    assert server.count() == 2003


def wait_for_a_handler(pid: int, number: int) -> None:
    """Wait until a process has a handler for the signal; where the system does not say so, for a while."""
    status, ends = Path(f"/proc/{pid}/status"), time.monotonic() + LIMIT
    while status.exists() and time.monotonic() < ends:
        [caught] = re.findall(r"^SigCgt:\s*(\w+)$", status.read_text(), re.M)
        if int(caught, 16) & 1 << (number - 1):
            return
        time.sleep(0.05)
    time.sleep(1)


def test_a_signal_ends_the_wait_for_a_pipe_without_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    process = start(str(tmp_path / "pipe"), "--to", "http://127.0.0.1:9", stderr=subprocess.PIPE)
    wait_for_a_handler(process.pid, signal.SIGTERM)
    time.sleep(0.5)  # now it opens the pipe
    process.send_signal(signal.SIGTERM)
    assert b"Error: stopped by SIGTERM" in process.communicate(timeout=LIMIT)[1]
    assert process.returncode == 3


def test_the_second_signal_aborts() -> None:
    def busy(_request: object) -> tuple[int, dict[str, str], bytes]:
        return 503, {"Retry-After": "60"}, b"busy"

    with Emulator(before=busy) as server:
        process = start("-", "--to", server.url, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        assert process.stdin
        process.stdin.write(event(0))
        process.stdin.close()
        ends = time.monotonic() + LIMIT
        while not server.requests() and time.monotonic() < ends:
            time.sleep(0.05)
        for _ in range(2):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
        assert process.wait(LIMIT) == 1
