"""The example's flights: that they are what they are said to be, and that the emulator agrees."""

from __future__ import annotations

import gzip
import json
import re
import runpy
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from mixpress.emulator import Emulator

from .sender import NDJSON, Sender

EXAMPLES = Path(__file__).parents[2] / "examples"
FLIGHTS = EXAMPLES / "flights.ndjson.gz"


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return gzip.decompress(FLIGHTS.read_bytes()).splitlines()


@pytest.fixture(scope="module")
def flights(lines: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


def run(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(EXAMPLES / "make_flights.py"), *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)


def test_every_row_of_january_is_an_event(flights: list[dict[str, Any]]) -> None:
    names = Counter(flight["event"] for flight in flights)
    assert names == {"Flight Departed": 26_483, "Flight Cancelled": 521}
    tails = Counter(flight["properties"]["distinct_id"] for flight in flights)
    assert tails.total() == 27_004
    assert tails["NA"] == 155


def test_insert_ids_are_unique_and_well_formed(flights: list[dict[str, Any]]) -> None:
    ids = {flight["properties"]["$insert_id"] for flight in flights}
    assert len(ids) == 27_004
    assert all(re.fullmatch("[0-9a-f]{36}", each) for each in ids)


def test_times_are_those_of_new_york(flights: list[dict[str, Any]]) -> None:
    first = flights[0]["properties"]
    assert first["time"] == 1_357_035_300  # 2013-01-01 05:15 EST
    assert (first["carrier"], first["flight"], first["sched_dep_time"], first["dep_delay"]) == (
        "UA",
        "1545",
        "05:15",
        2,
    )
    days = Counter((flight["properties"]["time"] - 5 * 3600) // 86_400 for flight in flights)
    assert len(days) == 31


def test_what_is_not_known_is_left_out(flights: list[dict[str, Any]]) -> None:
    for flight in flights:
        others = {key: value for key, value in flight["properties"].items() if key != "distinct_id"}
        assert "NA" not in others.values()
        assert ("dep_time" in others) == (flight["event"] == "Flight Departed")


def test_the_file_is_what_the_script_makes(tmp_path: Path) -> None:
    made = tmp_path / "made.gz"
    assert run(made).stdout == f"{made}: 27,004 events, {made.stat().st_size:,} bytes\n"
    assert gzip.decompress(made.read_bytes()) == gzip.decompress(FLIGHTS.read_bytes())
    assert made.read_bytes()[4:8] == b"\0\0\0\0", "no time of its own"


def test_check_is_silent_where_all_is_well() -> None:
    done = run("--check")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (gzip.compress(b"{}\n"), "differs from"),
        (b"no gzip", "cannot read"),
        (gzip.compress(b"{}\n")[:-9], "cannot read"),
        (None, "cannot read"),
    ],
    ids=["other events", "no gzip", "cut off", "missing"],
)
def test_check_says_what_is_wrong(tmp_path: Path, content: bytes | None, said: str) -> None:
    path = tmp_path / "other.gz"
    if content is not None:
        path.write_bytes(content)
    script = runpy.run_path(str(EXAMPLES / "make_flights.py"))
    assert said in script["check"](path, b"the right lines")


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    done = run(tmp_path / "no" / "x.gz")
    assert done.returncode == 1
    assert done.stderr == f"cannot write {tmp_path}/no/x.gz: No such file or directory\n"


def test_the_emulator_takes_all_but_those_without_a_tail_number(
    server: Emulator, sender: Sender, lines: list[bytes]
) -> None:
    for again in [False, True]:
        failed = []
        for start in range(0, len(lines), 2000):
            body = b"\n".join(lines[start : start + 2000])
            answer = sender.post("/import?strict=1", body, kind=NDJSON, packed=True)
            failed += answer.failures if answer.status == 400 else []
        assert len(failed) == 155
        assert {message for _, _, message in failed} == {
            "'properties.distinct_id' is invalid: 'NA' is a disallowed value"
        }
        assert server.count() == 26_849, "again" if again else "once"
