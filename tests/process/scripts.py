"""Run Python programs as separate processes, bounded in time, against a server in the process of the test."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

SECONDS = 40
"""The time limit of a program, also on a busy machine."""

SETUP = """
import os, sys, threading, time
from mixpress import Client, Encoder, Limits, ProjectToken

def client(**settings):
    return Client(ProjectToken("the-token"), base_url={url!r}, **settings)

def track(client, name, count):
    for number in range(count):
        client.track(name, f"user-{{number}}")
"""


def run(script: str, url: str, *, seconds: float = SECONDS, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a program that starts with `SETUP`, and return how it ended."""
    text = SETUP.format(url=url) + textwrap.dedent(script)
    return run_command([sys.executable, "-c", text], seconds=seconds, check=check)


def run_file(path: Path, script: str, url: str, *, seconds: float = SECONDS) -> subprocess.CompletedProcess[str]:
    """Run a program from a file, which a spawned process can import."""
    path.write_text(SETUP.format(url=url) + textwrap.dedent(script))
    return run_command([sys.executable, str(path)], seconds=seconds)


def run_command(
    command: list[str], *, seconds: float = SECONDS, check: bool = True, env: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True, env=env
    )
    try:
        out, error = process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        out, error = process.communicate()
        raise AssertionError(f"still running after {seconds} s\n{out}\n{error}") from None
    assert not check or process.returncode == 0, error
    return subprocess.CompletedProcess(command, process.returncode, out, error)
