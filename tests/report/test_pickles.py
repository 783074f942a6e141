"""Reports, findings and errors can be pickled, copied and made into dicts, without credentials."""

from __future__ import annotations

import copy
import dataclasses
import pickle
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from mixpress import AuthError, Client, Encoder, MixpressError, ServiceAccount, errors
from mixpress._core import Finding, Rejection, Truncation
from mixpress.emulator import Emulator
from mixpress.errors import LookupTableError, SpoolError, StateError, TransportError
from mixpress.report.report import Failure, Progress, Report, Tally
from support.canary import AUTHS, CANARY
from support.clients import client
from support.events import bad, event, events
from support.replies import UNREACHED, answer, refusing
from support.server import FakeServer

NOW = 1_700_000_100.0


def pickled(protocol: int) -> Callable[[Any], Any]:
    return lambda value: pickle.loads(pickle.dumps(value, protocol))


WAYS: dict[str, Callable[[Any], Any]] = {
    **{f"pickle {protocol}": pickled(protocol) for protocol in range(pickle.HIGHEST_PROTOCOL + 1)},
    "copy": copy.copy,
    "deepcopy": copy.deepcopy,
}
every_way = pytest.mark.parametrize("again", WAYS.values(), ids=WAYS)

FINDING = ("index", "line", "insert_id", "field", "rule", "message")
TRUNCATION = ("index", "path", "length", "advice")


def values(value: object, names: tuple[str, ...]) -> list[object]:
    return [getattr(value, name) for name in names]


def odd_events() -> list[dict[str, Any]]:
    """One good event, a cut text and a cut URL, a NaN, and a rejected one."""
    texts = {"text": "long " * 100, "url": "https://x.test/" + "a" * 300, "json": '{"a": "' + "x" * 300 + '"}'}
    found = [event(0), event(1), event(2), bad(3)]
    found[1]["properties"].update(texts)
    found[2]["properties"]["v"] = float("nan")
    return found


@every_way
def test_findings_and_truncations(again: Callable[[Any], Any]) -> None:
    encoded = Encoder(now=lambda: NOW, explain=True).encode(odd_events())
    assert {cut.advice for cut in encoded.truncated} == {"url", "json", "text"}
    for one in encoded.warnings:
        assert type(again(one)) is Finding
        assert values(again(one), FINDING) == values(one, FINDING)
        assert repr(again(one)) == repr(one)
        assert again(one).as_dict() == one.as_dict()
    for cut in encoded.truncated:
        assert type(again(cut)) is Truncation
        assert values(again(cut), TRUNCATION) == values(cut, TRUNCATION)
    [rejection] = encoded.rejected
    restored = again(rejection)
    assert type(restored) is Rejection
    assert values(restored, FINDING) == values(rejection, FINDING)
    assert [values(one, FINDING) for one in restored.findings] == [values(one, FINDING) for one in rejection.findings]


@every_way
def test_findings_in_json_text_keep_their_line(again: Callable[[Any], Any]) -> None:
    [rejection] = Encoder(now=lambda: NOW).encode_json(b'\n\n{"event": 1}\n').rejected
    assert again(rejection).line == rejection.line == 3


@every_way
def test_the_result_of_an_encoder(again: Callable[[Any], Any]) -> None:
    encoded = Encoder(now=lambda: NOW).encode(odd_events())
    restored = again(encoded)
    assert repr(restored) == repr(encoded)
    assert [batch.body for batch in restored.batches] == [batch.body for batch in encoded.batches]


def test_a_deep_copy_shares_nothing_that_can_change() -> None:
    [rejection] = Encoder(now=lambda: NOW).encode([bad(0)]).rejected
    copy.deepcopy(rejection).findings.clear()
    assert rejection.findings


@pytest.fixture(scope="module")
def report() -> Iterator[Report]:
    with Emulator() as server, Client(ServiceAccount("user", "secret", project_id="1"), base_url=server.url) as made:
        yield made.import_events(odd_events())


@every_way
def test_a_report_with_every_kind_of_finding(report: Report, again: Callable[[Any], Any]) -> None:
    restored = again(report)
    assert report.cut_by_path
    assert report.warned_by_rule
    assert (restored.failures, restored.by_reason) == (report.failures, report.by_reason)
    assert repr(restored) == repr(report)
    for name in ("cut_by_path", "warned_by_rule"):
        assert repr(getattr(restored, name)) == repr(getattr(report, name))


def test_a_report_as_a_dict(report: Report) -> None:
    made = dataclasses.asdict(report)
    assert made["total"] == report.total
    assert made["failures"] == [dataclasses.asdict(failure) for failure in report.failures]
    assert {rule: tally["count"] for rule, tally in made["warned_by_rule"].items()} == {
        rule: tally.count for rule, tally in report.warned_by_rule.items()
    }


@every_way
@pytest.mark.parametrize(
    "value",
    [
        Failure(1, "refused", "no", field="f", insert_id="i"),
        Tally(2, Failure(1, "rejected", "no", "rule")),
        Progress(1, 1, 0, 0, 0, ""),
        Report(total=1, imported=1),
    ],
    ids=lambda value: type(value).__name__,
)
def test_the_values_of_a_report(value: object, again: Callable[[Any], Any]) -> None:
    assert again(value) == value


def failing(*answers: Any, source: Any = None) -> MixpressError:
    with client(FakeServer(*answers)) as made, pytest.raises(MixpressError) as caught:
        made.import_events(source if source is not None else odd_events())
    return caught.value


def interrupted() -> Iterator[dict[str, Any]]:
    yield from odd_events()
    raise ValueError("no more")


@every_way
def test_errors_with_a_report(again: Callable[[Any], Any]) -> None:
    for error in (failing(answer(401, {"error": "no"})), failing(UNREACHED), failing(source=interrupted())):
        assert error.report is not None
        restored = again(error)
        assert type(restored) is type(error)
        assert str(restored) == str(error)
        assert repr(restored.report) == repr(error.report)
        assert restored.report is not None
        assert repr(restored.report.cut_by_path) == repr(error.report.cut_by_path)


@every_way
@pytest.mark.parametrize("name", [name for name in dir(errors) if isinstance(getattr(errors, name), type)])
def test_every_error_keeps_its_message_report_and_attributes(name: str, again: Callable[[Any], Any]) -> None:
    kind = getattr(errors, name)
    if not issubclass(kind, MixpressError):
        pytest.skip("no error")
    at_path = ("/the/path", "full")
    arguments = {
        LookupTableError: ("rate-limited", (), 3, 60.0),
        TransportError: ("timeout",),
        SpoolError: at_path,
        StateError: at_path,
    }
    more = arguments.get(kind, ())
    error = kind("the message", *more)
    error.report = Report(total=1, imported=1)
    restored = again(error)
    assert (type(restored), str(restored), vars(restored)) == (kind, "the message", vars(error))


@pytest.mark.parametrize("auth", AUTHS, ids=lambda auth: type(auth).__name__)
@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_no_pickle_contains_a_credential(auth: Any, protocol: int) -> None:
    says = {"error": f"you sent {CANARY} and {auth.headers()['Authorization']}"}
    encoded = auth.headers()["Authorization"].removeprefix("Basic ").encode()
    with client(FakeServer(answer(400, says), refusing(0), answer(400, says)), auth=auth) as made:
        for one in (made.import_events(odd_events()), made.import_events(events(2))):
            found = pickle.dumps(one, protocol)
            assert CANARY.encode() not in found
            assert encoded not in found
    with client(FakeServer(answer(401, says)), auth=auth) as made, pytest.raises(AuthError) as caught:
        made.import_events(odd_events())
    found = pickle.dumps(caught.value, protocol)
    assert CANARY.encode() not in found
    assert encoded not in found


@pytest.mark.parametrize(
    "state", [(0, None, None, "", "no-such-rule", ""), (-1, None, None, "", "event-missing", ""), (), None]
)
def test_a_state_of_another_version_is_an_ordinary_error(state: Any) -> None:
    restore: Any = vars(Finding)["_restore"].__get__(None, Finding)
    with pytest.raises((ValueError, TypeError, OverflowError)):
        restore(state)
