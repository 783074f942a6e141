"""The flights of the example: they are as their script describes, and the emulator accepts them."""

from __future__ import annotations

import gzip
import importlib.util
import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from mixpress.emulator import Emulator

from .sender import NDJSON, Sender

EXAMPLES = Path(__file__).parents[2] / "examples"
FLIGHTS = EXAMPLES / "flights.ndjson.gz"
SCRIPT = EXAMPLES / "make_flights.py"


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return gzip.decompress(FLIGHTS.read_bytes()).splitlines()


@pytest.fixture(scope="module")
def flights(lines: list[bytes]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines]


@pytest.fixture
def script(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script, with the lines of the file instead of those that it makes of the source, which takes seconds."""
    spec = importlib.util.spec_from_file_location("make_flights", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "to_lines", lambda rows: gzip.decompress(FLIGHTS.read_bytes()))
    return module


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


def test_times_are_in_the_zone_of_new_york(flights: list[dict[str, Any]]) -> None:
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


def test_unknown_values_are_left_out(flights: list[dict[str, Any]]) -> None:
    for flight in flights:
        others = {key: value for key, value in flight["properties"].items() if key != "distinct_id"}
        assert "NA" not in others.values()
        assert ("dep_time" in others) == (flight["event"] == "Flight Departed")


def test_the_script_makes_the_same_file(tmp_path: Path) -> None:
    made = tmp_path / "made.gz"
    done = subprocess.run([sys.executable, SCRIPT, made], capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout == f"{made}: 27,004 events, {made.stat().st_size:,} bytes\n"
    assert gzip.decompress(made.read_bytes()) == gzip.decompress(FLIGHTS.read_bytes())
    assert made.read_bytes()[4:8] == b"\0\0\0\0", "the gzip header has no time"


def test_check_is_silent_if_the_file_is_right(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["make_flights.py", "--check"])
    with pytest.raises(SystemExit) as ended:
        script.main()
    assert ended.value.code is None
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (gzip.compress(b"{}\n"), "differs from"),
        (b"no gzip", "cannot read"),
        (gzip.compress(b"{}\n")[:-9], "cannot read"),
        (None, "cannot read"),
    ],
    ids=["other events", "no gzip", "cut off", "missing"],
)
def test_check_says_what_is_wrong(
    script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: bytes | None, message: str
) -> None:
    path = tmp_path / "other.gz"
    if content is not None:
        path.write_bytes(content)
    monkeypatch.setattr(sys, "argv", ["make_flights.py", "--check", str(path)])
    with pytest.raises(SystemExit, match=message):
        script.main()


def test_an_error_of_writing_is_reported(script: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sys, "argv", ["make_flights.py", str(tmp_path / "no" / "x.gz")])
    with pytest.raises(SystemExit, match=rf"^cannot write {tmp_path}/no/x.gz: No such file or directory$"):
        script.main()


def test_the_emulator_accepts_all_flights_with_a_tail_number(
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
