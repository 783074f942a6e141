"""Imports of updates of profiles from files: their order, and what is sent again."""

from __future__ import annotations

import json
import os
from pathlib import Path
from random import Random
from typing import Any

import pytest

from mixpress import Encoder, ImportInterrupted, Limits, Mapping, StateError, TransportError
from mixpress.client.file_import import update_encoder
from mixpress.client.update_run import profiles_of_body
from mixpress.files import json_reader
from mixpress.files.files import Files
from mixpress.report.report import Report
from mixpress.retry import RetryPolicy
from support.clients import client
from support.clocks import FakeClock, StillClock
from support.profile_server import FAULTS, Fault, ProfileServer

pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")  # by fork, from Python 3.12 on

PROFILES = Mapping(profiles=True)


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_reader, "PIECE", 1500)


def update(number: int, *, profiles: int = 5, operation: str = "$set") -> dict[str, Any]:
    return {"$distinct_id": f"u{number % profiles}", operation: {"n": number}}


def write(path: Path, updates: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(one) + "\n" for one in updates))
    return path


def run(path: Path, server: ProfileServer, *, size: int = 4, state: bool = True, **settings: Any) -> Report:
    """Import a file with the state beside it, in batches of `size` updates."""
    options = {name: settings.pop(name) for name in ("dead_letter", "limit", "dry_run") if name in settings}
    made = client(
        server,  # type: ignore[arg-type]
        FakeClock(),
        encoder=Encoder(limits=Limits(max_batch_events=size)),
        **{"token": "a-token", "retry": RetryPolicy(attempts=2), "concurrency": 4} | settings,
    )
    where = path.with_suffix(".state") if state else None
    return made.import_files(path, mapping=PROFILES, state=where, **options)


def failing(*numbers: int, fault: Fault = "503", times: int = 2) -> ProfileServer:
    """Return a server that fails requests with one of these updates, so many times."""
    left = dict.fromkeys(numbers, times)

    def fault_of(updates: list[dict[str, Any]]) -> Fault:
        found = [n for n in (next(iter(one.values()))["n"] for one in map(operands, updates)) if left.get(n)]
        for number in found:
            left[number] -= 1
        return fault if found else ""

    return ProfileServer(fault_of)


def operands(update: dict[str, Any]) -> dict[str, Any]:
    return {name: update[name] for name in ("$set", "$add") if name in update}


def in_order(server: ProfileServer, profile: str) -> bool:
    return server.numbers(profile) == sorted(server.numbers(profile))


def test_updates_of_one_profile_arrive_in_the_order_of_the_file(tmp_path: Path) -> None:
    path, server = write(tmp_path / "a", [update(number) for number in range(300)]), ProfileServer()
    report = run(path, server, state=False)
    assert (report.total, report.imported) == (300, 300)
    assert all(server.numbers(f"u{each}") == list(range(each, 300, 5)) for each in range(5))
    assert server.met == []


def test_batches_of_different_profiles_are_sent_at_once(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [update(number, profiles=1000) for number in range(300)])
    together = []
    for _ in range(5):
        server = ProfileServer()
        run(path, server, state=False)
        together.append(server.together)
    assert max(together) > 1


def test_updates_that_were_queued_are_sent_before_a_file(tmp_path: Path) -> None:
    path, server = write(tmp_path / "a", [update(1, profiles=1)]), ProfileServer()
    made = client(server, StillClock(), token="a-token", linger=1e9)  # type: ignore[arg-type]
    made.profiles.set("u0", {"n": 0})
    made.import_files(path, mapping=PROFILES)
    assert server.numbers("u0") == [0, 1]
    made.close()


def test_a_client_without_a_token_can_t_import_updates(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="need the project token"):
        run(write(tmp_path / "a", [update(1)]), ProfileServer(), token=None)


def test_a_batch_without_an_answer_ends_an_import_with_a_state_and_the_order_is_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [update(number) for number in range(200)])
    first, second = failing(57), ProfileServer()
    with pytest.raises(ImportInterrupted, match=r"so that no later one overtakes them.*goes on from there") as caught:
        run(path, first)
    ended = caught.value.report
    assert ended is not None
    assert ended.imported == sum(map(len, first.taken)) < 100
    report = run(path, second)
    assert report.earlier == ended.imported
    assert report.imported + report.earlier == 200
    first.taken += second.taken
    assert all(first.numbers(f"u{each}") == list(range(each, 200, 5)) for each in range(5))
    assert run(path, ProfileServer()).total == 0


def test_an_import_that_was_stopped_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a", [update(number, operation="$add") for number in range(200)])
    server, read = ProfileServer(), Files.__iter__

    def stopping(files: Files) -> Any:
        for number, piece in enumerate(read(files)):
            yield piece
            if number == 2:
                files.stop("stopped by Ctrl-C")

    with monkeypatch.context() as patch:
        patch.setattr(Files, "__iter__", stopping)
        with pytest.raises(ImportInterrupted, match=r"stopped by Ctrl-C") as caught:
            run(path, server)
    ended = caught.value.report
    assert ended is not None
    assert (ended.failed, 0 < ended.total < 200) == (0, True)
    report = run(path, server)
    assert (report.earlier, report.failed) == (ended.total, 0)
    assert all(server.numbers(f"u{each}") == list(range(each, 200, 5)) for each in range(5))


def test_without_a_state_the_updates_after_it_are_sent(tmp_path: Path) -> None:
    path, server = write(tmp_path / "a", [update(number) for number in range(100)]), failing(57)
    report = run(path, server, state=False)
    assert (report.imported, report.undelivered) == (96, 4)


def run_or_end(path: Path, server: ProfileServer) -> tuple[Report, bool]:
    """Return the report of an import, and whether it came to its end."""
    try:
        return run(path, server), True
    except (ImportInterrupted, TransportError) as error:
        if error.report is None:
            raise
        return error.report, False


@pytest.mark.parametrize("seed", range(12))
def test_runs_through_random_faults_keep_the_order_and_count_nothing_twice(seed: int, tmp_path: Path) -> None:
    chance, operation = Random(seed), ("$set", "$add")[seed % 2]
    path = write(tmp_path / "a", [update(n, profiles=9, operation=operation) for n in range(200)])
    server = ProfileServer(lambda _: chance.choice(FAULTS) if chance.random() < 0.3 else "")
    undelivered: set[int] = set()
    is_done = False
    while not is_done:
        report, is_done = run_or_end(path, server)
        undelivered |= {one.index for one in report.failures if "count twice" in one.message}
    assert run(path, ProfileServer()).total == 0
    taken = [number for each in range(9) for number in server.numbers(f"u{each}")]
    assert all(in_order(server, f"u{each}") for each in range(9))
    assert set(taken) | undelivered == set(range(200))
    assert operation == "$set" or len(taken) == len(set(taken))


@pytest.mark.parametrize("fault", ["503 after", "reset after"])
def test_an_add_without_an_answer_is_undelivered_and_no_later_run_sends_it(fault: Fault, tmp_path: Path) -> None:
    path = write(tmp_path / "a", [update(number, operation="$add") for number in range(40)])
    first, second = failing(17, fault=fault), ProfileServer()
    report = run(path, first)
    assert (report.imported, report.undelivered) == (36, 4)
    assert "$add and $append would count twice" in report.failures[0].message
    again = run(path, second)
    assert (again.total, again.earlier) == (0, 40)
    assert second.requests == []


def test_an_add_that_was_surely_not_taken_is_sent_by_the_next_run(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [update(number, operation="$add") for number in range(40)])
    first, second = failing(17, fault="429"), ProfileServer()
    with pytest.raises(ImportInterrupted):
        run(path, first)
    run(path, second)
    first.taken += second.taken
    assert sorted(n for each in range(5) for n in first.numbers(f"u{each}")) == list(range(40))
    assert all(in_order(first, f"u{each}") for each in range(5))


def die(path: Path, monkeypatch: pytest.MonkeyPatch, number: int, server: ProfileServer, **settings: Any) -> None:
    """Import a file in a forked process, which ends when the server has taken the update with this number."""

    def fault_of(updates: list[dict[str, Any]]) -> Fault:
        if number in [one[name]["n"] for one in updates for name in ("$set", "$add") if name in one]:
            (path.parent / "taken").write_text(json.dumps([*server.taken, updates]))
            os._exit(7)
        return ""

    monkeypatch.setattr(server, "_fault", fault_of)
    child = os.fork()
    if child == 0:
        try:
            run(path, server, **settings)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    server.taken = json.loads((path.parent / "taken").read_text())


@pytest.mark.parametrize("operation", ["$set", "$add"])
def test_the_batch_under_way_when_a_process_died(
    operation: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One of `$set` is sent again, at its place; one of `$add` is undelivered, once."""
    path = write(tmp_path / "a", [update(number, operation=operation) for number in range(40)])
    first, second = ProfileServer(), ProfileServer()
    die(path, monkeypatch, 17, first, concurrency=1)
    report = run(path, second, dead_letter=tmp_path / "failed")
    before = sum(map(len, first.taken))
    if operation == "$set":
        assert (report.earlier, report.imported) == (before - 4, 40 - before + 4)
        assert second.numbers("u1")[0] == 16
        return
    assert (report.earlier, report.undelivered) == (before - 4, 4)
    assert report.failures[0].message.startswith("an earlier import ended before a reply came; it was not sent again")
    assert sorted(n for each in range(5) for n in second.numbers(f"u{each}")) == list(range(20, 40))
    lines = [json.loads(line) for line in (tmp_path / "failed").read_text().splitlines()]
    assert [line["event"]["$add"]["n"] for line in lines] == [16, 17, 18, 19]
    assert run(path, ProfileServer()).total == 0


def test_retry_unsafe_sends_the_batch_under_way_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "a", [update(number, operation="$add") for number in range(40)])
    die(path, monkeypatch, 17, ProfileServer(), concurrency=1)
    server = ProfileServer()
    report = run(path, server, retry_unsafe=True)
    assert (report.undelivered, server.numbers("u1")[0]) == (0, 16)


def test_of_a_batch_that_was_split_only_the_part_under_way_is_undelivered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write(tmp_path / "a", [update(number, operation="$add") for number in range(16)])
    first, second = ProfileServer(), ProfileServer()

    def fault_of(updates: list[dict[str, Any]]) -> Fault:
        if len(updates) > 4:
            return "413"
        if updates[-1]["$add"]["n"] == 7:
            os._exit(7)
        return ""

    monkeypatch.setattr(first, "_fault", fault_of)
    child = os.fork()
    if child == 0:
        run(path, first, size=16, concurrency=1)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    report = run(path, second, size=16)
    assert (report.earlier, report.undelivered, report.imported) == (4, 4, 8)
    assert [failure.index for failure in report.failures] == [4, 5, 6, 7]
    assert sorted(n for each in range(5) for n in second.numbers(f"u{each}")) == list(range(8, 16))


def test_the_last_add_of_a_file_that_grew_is_undelivered(tmp_path: Path) -> None:
    """The last record may have been incomplete, and was sent as it was then."""
    given = [update(number, operation="$add") for number in range(10)]
    path = write(tmp_path / "a", given)
    assert run(path, ProfileServer()).imported == 10
    write(path, [*given, update(10, operation="$add")])
    server = ProfileServer()
    report = run(path, server)
    assert (report.earlier, report.undelivered, report.imported) == (9, 1, 1)
    assert [failure.index for failure in report.failures] == [9]


def test_a_state_of_another_token_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [update(1)])
    run(path, ProfileServer())
    with pytest.raises(StateError, match="its destination") as caught:
        run(path, ProfileServer(), token="another-token")
    assert caught.value.kind == "other-import"
    assert "another-token" not in str(caught.value)
    assert b"a-token" not in path.with_suffix(".state").read_bytes()


def test_a_state_of_another_file_says_that_updates_may_count_twice(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [update(number) for number in range(40)])
    run(path, ProfileServer())
    write(path, [update(number + 100) for number in range(40)])
    with pytest.raises(StateError, match=r"sends all updates again, and \$add and \$append count twice"):
        run(path, ProfileServer())


def test_a_dry_run_marks_nothing(tmp_path: Path) -> None:
    path = write(tmp_path / "a", [update(number, operation="$add") for number in range(40)])
    with pytest.raises(ImportInterrupted):
        run(path, failing(0, fault="429"))
    server = ProfileServer()
    assert run(path, server, dry_run=True).imported == 40
    assert server.requests == []
    assert run(path, server).imported == 40


def test_an_encoder_with_more_arguments_is_otherwise_that_of_the_client() -> None:
    limits = Limits(max_batch_events=3)
    made = client(ProfileServer(), token="a-token", ip=True, encoder=Encoder(limits=limits))  # type: ignore[arg-type]
    encoder = update_encoder(made.engine_of(PROFILES), {"on_long_text": "drop"})
    assert (encoder.endpoint, encoder.ip, encoder.limits) == ("engage", True, limits)
    [batch] = encoder.encode([{"$distinct_id": "u", "$set": {"a": "x" * 300}}]).batches
    assert json.loads(batch.body) == [{"$distinct_id": "u", "$set": {}, "$token": "a-token", "$ignore_time": True}]


def test_a_table_is_imported_as_updates() -> None:
    pyarrow = pytest.importorskip("pyarrow")
    server = ProfileServer()
    table = pyarrow.table({"id": [1, 2, 1], "n": [1, 2, 3]})
    with client(server, FakeClock(), token="a-token") as made:  # type: ignore[arg-type]
        report = made.import_table(table, mapping=Mapping(profiles=True, distinct_id_column="id"))
    assert report.imported == 3
    assert server.numbers("1") == [1, 3]


@pytest.mark.parametrize(
    ("ids", "known"),
    [
        (["u", "v", "u"], 2),
        (["ü", "\\u00fc"], 1),
        (['"', "\\\\"], 2),
        (["x" * 200 + "a", "x" * 200 + "b"], 1),
        (["\\u0024distinct_id"], None),
    ],
)
def test_the_profiles_of_a_body_are_those_of_its_updates(ids: list[str], known: int | None) -> None:
    texts = [
        f'{{ "$distinct_id" : "{id}", "$set": {{}} }}' if id != '"' else '{"$distinct_id":"\\"","$set":{}}'
        for id in ids
    ]
    [batch] = Encoder("engage", token="t").encode_json(f"[{','.join(texts)}]").batches
    found = profiles_of_body(batch)
    assert (found if found is None else len(found)) == known


def test_an_id_that_is_no_text_makes_the_profiles_of_a_body_unknown() -> None:
    limits = Limits(rules={"distinct-id-type": "off"})
    [batch] = Encoder("engage", token="t", limits=limits).encode([{"$distinct_id": {}, "$set": {}}]).batches
    assert profiles_of_body(batch) is None
