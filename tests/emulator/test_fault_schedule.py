"""Schedules: phases by requests and by the emulator's clock, their file, and what is refused in it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from mixpress.emulator import Emulator, Faults
from mixpress.emulator.faults.fault import Phase
from mixpress.emulator.faults.sequence import FaultSequence

from .conftest import Start
from .sender import NOW, event

pytestmark = pytest.mark.skipif(sys.version_info < (3, 11), reason="tomllib is newer")

STRICT = "/import?strict=1"
THREE = """
seed = 7
[[phase]]
faults = ""
requests = 2
[[phase]]
faults = "429:2,503:html"
requests = 3
[[phase]]
faults = "drop-reply:1"
"""
BY_TIME = """
repeat = true
[[phase]]
faults = "502"
seconds = 10
[[phase]]
faults = "503:1"
seconds = 5.5
"""


class Clock:
    def __init__(self) -> None:
        self.now = float(NOW)

    def __call__(self) -> float:
        return self.now


def at(sequence: FaultSequence, clock: Clock, seconds: float) -> tuple[str, int | None]:
    """Return the fault and the phase of a request that many seconds after NOW."""
    clock.now = NOW + seconds
    return next(sequence).name, sequence.phase


def test_phases_follow_each_other_after_their_requests() -> None:
    sequence = Faults.parse(THREE).sequence()
    assert [next(sequence).name for _ in range(8)] == ["", "", "429", "429", "503:html", "drop-reply", "", ""]
    assert sequence.phase == 2


def test_phases_follow_each_other_by_the_clock() -> None:
    clock = Clock()
    sequence = Faults.parse(BY_TIME).sequence(clock)
    assert at(sequence, clock, 100) == ("502", 0), "the first phase starts with the first request"
    assert at(sequence, clock, 109.9) == ("502", 0)
    assert at(sequence, clock, 110) == ("503", 1)
    assert at(sequence, clock, 111) == ("", 1)
    assert at(sequence, clock, 115.5) == ("502", 0), "it repeats"
    assert at(sequence, clock, 10) == ("502", 0), "a clock that goes back ends no phase"
    assert at(sequence, clock, 126) == ("503", 1)
    assert at(sequence, clock, 126 + 1_000_000_000 * 15.5) == ("503", 1), "a cycle later, its counts restart"


def test_a_phase_by_requests_delays_those_by_time() -> None:
    clock = Clock()
    text = '[[phase]]\nfaults = "401"\nrequests = 1\n[[phase]]\nfaults = "502"\nseconds = 10'
    sequence = Faults.parse(text).sequence(clock)
    assert at(sequence, clock, 0) == ("401", 0)
    assert at(sequence, clock, 50) == ("502", 1)
    assert at(sequence, clock, 59) == ("502", 1)
    assert at(sequence, clock, 60) == ("", None), "nothing fails after the last phase"
    assert at(sequence, clock, 70) == ("", None)


def test_a_repeated_schedule_draws_other_requests_each_time() -> None:
    text = 'repeat = true\n[[phase]]\nfaults = "429:50%,latency:1s±1"\nrequests = 100'
    sequence, again = Faults.parse(text).sequence(), Faults.parse(text).sequence()
    first, second = ([next(sequence) for _ in range(100)] for _ in range(2))
    assert first != second
    assert [next(again) for _ in range(200)] == first + second


def test_a_schedule_is_written_and_read() -> None:
    for text in [THREE, BY_TIME, '[[phase]]\nfaults = "latency:1s±1, 429:2"']:
        faults = Faults.parse(text)
        assert faults.phases
        assert Faults.parse(str(faults)) == faults


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "schedule.toml"
    path.write_text("\ufeff" + THREE, encoding="utf-8")
    assert Faults.load(path) == Faults.parse(THREE)
    assert Emulator(faults=str(path)).faults == Faults.parse(THREE)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=re.escape(f"cannot read the schedule {tmp_path}/no.toml: No such file")):
        Emulator(faults=f"{tmp_path}/no.toml")
    path = tmp_path / "bad.toml"
    for content, message in [
        (b"[[phase]\n", f"{path}: not TOML: "),
        (b"\xff", f"{path}: not UTF-8 at byte 0: save the file as UTF-8"),
        (b"#" * 1_000_001, f"{path}: a schedule must have at most 1000000 bytes"),
        (b"", f"{path}: must have at least one [[phase]]"),
    ]:
        path.write_bytes(content)
        with pytest.raises(ValueError, match=re.escape(message)):
            Faults.load(path)


PHASE = "[[phase]]\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (PHASE, 'schedule: phase 1: faults must be a text, such as "429:10%", or "" for none'),
        (PHASE + "faults = 429", "phase 1: faults must be a text"),
        (PHASE + 'faults = "teapot"', "schedule: phase 1: fault 'teapot': unknown kind 'teapot'"),
        (PHASE + 'faults = "429:60%,502:60%"', "phase 1: the shares of the faults must add up to at most 1, got 1.2"),
        (PHASE + 'faults = "429,seed=3"', "phase 1: the seed of a schedule is written above its phases, as seed = 7"),
        (
            PHASE + 'faults = ""\nrequest = 3',
            "unknown key 'request', must be one of faults, requests, seconds; did you mean",
        ),
        ("phases = 1\n" + PHASE, "unknown key 'phases', must be one of phase, repeat, seed; did you mean 'phase'?"),
        ("phase = 1", "must have at least one [[phase]]"),
        (PHASE + 'faults = ""\nrequests = 0', "requests must be an integer >= 1, got 0"),
        (PHASE + 'faults = ""\nrequests = true', "requests must be an integer >= 1, got True"),
        (PHASE + 'faults = ""\nseconds = -1', "seconds must be a number >= 0.001, got -1"),
        (PHASE + 'faults = ""\nseconds = 1e-8', "phase 1: seconds must be a number >= 0.001, got 1e-08"),
        (PHASE + 'faults = ""\nseconds = inf', "phase 1: seconds must be a number >= 0.001, got inf"),
        (PHASE + 'faults = ""\nseconds = nan', "seconds must be a number >= 0.001, got nan"),
        (PHASE + 'faults = ""\nseconds = 1\nrequests = 1', "phase 1: must have requests or seconds, not both"),
        ((PHASE + 'faults = ""\n') * 2, "phase 1 must have requests or seconds, because phase 2 follows it"),
        (
            "repeat = true\n" + PHASE + 'faults = ""',
            "phase 1 must have requests or seconds, because phase 1 follows it",
        ),
        ("repeat = true\n" + "a." * 100_000 + "b = 1", "schedule: a line must have at most 100 dots"),
        (PHASE + "faults = " + "[" * 100_000, "schedule: its values are nested too deeply"),
        ("repeat = 1\n" + PHASE + 'faults = ""', "repeat must be true or false, got 1"),
        ("seed = 1.5\n" + PHASE + 'faults = ""', "seed must be an integer, got 1.5"),
    ],
)
def test_a_wrong_schedule_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        Faults.parse(text)


@pytest.mark.parametrize("seconds", [1e-8, -1.0, float("nan"), float("inf")])
def test_a_phase_of_almost_no_time_is_refused(seconds: float) -> None:
    with pytest.raises(ValueError, match=re.escape(f"seconds must be a number >= 0.001, got {seconds!r}")):
        Phase(seconds=seconds)


def test_the_shortest_phases_follow_each_other() -> None:
    clock = Clock()
    phases = (PHASE + 'faults = "502"\nseconds = 0.001\n') * 2
    sequence = Faults.parse("repeat = true\n" + phases).sequence(clock)
    assert [at(sequence, clock, seconds)[0] for seconds in [0, 0.0015, 1e6]] == ["502"] * 3


def test_a_text_of_many_empty_lines_is_read_once() -> None:
    # In a process of its own, since a match cannot be interrupted: half a minute for each search of this text.
    code = "from mixpress.emulator.faults.schedule import is_schedule; print(is_schedule('\\n' * 1_000_000))"
    done = subprocess.run([sys.executable, "-c", code], check=True, timeout=60, capture_output=True, text=True)
    assert done.stdout == "False\n"


def test_the_emulator_follows_a_schedule_and_its_clock(start: Start) -> None:
    clock = Clock()
    server, sender = start(faults=BY_TIME, now=clock)

    def ask() -> int:
        return sender.post(STRICT, [event()]).status

    assert [ask(), ask()] == [502, 502]
    clock.now += 10
    assert [ask(), ask()] == [503, 200]
    server.clear()
    assert ask() == 502, "clear restarts the schedule"
    clock.now += 15.5 * 3 + 10
    assert ask() == 503
