"""Strategies for updates of JSON values around the limits that the API documents."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from mixpress.emulator.updates.checks import MAX_VALUE_BYTES
from strategies.updates import FIELDS, OPERATIONS
from strategies.values import plain_values

from .nasty import json_ids, long_texts, values

Update = dict[str, Any]


def keys(count: int) -> dict[str, int]:
    return {f"k{number}": number for number in range(count)}


def list_of_bytes(size: int) -> list[str]:
    """Return a list of short texts whose JSON has this many bytes."""
    elements = ["x" * 97] * (size // 100 - 1)
    rest = size - len(elements) * 100 - 1
    return [*elements, "x" * (rest - 3)]


sizes = st.integers(MAX_VALUE_BYTES - 3, MAX_VALUE_BYTES + 3)
any_value = st.one_of(values, values, st.builds(list_of_bytes, sizes), st.builds(keys, st.integers(253, 257)))
names = long_texts | st.text(max_size=3)
contents = st.dictionaries(names, any_value, max_size=3) | st.builds(keys, st.integers(1998, 2002))
operands: dict[str, st.SearchStrategy[Any]] = {
    "$add": st.dictionaries(names, st.integers() | st.floats() | plain_values, max_size=3),
    "$union": st.dictionaries(names, st.lists(any_value, max_size=3) | plain_values, max_size=3),
    "$unset": st.lists(names, max_size=3) | st.builds(lambda n: ["x"] * n, st.integers(1998, 2002)),
    "$delete": st.text(max_size=3) | long_texts,
}
addresses: st.SearchStrategy[Any] = st.sampled_from(["0", "", "1.2.3.4", 0, 0.0, 1, False, True, None, [], {}])
flags: st.SearchStrategy[Any] = st.sampled_from([True, False, None, 0, 1, "true", []])
MEMBERS: dict[str, st.SearchStrategy[Any]] = {
    "$ip": addresses,
    "$ignore_time": flags,
    "$ignore_alias": flags,
    "$time": st.integers(0, 2**31),
    "$token": st.sampled_from(["", "t", None, 7, "t" * 300]),
    "$device_id": plain_values,
    "$user_id": plain_values,
    "$had_persisted_distinct_id": flags,
    "$foo": plain_values,
    "properties": plain_values,
}


@st.composite
def json_updates(draw: st.DrawFn, endpoint: str) -> Any:
    """A valid update with up to three changes, each of which may break a rule; or any value."""
    operation = draw(st.sampled_from(OPERATIONS[endpoint]))
    update = valid_update(endpoint, operation, draw(operands.get(operation, contents)))
    for change in draw(st.lists(st.sampled_from(CHANGES), max_size=3)):
        change(draw, update)
    return draw(plain_values) if draw(st.integers(0, 30)) == 0 else update


def valid_update(endpoint: str, operation: str, content: Any, **more: Any) -> Update:
    """Return an update with its token and ids."""
    ids = {"$distinct_id": "u"} if endpoint == "engage" else {"$group_key": "company", "$group_id": "g"}
    return {"$token": "t", **ids, operation: content, **more}


def set_id(draw: st.DrawFn, update: Update) -> None:
    update[draw(st.sampled_from(["$distinct_id", "$group_key", "$group_id"]))] = draw(json_ids)


def set_member(draw: st.DrawFn, update: Update) -> None:
    name = draw(st.sampled_from(sorted(MEMBERS)))
    update[name] = draw(MEMBERS[name])


def add_operation(draw: st.DrawFn, update: Update) -> None:
    name = draw(st.sampled_from(FIELDS))
    update[name] = draw(operands.get(name, contents) | plain_values)


def spoil(draw: st.DrawFn, update: Update) -> None:
    if update:
        update[draw(st.sampled_from(sorted(update)))] = draw(any_value)


def leave_out(draw: st.DrawFn, update: Update) -> None:
    if update:
        update.pop(draw(st.sampled_from(sorted(update))))


CHANGES: list[Callable[[st.DrawFn, Update], None]] = [set_id, set_member, set_member, add_operation, spoil, leave_out]
