"""Input made to cost much: findings of an event are capped, and names are not built beyond what is written of them."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

import reference
from encoder.twins import core_encoder, outcome_of_core, outcome_of_reference
from mixpress import Encoder
from reference import Options

NEEDED = {"time": 1700000000, "distinct_id": "u", "$insert_id": "i"}
NAN = float("nan")
LONG = "x" * 300


def event_of(**properties: Any) -> dict[str, Any]:
    return {"event": "e", "properties": {**NEEDED, **properties}}


MANY: dict[str, dict[str, Any]] = {
    "NaN": {"a": [NAN] * 250},
    "lone surrogates": {"a": ["\ud800"] * 250},
    "long texts": {"a": [LONG] * 250},
    "long names": {f"{LONG}{number}": number for number in range(250)},
    "names with lone surrogates": {f"{number}\ud800": number for number in range(250)},
    "long paths": {"a" * 255: {"b" * 255: {"c" * 255: [NAN] * 250}}},
    "several rules": {"a": [NAN] * 200 + ["\ud800"] * 50, LONG: [LONG] * 200},
}


@pytest.mark.parametrize("name", MANY)
@pytest.mark.parametrize("rules", [{}, {"not-a-number": "reject", "invalid-unicode": "reject"}])
def test_findings_beyond_a_hundred_of_a_rule_are_counted(name: str, rules: dict[str, str]) -> None:
    chosen = Options(rules=rules, explain=True)
    events = [event_of(**MANY[name]), event_of()]
    result = outcome_of_core(core_encoder(chosen).encode(events))
    assert result == outcome_of_reference(reference.encode(events, chosen))
    assert 40 <= len(result.warnings) + len(result.rejected) + len(result.truncated) <= 500


def test_the_last_finding_of_a_rule_says_how_many_more_there_are() -> None:
    warnings = Encoder().encode([event_of(a=[NAN] * 250)]).warnings
    assert [finding.field for finding in warnings[:100]] == [f"properties.a[{place}]" for place in range(100)]
    assert (len(warnings), warnings[100].field, warnings[100].rule) == (101, "", "not-a-number")
    assert warnings[100].message.startswith("150 more findings of this rule are not listed")
    truncated = Encoder().encode([event_of(a=[LONG] * 250)]).truncated
    assert [cut.path for cut in truncated[99:]] == ["properties.a[99]", "(and 150 more)"]


def test_a_rejecting_finding_after_many_warnings_rejects() -> None:
    (rejected,) = Encoder().encode([event_of(a=[NAN] * 200, time2=object())]).rejected
    assert (rejected.rule, rejected.field) == ("unsupported-type", "properties.time2")


def test_of_url_parameters_with_the_same_name_the_last_is_written() -> None:
    chosen = Options(on_long_url="parse")
    url = "https://x.y/?" + "&".join(f"p{number % 50}={number}&%70{number % 7}=z" for number in range(200))
    events = [event_of(url=url)]
    assert outcome_of_core(core_encoder(chosen).encode(events)) == outcome_of_reference(
        reference.encode(events, chosen)
    )


@pytest.mark.parametrize("unit", ["chars", "bytes"])
@pytest.mark.parametrize("key", ["k", "é", "k" * 90, "é" * 254, "€" * 400, "a\ud800"])
def test_long_joined_names_are_written_like_the_reference(key: str, unit: str) -> None:
    value: Any = {"l": 1, "m": [1], "é" * 300: {}}
    for _ in range(6):
        value = {key: value, "z": 1}
    chosen = Options(on_long_json="flatten", on_long_url="parse", limits={"truncate_unit": unit}, explain=True)
    url = "https://x.y/?" + "&".join(f"{key}{number}=1" for number in range(5)) + "&a=" + LONG
    events = [
        event_of(j=json.dumps(value) + " " * 300),
        {"event": "e", "properties": {**NEEDED, key * 3: url.encode("utf-8", "replace").decode()}},
    ]
    assert outcome_of_core(core_encoder(chosen).encode(events)) == outcome_of_reference(
        reference.encode(events, chosen)
    )


MEMORY = {
    "NaN": """
        event = {"event": "e", "properties": {"k" * 250: [float("nan")] * 1_000_000}}
        run = lambda: Encoder(compression=None).encode([event])
        size = 8_000_000
    """,
    "flattened names": """
        value = {f"l{n}": n for n in range(10_000)}
        for _ in range(60):
            value = {"k" * 1600: value}
        text = json.dumps(value)
        event = {"event": "e", "properties": {"j": text}}
        run = lambda: Encoder(compression=None, on_long_json="flatten").encode([event])
        size = len(text)
    """,
    "names of parameters": """
        text = "https://x.y/?" + "&".join(f"p{n}=" for n in range(30_000))
        event = {"event": "e", "properties": {"k" * 20_000: text}}
        run = lambda: Encoder(compression=None, on_long_url="parse").encode([event])
        size = len(text)
    """,
    "lone surrogates": """
        event = {"event": "e", "properties": {"k" * 250: ["\\ud800"] * 1_000_000}}
        run = lambda: Encoder(compression=None).encode([event])
        size = 8_000_000
    """,
    "long texts": """
        event = {"event": "e", "properties": {"k" * 250: ["x" * 300] * 1_000_000}}
        run = lambda: Encoder(compression=None).encode([event])
        size = 8_000_000
    """,
    "names that collide once they are cut": """
        event = {"event": "e", "properties": {"k" * 300 + str(number): 1 for number in range(20_000)}}
        run = lambda: Encoder(compression=None).encode([event])
        size = 20_000 * 350
    """,
    "names that are not text": """
        event = {"event": "e", "properties": dict.fromkeys(range(500_000))}
        run = lambda: Encoder(compression=None).encode([event])
        size = 500_000 * 60
    """,
    "values that have no form": """
        event = {"event": "e", "properties": {"a": [b""] * 3_000_000}}
        run = lambda: Encoder(compression=None).encode([event])
        size = 3_000_000 * 8
    """,
    "repeated names": """
        text = '{"event":"e","properties":{' + ",".join('"a":1' for _ in range(2_000_000)) + "}}"
        run = lambda: Encoder(compression=None).encode_json(text)
        size = len(text)
    """,
    "ids derived of long lists": """
        text = '{"event":"e","properties":{"a":[' + ",".join("1" for _ in range(5_000_000)) + "]}}"
        run = lambda: Encoder(compression=None, insert_id="derive").encode_json(text)
        size = len(text)
    """,
    "a list of Arrow nulls": """
        import pyarrow
        nulls = pyarrow.ListArray.from_arrays(pyarrow.array([0, 2**31 - 2], pyarrow.int32()), pyarrow.nulls(2**31 - 2))
        names = ["time", "distinct_id", "$insert_id", "a"]
        table = pyarrow.Table.from_arrays([[1700000000], ["u"], ["i"], nulls], names=names)
        run = lambda: Encoder(compression=None, insert_id="derive").encode_arrow(table, event="e")
        size = 1 << 20
    """,
}


@pytest.mark.parametrize("name", MEMORY)
def test_memory_is_a_few_times_the_input(name: str) -> None:
    code = f"""if True:
        import json, resource
        from mixpress import Encoder
        {MEMORY[name].strip()}
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        assert len(run().rejected) == 1
        print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * 1024 // size)
    """
    times = subprocess.run([sys.executable, "-c", code], timeout=60, capture_output=True, text=True, check=True).stdout
    assert int(times) < 30
