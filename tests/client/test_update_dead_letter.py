"""The dead letter of an import of updates: with a state it has only what no later run sends."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import pytest

from client.test_import_update_files import failing, run, update, write
from mixpress.errors import MixpressError
from mixpress.files import json_reader
from support.profile_server import FAULTS, Fault, ProfileServer, number_of

SCHEDULES = 10


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_reader, "PIECE", 1500)


def written(letter: Path) -> list[int]:
    """Return the numbers of the updates in a dead letter."""
    return [number_of(json.loads(line)["event"]) for line in letter.read_text().splitlines()]


@pytest.mark.parametrize("state", [True, False])
def test_updates_that_the_next_run_sends_are_not_in_the_dead_letter(tmp_path: Path, state: bool) -> None:
    path, letter = write(tmp_path / "a", [update(number) for number in range(40)]), tmp_path / "failed"
    server = failing(17)
    try:
        report = run(path, server, state=state, dead_letter=letter, concurrency=1)
    except MixpressError as error:
        report = error.report or pytest.fail("the error has no report")
    assert report.undelivered >= 4
    assert written(letter) == ([] if state else [16, 17, 18, 19])
    if state:
        assert run(path, server, dead_letter=letter).failed == 0
        assert written(letter) == []


def test_an_update_that_must_not_be_sent_again_is_in_the_dead_letter(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [update(number, operation="$add") for number in range(8)])
    letter = tmp_path / "failed"
    run(path, failing(1, fault="503 after", times=1), dead_letter=letter, concurrency=1)
    assert written(letter) == [0, 1, 2, 3]


@pytest.mark.parametrize("seed", range(SCHEDULES))
def test_each_update_is_taken_or_in_the_dead_letter_once(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    operations = [random.choice(["$set", "$set", "$set", "$add"]) for _ in range(40)]
    path = write(tmp_path / "a", [update(number, operation=one) for number, one in enumerate(operations)])
    letter = tmp_path / "failed"
    choices: list[Fault] = ["", "", "", *FAULTS]
    server = ProfileServer(lambda _: random.choice(choices))
    for _ in range(100):
        try:
            run(path, server, dead_letter=letter, size=2)
            break
        except MixpressError:  # the next run goes on
            continue
    else:
        pytest.fail("the import does not end")
    found = written(letter)
    assert len(set(found)) == len(found)
    taken = {number_of(one) for updates in server.taken for one in updates}
    assert taken | set(found) == set(range(40))
    before = len(server.requests)
    assert run(path, server, dead_letter=letter, size=2).total == 0
    assert (len(server.requests), written(letter)) == (before, found)
