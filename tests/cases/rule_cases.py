"""Read the cases of tests/cases. tests/cases/README.md describes their format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent
VALID = '{"event":"e","properties":{"time":1700000000,"distinct_id":"u","$insert_id":"i"}}'
VALID_EVENT = json.loads(VALID)


def read_cases() -> list[Any]:
    """Return every case of an event as (file, case), with its notation expanded."""
    files = sorted(CASES.glob("*.json"))
    return [(file.stem, expand(case)) for file in files for case in json.loads(file.read_text())]


def read_json_text_cases() -> list[Any]:
    """Return every case of a JSON text, with its notation expanded."""
    return [expand(case) for case in json.loads((CASES / "json_text" / "cases.json").read_text())]


def text_of(case: dict[str, Any]) -> bytes:
    """Return the JSON text of a case."""
    if "latin1" in case:
        return bytes(case["latin1"], "latin-1")
    return bytes(case["text"], "utf-8")


def expand(value: Any) -> Any:
    """Return a value with its `$` notation expanded."""
    if isinstance(value, list):
        return [expand(element) for element in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(name, argument)] = value.items()
        if name in NOTATION:
            return NOTATION[name](expand(argument))
    return {name: expand(member) for name, member in value.items()}


def nest(depth: int) -> dict[str, Any]:
    return {"n": nest(depth - 1)} if depth > 1 else {}


def wrap(times: int, value: Any) -> Any:
    for _ in range(times):
        value = [value]
    return value


def members(rows: list[Any]) -> dict[str, Any]:
    pairs = [pair for row in rows for pair in (row.items() if isinstance(row, dict) else [row])]
    return dict(pairs)


NOTATION: dict[str, Any] = {
    "$repeat": lambda argument: argument[0] * argument[1],
    "$concat": "".join,
    "$integer": int,
    "$float": float,
    "$object": lambda count: {f"k{number}": number for number in range(count)},
    "$list": lambda count: list(range(count)),
    "$nest": nest,
    "$wrap": lambda argument: wrap(*argument),
    "$members": members,
    "$valid": lambda spelled: f'{VALID[:-2]},"a":{spelled}}}}}',
}


def event_of(case: dict[str, Any]) -> Any:
    """Return the event of a case: its own, or the valid event with the case's changes."""
    if "event" in case:
        return case["event"]
    added = {"a": case["value"]} if "value" in case else case.get("with", {})
    properties = {**VALID_EVENT["properties"], **added}
    return {**VALID_EVENT, "properties": {k: v for k, v in properties.items() if k not in case.get("without", [])}}


def written_of(case: dict[str, Any]) -> str | None:
    """Return how the event is expected to be written, or None if the case does not say so."""
    if "written_value" in case:
        return f'{VALID[:-2]},"a":{case["written_value"]}}}}}'
    written: str | None = case.get("written")
    return written
