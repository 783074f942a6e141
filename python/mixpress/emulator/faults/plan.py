"""The fault of the next request: what a header asks for, what was set for the next requests, or the sequence."""

from __future__ import annotations

import re
import threading
from collections import deque
from random import Random
from typing import TYPE_CHECKING, Any, NamedTuple

from mixpress.emulator.faults.fault import Fault
from mixpress.emulator.faults.faults import Faults
from mixpress.emulator.faults.grammar import parse_fault
from mixpress.emulator.faults.kinds import FORMS, fault_of_status
from mixpress.emulator.faults.sequence import jittered

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

MAX_TIMES = 1_000_000
"""Maximum number of requests of one `fail_next`."""

_PREFERENCE = re.compile(r'\s*(code|fault)\s*=\s*(?:"([^"]*)"|([^;,"]*))', re.IGNORECASE)


class Preference(NamedTuple):
    """What a request asks for by its `Prefer` header."""

    fault: Fault
    applied: str
    """The value of `Preference-Applied`."""


class FaultPlan:
    """Decides the fault of each request. Any thread may call it.

    - `max_bytes`: the limit of size that a 413 of `Prefer: code=413` names.
    """

    def __init__(self, faults: Faults, now: Callable[[], float], max_bytes: int) -> None:
        self._now = now
        self._max_bytes = max_bytes
        self._lock = threading.RLock()
        self.set(faults)

    @property
    def faults(self) -> Faults:
        """The faults of the sequence, without those of `fail_next`."""
        return self._faults

    def set(self, faults: Faults) -> None:
        """Start a sequence of these faults with the next request, and forget those of `fail_next`."""
        with self._lock:
            self._faults = faults
            self.restart()

    def set_text(self, text: str) -> None:
        """Set faults as text, an empty one for none. ValueError with what is allowed; the faults remain then."""
        self.set(Faults.parse(text) if text.strip() else Faults())

    def restart(self) -> None:
        """Restart the sequence, and forget the faults of `fail_next`."""
        with self._lock:
            self._sequence = self._faults.sequence(self._now)
            self._first: deque[tuple[Fault, int]] = deque()
            self._latencies = Random(f"{self._faults.seed} preferred")  # noqa: S311 - reproducible, not secret

    def fail_next(self, kind: str | Fault, times: int = 1) -> None:
        """Apply a fault to the next `times` requests, before those of earlier calls and of the sequence.

        `kind` is `KIND` or `KIND:DETAIL`, such as `429:3s`. ValueError with what is allowed.
        """
        fault = parse_fault(kind) if isinstance(kind, str) else kind
        if type(times) is not int or not 1 <= times <= MAX_TIMES:
            raise ValueError(f"times must be an integer from 1 to {MAX_TIMES}, got {times!r}")
        with self._lock:
            self._first.appendleft((fault, times))

    def next(self) -> Fault:
        """Return the fault of the next request in the order of arrival."""
        with self._lock:
            if not self._first:
                return next(self._sequence)
            fault, times = self._first.popleft()
            if times > 1:
                self._first.appendleft((fault, times - 1))
            return jittered(fault, self._latencies)

    def preferred(self, headers: Iterable[str]) -> Preference | None:
        """Return what `Prefer` headers ask for, or None. The sequence is not changed.

        ValueError with what is allowed. Preferences other than `code` and `fault` are ignored.
        """
        found = list(map(_read_preference, _split(headers)))
        asked = [each for each in found if each is not None]
        if not asked:
            return None
        if len(asked) > 1:
            raise ValueError("Prefer must have one code or one fault, such as `code=429` or `fault=drop-reply`")
        name, value = asked[0]
        if name == "code":
            return Preference(fault_of_status(value, self._max_bytes), f"code={value}")
        fault = parse_fault(value)
        with self._lock:
            drawn = jittered(fault, self._latencies)
        return Preference(drawn, f'fault="{fault.name}"' if ":" in fault.name else f"fault={fault.name}")

    def name_of_limit(self, max_bytes: int) -> str:
        """Return the text of a limit of size, such as `413:2MiB`."""
        rules = [*self._faults.rules, *(rule for phase in self._faults.phases for rule in phase.rules)]
        names = [rule.fault.name for rule in rules if rule.fault.max_bytes == max_bytes]
        return names[0] if names else f"413:{max_bytes}"

    def describe(self) -> dict[str, Any]:
        """Return the faults for the control API.

        `faults` is the text for `set_text`; `rules` are those of the current phase, and `how` is `10%`, `3x` or
        `larger`; `next` has what is left of `fail_next`; `kinds` are the forms of all kinds. A schedule also has
        `phase`, the number of the current one from 1, or None after the last.
        """
        with self._lock:
            faults, phase = self._faults, self._sequence.phase
            first = [{"fault": fault.name, "how": f"{times}x"} for fault, times in self._first]
        rules = faults.rules
        if faults.phases:
            rules = () if phase is None else faults.phases[phase].rules
        answer: dict[str, Any] = {
            "faults": str(faults),
            "rules": [{"fault": rule.fault.name, "how": rule.how} for rule in rules],
            "next": first,
            "kinds": list(FORMS),
        }
        if faults.phases:
            answer["phase"] = None if phase is None else phase + 1
        return answer


def _split(headers: Iterable[str]) -> list[str]:
    # Some clients encode a header as UTF-8, which is read as Latin-1.
    return [part for header in headers for part in header.replace("\xc2\xb1", "±").split(",")]


def _read_preference(text: str) -> tuple[str, str] | None:
    found = _PREFERENCE.match(text)
    return None if found is None else (found[1].lower(), (found[2] or found[3] or "").strip())
