"""Updates of a request are applied as to a plain dict, with work in proportion to the request and what it changes."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any
from unittest.mock import patch

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mixpress.emulator.checks import Problem
from mixpress.emulator.updates import checks, operations, profile
from mixpress.emulator.updates.state import Change, State
from support.work import lines_run

MAX_BYTES = 24
MAX_PROPERTIES = 2
"""Small limits, so that generated updates reach them."""


def change(profile_id: str, operation: str, content: Any) -> Change:
    return Change(("", profile_id), operation, content, None, True, False)


values = st.sampled_from([1, 2, -1, 0.5, "a", "b", ["a"], ["a", "b", "a"], {"x": 1}, None, True])
names = st.sampled_from(["p", "q", "r"])
updates = st.one_of(
    st.tuples(st.sampled_from(["$set", "$set_once", "$append", "$remove"]), st.dictionaries(names, values)),
    st.tuples(st.just("$add"), st.dictionaries(names, st.sampled_from([1, -2, 0.5]))),
    st.tuples(st.just("$union"), st.dictionaries(names, st.lists(values, max_size=3))),
    st.tuples(st.just("$unset"), st.lists(names)),
    st.tuples(st.just("$delete"), st.just("")),
)


def expected(properties: dict[str, Any] | None, operation: str, content: Any) -> dict[str, Any] | None:
    """Return the properties after an operation, one property after the other; ValueError if one does not fit."""
    if operation == "$delete" or (properties is None and operation in {"$remove", "$unset"}):
        return None
    if operation == "$unset":
        return {name: value for name, value in (properties or {}).items() if name not in content}
    after = dict(properties or {})
    for name, value in content.items():
        if operation == "$set" or (operation == "$set_once" and name not in after):
            after[name] = value
        elif operation == "$add":
            after[name] = fitting(after.get(name, 0), int, float) + value
        elif operation == "$append":
            after[name] = bounded([*fitting(after.get(name, []), list), value])
        elif operation == "$union":
            after[name] = bounded(united(fitting(after.get(name, []), list), value))
        elif operation == "$remove" and isinstance(after.get(name), list):
            after[name] = [each for each in after[name] if not same(each, value)]
    if operation != "$remove" and len(after) > MAX_PROPERTIES:
        raise ValueError
    return after


def united(before: list[Any], given: list[Any]) -> list[Any]:
    after = list(before)
    for value in given:
        if not any(same(value, each) for each in after):
            after.append(value)
    return after


def fitting(value: Any, *kinds: type) -> Any:
    if type(value) not in kinds:
        raise ValueError
    return value


def bounded(values: list[Any]) -> list[Any]:
    if len(json.dumps(values, separators=(",", ":"))) > MAX_BYTES:
        raise ValueError
    return values


def same(one: Any, other: Any) -> bool:
    return type(one) is type(other) and bool(one == other)


@settings(deadline=None)
@given(requests=st.lists(st.lists(st.tuples(st.sampled_from(["u", "v"]), updates), max_size=12), max_size=5))
@patch("mixpress.emulator.updates.operations.MAX_PROPERTIES", MAX_PROPERTIES)
@patch("mixpress.emulator.updates.checks.MAX_VALUE_BYTES", MAX_BYTES)
def test_profiles_are_those_of_a_plain_dict(requests: list[list[tuple[str, tuple[str, Any]]]]) -> None:
    """Also in the order of their properties."""
    state = State()
    model: dict[str, dict[str, Any] | None] = {"u": None, "v": None}
    for request in requests:
        refused = []
        for profile_id, (operation, content) in request:
            try:
                model[profile_id] = expected(model[profile_id], operation, content)
            except ValueError:
                refused.append(True)
            else:
                refused.append(False)
        problems = state.apply([change(profile_id, *each) for profile_id, each in request], 1)
        assert [isinstance(problem, Problem) for problem in problems] == refused
        for profile_id, properties in model.items():
            found = state.profile(profile_id)
            assert json.dumps(None if found is None else found.properties) == json.dumps(properties)
    with state.reading() as connection:
        [(count,)] = connection.execute("SELECT count(*) FROM profiles")
    assert state._stored == count
    state.close()


# -- work


class CountedJSON:
    """orjson, and how many bytes it read and wrote."""

    OPT_SORT_KEYS = orjson.OPT_SORT_KEYS

    def __init__(self) -> None:
        self.bytes = 0

    def dumps(self, value: Any, **options: Any) -> bytes:
        text = orjson.dumps(value, **options)
        self.bytes += len(text)
        return text

    def loads(self, text: str) -> Any:
        self.bytes += len(text)
        return orjson.loads(text)


def work_of(call: Callable[[], object]) -> int:
    """Return the lines that a call runs, and the bytes of JSON that it reads and writes."""
    counted = CountedJSON()
    with ExitStack() as stack:
        for module in (operations, checks, profile):
            stack.enter_context(patch.object(module, "orjson", counted))
        return lines_run(call) + counted.bytes


HOSTILE: dict[str, Callable[[int], list[tuple[str, Any]]]] = {
    "append": lambda n: [("$append", {"a": 1})] * n,
    "append and remove": lambda n: [("$append", {"a": -1}), ("$remove", {"a": -1})] * n,
    "append and remove all that are equal": lambda n: [("$append", {"a": 7}), ("$remove", {"a": 7})] * n,
    "remove each": lambda n: [("$remove", {"a": number}) for number in range(n)],
    "remove what is missing": lambda n: [("$remove", {"a": -1})] * n,
    "union": lambda n: [("$union", {"a": [-number]}) for number in range(n)],
    "union with what is there": lambda n: [("$union", {"a": [1]})] * n,
    "append until the list is too long": lambda n: [("$append", {"a": "x" * 9})] * n,
    "refused for another list": lambda n: [("$union", {"a": [-1], "text": [1]})] * n,
    "a list and a text in turn": lambda n: [("$append", {"a": 1}), ("$unset", ["a"]), ("$set", {"a": "x"})] * n,
    "set once": lambda n: [("$set_once", {"a": []}), ("$append", {"a": 1})] * n,
}


@pytest.mark.parametrize("requests", HOSTILE.values(), ids=HOSTILE)
def test_twice_the_updates_of_a_list_twice_as_long_are_twice_the_work(
    requests: Callable[[int], list[tuple[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def work(n: int) -> int:
        state = State()
        state.apply([change("u", "$set", {"a": list(range(n)), "text": "x"})], 1)
        monkeypatch.setattr(checks, "MAX_VALUE_BYTES", 8 * n)  # twice the list: long elements are refused in the end
        found = work_of(lambda: state.apply([change("u", *each) for each in requests(n)], 1))
        state.close()
        return found

    assert work(600) <= 2.5 * work(300)


def test_a_large_profile_is_read_and_written_once_for_all_merges_of_a_request() -> None:
    def work(n: int) -> int:
        state = State()
        small = [change(f"v{number}", "$set", {"b": 1}) for number in range(n)]
        state.apply([change("u", "$set", {"a": list(range(10 * n))}), *small], 1)
        found = work_of(lambda: state.merge([("u", f"v{number}") for number in range(n)]))
        merged = state.profile("v0")
        assert merged is not None
        assert merged.properties == {"a": list(range(10 * n)), "b": 1}
        assert state.counts() == {"profiles": 1, "groups": 0, "merged_ids": n + 1}
        state.close()
        return found

    assert work(600) <= 2.5 * work(300)
