"""Hypothesis strategies for updates of profiles: mostly nearly valid ones, with one or two broken rules."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy
from hypothesis import strategies as st

from reference import GROUP_FIELDS, GROUP_OPERATIONS, USER_FIELDS, USER_OPERATIONS, Options

from .events import allowed
from .odd import Lying, Pairs
from .options import NOW, actions, small_limits
from .texts import SMALL_STRING, disallowed, names, ordinary, texts, weighted
from .values import plain_texts, plain_values, scalars, values

Update = dict[Any, Any]
OPERATIONS = {"engage": USER_OPERATIONS, "groups": GROUP_OPERATIONS}
FIELDS = sorted({*USER_FIELDS, *GROUP_FIELDS, *USER_OPERATIONS, *GROUP_OPERATIONS})

ids = ordinary.filter(lambda text: text != "" and allowed(text))
numbers: st.SearchStrategy[Any] = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
lists = st.lists(values, max_size=4)
objects = st.dictionaries(names, values, max_size=3)
operands: dict[str, st.SearchStrategy[Any]] = {
    "$add": st.dictionaries(names, weighted((4, numbers), (1, scalars)), max_size=3),
    "$union": st.dictionaries(names, weighted((4, lists), (1, values)), max_size=3),
    "$unset": st.lists(weighted((4, texts), (1, values)), max_size=4),
    "$delete": texts,
}
flags = weighted((6, st.booleans()), (1, scalars))
beside: dict[str, st.SearchStrategy[Any]] = {
    "$token": weighted((6, texts), (1, scalars)),
    "$ip": weighted((6, texts), (2, st.sampled_from([0, -0.0, 1, False, Decimal(0), numpy.int64(0)])), (1, scalars)),
    "$ignore_time": flags,
    "$ignore_alias": flags,
}
bad_ids: st.SearchStrategy[Any] = st.one_of(disallowed, st.just(""), values)


@st.composite
def valid_updates(draw: st.DrawFn, endpoint: str) -> Update:
    operation = draw(st.sampled_from(OPERATIONS[endpoint]))
    members: dict[str, Any] = {operation: draw(operands.get(operation, objects))}
    members |= dict.fromkeys(("$group_key", "$group_id"), draw(ids)) if endpoint == "groups" else {}
    members |= {"$distinct_id": draw(ids)} if endpoint == "engage" else {}
    optional = ["$token", "$ip", "$ignore_time"] if endpoint == "engage" else ["$token"]
    members |= {name: draw(beside[name]) for name in optional if draw(st.integers(0, 3)) == 0}
    if operation == "$delete" and endpoint == "engage" and draw(st.booleans()):
        members["$ignore_alias"] = draw(beside["$ignore_alias"])
    return dict(draw(st.permutations(list(members.items()))))


def break_id(draw: st.DrawFn, update: Update) -> None:
    update[draw(st.sampled_from(["$distinct_id", "$group_key", "$group_id"]))] = draw(bad_ids)


def add_member(draw: st.DrawFn, update: Update) -> None:
    name = draw(st.sampled_from([*FIELDS, "$foo", "$", "properties", "event", 1]) | names)
    update[name] = draw(operands.get(str(name), objects) | values)


def change_member(draw: st.DrawFn, update: Update) -> None:
    if update:
        update[draw(st.sampled_from(list(update)))] = draw(values)


def leave_out(draw: st.DrawFn, update: Update) -> None:
    if update:
        update.pop(draw(st.sampled_from(list(update))))


BREAKS = [break_id, add_member, add_member, change_member, leave_out]


@st.composite
def updates(draw: st.DrawFn, endpoint: str) -> Any:
    """Any update for an endpoint, as it should be or not."""
    update = draw(valid_updates(endpoint))
    for break_it in draw(st.lists(st.sampled_from(BREAKS), max_size=2)):
        break_it(draw, update)
    pairs = list(update.items())
    kinds = [update] * 6 + [Lying(pairs), Pairs(pairs + pairs[:1])]
    return draw(values) if draw(st.integers(0, 15)) == 0 else draw(st.sampled_from(kinds))


@st.composite
def plain_updates(draw: st.DrawFn, endpoint: str) -> Any:
    """Mostly valid updates of only dicts, lists and scalars."""
    operation = draw(st.sampled_from(OPERATIONS[endpoint]))
    plain: dict[str, st.SearchStrategy[Any]] = {
        "$add": st.dictionaries(plain_texts, st.integers() | plain_values, max_size=3),
        "$union": st.dictionaries(plain_texts, st.lists(plain_values, max_size=3) | plain_values, max_size=3),
        "$unset": st.lists(plain_texts | plain_values, max_size=3),
        "$delete": plain_texts,
    }
    members = {operation: draw(plain.get(operation, st.dictionaries(plain_texts, plain_values, max_size=4)))}
    members |= {
        name: draw(plain_texts)
        for name in ("$distinct_id", "$group_id")
        if (name in USER_FIELDS) == (endpoint == "engage")
    }
    return draw(st.sampled_from([members, members, members, {**members, "$token": "t"}, draw(plain_values)]))


update_limits = st.fixed_dictionaries(
    {}, optional={"max_profile_properties": st.integers(1, 3), "max_value_bytes": st.integers(0, 40)}
)


@st.composite
def update_options(draw: st.DrawFn) -> Options:
    endpoint = draw(st.sampled_from(["engage", "groups"]))
    either = st.sampled_from([None, True, False])
    conversions = st.sampled_from([("cut", "cut", "cut"), ("cut", "cut", "cut"), ("parse", "flatten", "drop")])
    long_url, long_json, long_text = draw(conversions)
    return Options(
        endpoint=endpoint,
        format=draw(st.sampled_from(["json", "form"])),
        token=draw(st.sampled_from([None, "tok", "tok"])),
        profile=draw(st.sampled_from(["documented", "documented", "observed"])),
        limits={**draw(st.just({"max_string": SMALL_STRING}) | small_limits), **draw(update_limits)},
        rules=draw(st.just({}) | actions),
        now=NOW,
        explain=draw(st.booleans()),
        group_key=draw(st.sampled_from([None, "company"])) if endpoint == "groups" else None,
        ip=draw(either) if endpoint == "engage" else None,
        ignore_time=draw(either) if endpoint == "engage" else None,
        on_long_url=long_url,
        on_long_json=long_json,
        on_long_text=long_text,
    )
