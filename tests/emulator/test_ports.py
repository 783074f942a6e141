"""A port that is taken: which process has it; and addresses that other machines can reach."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mixpress.emulator import Emulator
from mixpress.emulator.hosts import is_loopback, to_address
from mixpress.emulator.port_owner import describe_owner

from .sender import Sender, event
from .test_server import port_of

linux = pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")

HOLD = """
import socket, sys
with socket.create_server(("127.0.0.1", 0)) as held:
    print(held.getsockname()[1], flush=True)
    sys.stdin.read()
"""


@linux
def test_the_process_that_has_the_port_is_named() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, "--token", "canary"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        try:
            assert holder.stdout is not None
            port = int(holder.stdout.readline())
            name = Path(f"/proc/{holder.pid}/comm").read_text(encoding="utf-8").strip()
            with pytest.raises(OSError, match="cannot listen") as error, Emulator(port=port):
                pass
        finally:
            holder.communicate("")
    assert str(error.value) == (
        f"cannot listen on 127.0.0.1 port {port}: Address already in use by process {holder.pid} ({name}); "
        "port 0 picks a free one"
    )


def test_two_emulators_cannot_have_one_port() -> None:
    with Emulator() as first:
        second = Emulator(port=port_of(first.url))
        message = "already in use by this process" if sys.platform == "linux" else "already in use"
        with pytest.raises(OSError, match=message), second:
            pass
        sender = Sender(first.url)
        assert sender.post("/import?strict=1", [event()]).status == 200
        sender.close()
    with second:
        assert second.count() == 0, "it can start once the port is free"


def test_an_owner_that_cannot_be_known_is_not_named(tmp_path: Path) -> None:
    assert describe_owner(8400, tmp_path / "no") == ""
    table = tmp_path / "net" / "tcp"
    table.parent.mkdir()
    (tmp_path / "17" / "fd").mkdir(parents=True)
    (tmp_path / "17" / "fd" / "3").symlink_to("socket:[555]")
    heading = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
    line = "   0: 0100007F:20D0 00000000:0000 {} 00000000:00000000 00:00000000 00000000  1000        0 {} 1\n"
    for state, inode, owner in [("01", "555", ""), ("0A", "556", ""), ("0A", "555", " by process 17")]:
        table.write_text(heading + "nonsense\n" + line.format(state, inode), encoding="utf-8")
        assert describe_owner(8400, tmp_path) == owner
    assert describe_owner(8401, tmp_path) == ""
    (tmp_path / "17" / "comm").write_text("nginx\n", encoding="utf-8")
    assert describe_owner(8400, tmp_path) == " by process 17 (nginx)"


@linux
def test_a_socket_of_this_process_is_found() -> None:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port = held.getsockname()[1]
        assert describe_owner(port) == f" by this process ({os.getpid()})"


# -- addresses


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.168.0.1"])
def test_another_address_needs_consent(host: str) -> None:
    with pytest.raises(ValueError, match=re.escape(f"got '{host}': the emulator accepts any credentials")) as error:
        Emulator(host=host)
    assert "--i-know-this-is-not-authenticated, in Python allow_other_hosts=True" in str(error.value)
    assert to_address(host, allow_others=True) == host
    assert not is_loopback(host)


@pytest.mark.parametrize("host", ["example.com", "", "127.1", "0"])
def test_a_host_must_be_an_address_even_with_consent(host: str) -> None:
    with pytest.raises(ValueError, match="host must be localhost or an IP address of this machine"):
        Emulator(host=host, allow_other_hosts=True)


def test_all_addresses_are_reached_by_the_url_of_this_machine() -> None:
    with Emulator(host="0.0.0.0", allow_other_hosts=True) as server:
        assert server.url.startswith("http://127.0.0.1:")
        sender = Sender(server.url)
        assert sender.post("/import?strict=1", [event()]).status == 200
        sender.close()
