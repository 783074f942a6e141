"""Profiles of users and groups: each operation, its request and its effect; the reports and callbacks for updates."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from mixpress import Client, Encoder, Limits, ProjectSecret, ProjectToken, Report
from mixpress.client.groups import Groups
from mixpress.client.profiles import Profiles
from mixpress.emulator import Emulator
from mixpress.report.report import Failure
from support.canary import CANARY, assert_silent
from support.clients import ACCOUNT, client
from support.clocks import StillClock
from support.profile_server import ProfileServer, path_of, updates_of
from support.replies import answer
from support.server import FakeServer

TOKEN = "the-project-token"
ADDED = {"$token": TOKEN, "$ip": "0", "$ignore_time": True}

LENIENT = Limits(rules={"operation-unknown": "off"})

Call = Callable[[Profiles[Any]], object]
GroupCall = Callable[[Groups[Any]], object]

OPERATIONS: dict[str, tuple[Call, dict[str, Any], dict[str, Any] | None]] = {
    "set": (lambda on: on.set("u", {"plan": "pro"}), {"$set": {"plan": "pro"}}, {"plan": "pro", "tags": ["a"]}),
    "set_once": (lambda on: on.set_once("u", {"plan": 1, "n": 2}), {"$set_once": {"plan": 1, "n": 2}}, {"n": 2}),
    "add": (lambda on: on.add("u", {"n": 2}), {"$add": {"n": 2}}, {"n": 2}),
    "union": (lambda on: on.union("u", {"tags": ["a", "b"]}), {"$union": {"tags": ["a", "b"]}}, {"tags": ["a", "b"]}),
    "append": (lambda on: on.append("u", {"tags": "a"}), {"$append": {"tags": "a"}}, {"tags": ["a", "a"]}),
    "remove": (lambda on: on.remove("u", {"tags": "a"}), {"$remove": {"tags": "a"}}, {"tags": []}),
    "unset": (lambda on: on.unset("u", {"plan": 0, "x": 0}.keys()), {"$unset": ["plan", "x"]}, {"plan": None}),
    "delete": (lambda on: on.delete("u"), {"$delete": ""}, None),
    "delete ignoring the alias": (
        lambda on: on.delete("u", ignore_alias=True),
        {"$delete": "", "$ignore_alias": True},
        None,
    ),
}
"""A call, what it adds to the update, and what of the profile it changes; a property that is gone is None."""

OF_GROUPS: dict[str, tuple[GroupCall, dict[str, Any]]] = {
    "set": (lambda on: on.set("g", {"seats": 20}), {"$set": {"seats": 20}}),
    "set_once": (lambda on: on.set_once("g", {"seats": 20}), {"$set_once": {"seats": 20}}),
    "union": (lambda on: on.union("g", {"tags": ["a"]}), {"$union": {"tags": ["a"]}}),
    "remove": (lambda on: on.remove("g", {"tags": "a"}), {"$remove": {"tags": "a"}}),
    "unset": (lambda on: on.unset("g", ("plan",)), {"$unset": ["plan"]}),
    "delete": (lambda on: on.delete("g"), {"$delete": ""}),
}


def updating(server: Any, **settings: Any) -> Client:
    """Return a client that sends updates when they are flushed."""
    return client(server, StillClock(), **{"linger": 1e9, "token": TOKEN} | settings)


@pytest.mark.parametrize(("call", "member"), [case[:2] for case in OPERATIONS.values()], ids=OPERATIONS)
def test_an_operation_on_a_user_is_one_update(call: Call, member: dict[str, Any]) -> None:
    server = ProfileServer()
    with updating(server) as made:
        assert call(made.profiles) is None
        assert server.requests == []
        report = made.flush()
    assert (report.total, report.imported, report.confirms) == (1, 1, "events")
    [request] = server.requests
    assert updates_of(request) == [{"$distinct_id": "u", **member, **ADDED}]
    assert path_of(request) == "/engage"
    assert parse_qs(urlsplit(request.url).query) == {"verbose": ["1"], "strict": ["1"], "ip": ["0"]}
    assert "Authorization" not in request.headers


@pytest.mark.parametrize(("call", "member"), OF_GROUPS.values(), ids=OF_GROUPS)
def test_an_operation_on_a_group_is_one_update(call: GroupCall, member: dict[str, Any]) -> None:
    server = FakeServer(answer(200, {"error": None, "status": 1}))
    with updating(server) as made:
        assert call(made.groups("company")) is None
        assert made.flush().imported == 1
    [request] = server.requests
    assert updates_of(request) == [{"$group_key": "company", "$group_id": "g", **member, "$token": TOKEN}]
    assert path_of(request) == "/groups"


@pytest.mark.parametrize(("call", "_", "changed"), OPERATIONS.values(), ids=OPERATIONS)
def test_the_emulator_applies_each_operation(call: Call, _: object, changed: dict[str, Any] | None) -> None:
    before = {"plan": "free", "tags": ["a"]}
    with Emulator() as server, Client(ProjectToken(TOKEN), base_url=server.url) as made:
        made.profiles.set("u", before)
        call(made.profiles)
        assert made.flush().imported == 2
        after = None if changed is None else {k: v for k, v in {**before, **changed}.items() if v is not None}
        assert server.profile("u") == after


def test_the_emulator_applies_updates_of_groups() -> None:
    with Emulator() as server, Client(ACCOUNT, token=TOKEN, base_url=server.url) as made:
        groups = made.groups("company")
        groups.set("g", {"plan": "free", "seats": 20})
        groups.set_once("g", {"plan": "pro", "tags": ["a"]})
        groups.union("g", {"tags": ["a", "b"]})
        groups.remove("g", {"tags": "a"})
        groups.unset("g", ["seats"])
        made.groups("team").set("g", {"size": 1})
        assert made.flush().imported == 6
        assert server.group("company", "g") == {"plan": "free", "tags": ["b"]}
        assert server.group("team", "g") == {"size": 1}
        groups.delete("g")
        assert made.flush().imported == 1
        assert server.group("company", "g") is None


def test_an_update_moves_neither_last_seen_nor_the_location_unless_it_says_so() -> None:
    with Emulator() as server, Client(ProjectToken(TOKEN), base_url=server.url) as made:
        made.profiles.set("silent", {"a": 1})
        made.profiles.set("seen", {"a": 1}, ignore_time=False)
        made.profiles.set("placed", {"a": 1}, ip="203.0.113.9")
        made.flush()
        stored = {each["distinct_id"]: (each["last_seen"] is not None, each["ip"]) for each in server.profiles()}
        assert stored == {"silent": (False, None), "seen": (True, None), "placed": (False, "203.0.113.9")}


def test_a_client_with_ip_lets_the_server_use_the_address_of_the_request() -> None:
    server = ProfileServer()
    with updating(server, ip=True) as made:
        made.profiles.set("u", {"a": 1})
        made.flush()
    [request] = server.requests
    assert parse_qs(urlsplit(request.url).query)["ip"] == ["1"]
    assert "$ip" not in updates_of(request)[0]


def test_the_update_is_written_at_the_call() -> None:
    server = ProfileServer()
    properties = {"plan": "pro"}
    with updating(server) as made:
        made.profiles.set("u", properties)
        properties["plan"] = "changed"
        made.flush()
    assert updates_of(server.requests[0])[0]["$set"] == {"plan": "pro"}


@pytest.mark.parametrize(
    "call",
    [
        lambda made: made.profiles.add("u", {"n": "x"}),
        lambda made: made.profiles.unset("u", "plan"),
        lambda made: made.profiles.unset("u", None),
        lambda made: made.groups("company").unset("g", 5),
        lambda made: made.profiles.union("u", {"tags": {"a": 1}}),
        lambda made: made.profiles.union("u", {"tags": None}),
        lambda made: made.profiles.union("u", None),
        lambda made: made.profiles.set("null", {"a": 1}),
        lambda made: made.groups("company").union("g", {"tags": "a"}),
    ],
)
def test_an_update_that_breaks_a_rule_is_returned_counted_and_not_sent(call: Callable[[Client], Any]) -> None:
    server, failures = FakeServer(answer(200, "1")), list[Failure]()
    with updating(server, on_failure=failures.append) as made:
        rejection = call(made)
        report = made.flush()
    assert rejection.rule
    assert (report.total, report.rejected) == (1, 1)
    assert [failure.rule for failure in report.failures] == [rejection.rule]
    assert failures == report.failures
    assert {failure.endpoint for failure in failures} <= {"engage", "groups"}
    assert server.requests == []


def test_names_and_values_are_any_iterable() -> None:
    server = ProfileServer()
    with updating(server) as made:
        made.profiles.union("u", {"tags": (tag for tag in "ab")})
        made.profiles.union("u", {"tags": {"c": 1}.keys()})
        made.profiles.unset("u", iter(["plan"]))
        made.flush()
    updates = [update for request in server.requests for update in updates_of(request)]
    assert [update.get("$union", update.get("$unset")) for update in updates] == [
        {"tags": ["a", "b"]}, {"tags": ["c"]}, ["plan"],
    ]  # fmt: skip
    with updating(FakeServer(answer(200, "1"))) as made:
        assert made.groups("company").union("g", {"tags": {"d"}}) is None


@pytest.mark.parametrize("auth", [ACCOUNT, ProjectSecret("a-secret-of-the-project")])
@pytest.mark.parametrize(
    "call",
    [
        lambda made: made.profiles,
        lambda made: made.groups("company"),
        lambda made: made.import_profiles([]),
        lambda made: made.import_groups([]),
    ],
)
def test_without_a_token_the_error_says_where_to_give_it(auth: Any, call: Callable[[Client], object]) -> None:
    made = client(FakeServer(), auth=auth)
    with pytest.raises(ValueError, match=r"need the project token.* Client\(\.\.\., token=\.\.\.\)"):
        call(made)


def test_a_token_beside_a_project_token_must_be_the_same() -> None:
    with pytest.raises(ValueError, match="token must be that of auth"):
        client(FakeServer(), auth=ProjectToken("one-token"), token="another-token")
    assert client(FakeServer(), auth=ProjectToken("one-token"), token=" one-token\n").profiles


def test_the_profiles_of_a_client_are_one_object() -> None:
    with updating(FakeServer()) as made:
        assert made.profiles is made.profiles


def test_the_token_shows_nowhere() -> None:
    server = FakeServer(answer(400, f"you sent {CANARY}"))
    made = updating(server, token=CANARY, dead_letter=None)
    made.profiles.set("u", {"a": 1})
    report = made.flush()
    assert report.refused == 1
    assert_silent(repr(report.failures), repr(made.engine.options), repr(server.requests[0]), server.requests[0].url)
    assert_silent(repr(made._engines.updates("engage").options))
    made.close()


def test_events_and_updates_share_one_flush_one_close_and_their_stats() -> None:
    reports: list[Report] = []
    with Emulator() as server:
        made = Client(ACCOUNT, token=TOKEN, base_url=server.url, on_report=reports.append)
        made.track("Signed Up", "u", {})
        made.profiles.set("u", {"a": 1})
        made.groups("company").set("g", {"a": 1})
        report = made.flush()
        assert (report.total, report.imported, report.requests) == (3, 3, 3)
        made.track("Left", "u", {})
        made.profiles.set("u", {"a": 2})
        assert made.stats().pending == 2
        report = made.close()
        assert (report.total, report.imported) == (2, 2)
        assert (made.stats().accepted, made.stats().imported) == (5, 5)
        assert sum(each.imported for each in reports) == 5
        assert server.count() == 2


@pytest.mark.parametrize(
    ("reply", "imported"),
    [
        (answer(200, "1"), 2),
        (answer(200, "0"), 0),
        (answer(200, {"error": None, "status": 1}), 2),
        (answer(200, {"error": "no $token", "status": 0}), 0),
        (answer(200, {"code": 200, "num_good_events": 2, "status": "OK"}), 2),
        (answer(200, {"error": "bad", "num_good_events": 0, "status": 0}), 0),
    ],
)
def test_each_reply_to_updates_has_its_verdict(reply: Any, imported: int) -> None:
    report = updating(FakeServer(reply)).import_profiles(sets(2))
    assert (report.imported, report.refused) == (imported, 2 - imported)


def sets(count: int) -> list[dict[str, Any]]:
    return [{"$distinct_id": f"u{number}", "$set": {"n": number}} for number in range(count)]


def test_an_import_of_profiles_has_a_verdict_for_each_index() -> None:
    updates: list[Any] = [*sets(3), {"$distinct_id": "u", "$add": {"n": "x"}}, {"$distinct_id": "u"}, "no update"]
    with Emulator() as server, Client(ACCOUNT, token=TOKEN, base_url=server.url) as made:
        report = made.import_profiles(iter(updates))
        assert (report.total, report.imported, report.rejected) == (6, 3, 3)
        assert [failure.index for failure in report.failures] == [3, 4, 5]
        assert [server.profile(f"u{number}") for number in range(3)] == [{"n": 0}, {"n": 1}, {"n": 2}]
        assert made.stats().accepted == 6


def test_an_import_of_groups_takes_several_group_keys() -> None:
    updates = [{"$group_key": key, "$group_id": "g", "$set": {"key": key}} for key in ("company", "team")]
    with Emulator() as server, Client(ACCOUNT, token=TOKEN, base_url=server.url) as made:
        assert made.import_groups(updates).imported == 2
        assert server.group("company", "g") == {"key": "company"}
        assert server.group("team", "g") == {"key": "team"}


def test_a_time_beside_the_operation_is_rejected_unless_the_limits_let_it_pass() -> None:
    given = [{"$distinct_id": "u", "$set": {"plan": "pro"}, "$time": 1_700_000_000}]
    for settings, rules in (({}, ["operation-unknown"]), ({"encoder": Encoder(limits=LENIENT)}, [])):
        with updating(server := ProfileServer(), **settings) as made:
            assert [failure.rule for failure in made.import_profiles(given).failures] == rules
        assert len(server.requests) == 1 - len(rules)


def test_one_update_in_place_of_an_iterable_is_an_error() -> None:
    with pytest.raises(TypeError, match="updates must be an iterable of updates, got one dict"):
        updating(FakeServer()).import_profiles({"$distinct_id": "u", "$set": {}})


def test_what_was_queued_is_sent_before_an_import() -> None:
    server = ProfileServer()
    with updating(server) as made:
        made.profiles.set("u", {"n": 0})
        made.import_profiles([{"$distinct_id": "u", "$set": {"n": 1}}])
    assert server.numbers("u") == [0, 1]


def test_failed_updates_are_in_the_dead_letter_without_the_token(tmp_path: Path) -> None:
    path = tmp_path / "failed.ndjson"
    with updating(FakeServer(answer(200, "0")), dead_letter=path) as made:
        made.profiles.set("u", {"a": 1})
        made.profiles.add("u", {"a": math.inf})
        made.flush()
        made.import_profiles([{"$distinct_id": "v", "$set": {"b": 1}}])
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["kind"] for line in lines] == ["rejected", "refused", "refused"]
    assert [line["event"]["$distinct_id"] for line in lines] == ["u", "u", "v"]
    assert TOKEN not in path.read_text()


def test_a_report_that_an_interrupt_kept_from_the_caller_is_part_of_the_next_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with updating(ProfileServer()) as made:
        made.profiles.set("u", {"a": 1})
        with monkeypatch.context() as interrupted:
            interrupted.setattr(made._engines, "_sum", lambda _: (_ for _ in ()).throw(KeyboardInterrupt()))
            with pytest.raises(KeyboardInterrupt):
                made.flush()
        made.profiles.set("u", {"a": 2})
        report = made.flush()
        assert (report.total, report.imported, report.pending) == (2, 2, 0)
        assert made.flush().total == 0


@pytest.mark.parametrize("fails", [0, 1])
def test_each_engine_is_closed_whatever_another_raises(monkeypatch: pytest.MonkeyPatch, fails: int) -> None:
    made = updating(ProfileServer())
    made.profiles.set("u", {"n": 1})
    engines, closed = made._engines.all(), list[int]()

    def close(number: int, *given: Any) -> Report:
        closed.append(number)
        if number == fails:
            raise OSError("no")
        return type(engines[number]).close(engines[number], *given)

    with monkeypatch.context() as broken:
        for number, engine in enumerate(engines):
            broken.setattr(engine, "close", partial(close, number))
        with pytest.raises(OSError, match="no"):
            made.close()
    assert closed == [0, 1]
    assert made.close().total == 1


def test_the_client_pauses_after_an_answer_that_must_not_be_followed_by_a_retry() -> None:
    server = ProfileServer(lambda _: "503")
    with updating(server) as made:
        made.profiles.add("u", {"n": 1})
        assert made.flush().undelivered == 1
        assert made._engines.updates("engage").sender.backoff.seconds_left() == 2.0
    assert len(server.requests) == 1
