"""Schedules: faults that change after a number of requests, or after some time, as TOML.

    seed = 7
    repeat = true

    [[phase]]
    faults = ""             # no faults
    requests = 10

    [[phase]]
    faults = "429:30%, latency:200ms±50"
    seconds = 5

A phase has `requests` or `seconds`; the last one may have neither, and then lasts until the end. With `repeat`, the
first phase follows the last.
"""

from __future__ import annotations

import json
import math
import re
import sys
from importlib import import_module
from typing import TYPE_CHECKING, Any, NamedTuple

from mixpress.emulator.faults.fault import SHORTEST, Phase
from mixpress.emulator.faults.grammar import parse_rules
from mixpress.emulator.faults.quantities import near

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_BYTES = 1_000_000
"""Maximum size of a schedule: a larger file is another one."""

_MAX_DOTS = 100  # of a line: the time to read a name a.b.c grows with the square of its parts
_TOP = ("phase", "repeat", "seed")
_PHASE = ("faults", "requests", "seconds")
_LIKE_SCHEDULE = re.compile(r"^[ \t]*(\[\[[ \t]*phase[ \t]*\]\]|phase[ \t]*=|repeat[ \t]*=)", re.MULTILINE)


class Schedule(NamedTuple):
    """The content of a schedule."""

    phases: tuple[Phase, ...]
    repeat: bool
    seed: int


def is_schedule(text: str) -> bool:
    """Return whether a text is a schedule, not a list of faults."""
    return _LIKE_SCHEDULE.search(text) is not None


def read_schedule(text: str, name: str = "schedule") -> Schedule:
    """Return the phases of a TOML text. ValueError that starts with `name`, with what is wrong and what is allowed."""
    if any(line.count(".") > _MAX_DOTS for line in text.splitlines()):
        raise ValueError(f"{name}: a line must have at most {_MAX_DOTS} dots")
    try:
        content: dict[str, Any] = _toml().loads(text)
    except ValueError as error:
        raise ValueError(f"{name}: not TOML: {error}") from error
    except RecursionError:
        raise ValueError(f"{name}: its values are nested too deeply") from None
    _check_keys(content, _TOP, name)
    tables = content.get("phase")
    if not isinstance(tables, list) or not tables or not all(isinstance(table, dict) for table in tables):
        raise ValueError(f"{name}: must have at least one [[phase]]")
    repeat, seed = content.get("repeat", False), content.get("seed", 0)
    if not isinstance(repeat, bool):
        raise ValueError(f"{name}: repeat must be true or false, got {repeat!r}")
    if type(seed) is not int:
        raise ValueError(f"{name}: seed must be an integer, got {seed!r}")
    phases = tuple(_phase(table, f"{name}: phase {number}") for number, table in enumerate(tables, 1))
    check_order(phases, name, repeat=repeat)
    return Schedule(phases, repeat, seed)


def check_order(phases: tuple[Phase, ...], name: str, *, repeat: bool) -> None:
    """Raise ValueError if a phase never ends although another one follows."""
    for number, phase in enumerate(phases, 1):
        if not phase.ends and (repeat or number < len(phases)):
            following = 1 if number == len(phases) else number + 1
            raise ValueError(
                f"{name}: phase {number} must have requests or seconds, because phase {following} follows it"
            )


def write_schedule(schedule: Schedule) -> str:
    """Return the TOML text of a schedule."""
    lines = [f"seed = {schedule.seed}", *(["repeat = true"] if schedule.repeat else [])]
    for phase in schedule.phases:
        faults = json.dumps(",".join(map(str, phase.rules)), ensure_ascii=False)
        lines += ["", "[[phase]]", f"faults = {faults}"]
        if phase.requests:
            lines.append(f"requests = {phase.requests}")
        if phase.seconds:
            lines.append(f"seconds = {phase.seconds!r}")
    return "\n".join(lines) + "\n"


def _phase(table: dict[str, Any], where: str) -> Phase:
    _check_keys(table, _PHASE, where)
    text = table.get("faults")
    if not isinstance(text, str):
        raise ValueError(f'{where}: faults must be a text, such as "429:10%", or "" for none')
    if "requests" in table and "seconds" in table:
        raise ValueError(f"{where}: must have requests or seconds, not both")
    requests, seconds = table.get("requests", 0), table.get("seconds", 0.0)
    if "requests" in table and (type(requests) is not int or requests < 1):
        raise ValueError(f"{where}: requests must be an integer >= 1, got {requests!r}")
    if "seconds" in table and (type(seconds) not in {int, float} or not SHORTEST <= seconds < math.inf):
        raise ValueError(f"{where}: seconds must be a number >= {SHORTEST:g}, got {seconds!r}")
    try:
        rules = parse_rules(text)[0] if text.strip() else ()
        if re.search(r"\bseed\b", text):
            raise ValueError("the seed of a schedule is written above its phases, as seed = 7")
        return Phase(rules, requests, float(seconds))
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from error


def _check_keys(table: dict[str, Any], known: Iterable[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise ValueError(f"{where}: unknown key '{key}', must be one of {', '.join(known)}{near(key, known)}")


def _toml() -> Any:
    if sys.version_info >= (3, 11):
        return import_module("tomllib")
    try:
        return import_module("tomli")  # the same, for older interpreters
    except ImportError:
        raise ValueError("a TOML file needs Python 3.11 or newer, or `pip install tomli`") from None
