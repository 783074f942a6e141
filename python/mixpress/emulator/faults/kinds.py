"""The kinds of faults: what each does to a request, and the detail that it takes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from mixpress.emulator import replies
from mixpress.emulator.faults.fault import Fault
from mixpress.emulator.faults.quantities import near, read_latency, read_positions, read_seconds, read_size

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True)
class Kind:
    """A kind of fault."""

    make: Callable[[str, str], Fault]
    """Returns the fault for a detail (empty for none); ValueError that starts with the item, the second argument."""
    forms: tuple[str, ...]
    """How it is written, with and without a detail."""

    @property
    def needs_detail(self) -> bool:
        """Whether it is never written without a detail."""
        return all(":" in form for form in self.forms)


def _rate_limited(detail: str, item: str) -> Fault:
    seconds = f"{read_seconds(detail, item):g}" if detail else None
    return Fault(replies.rate_limited(seconds), track_reply=replies.track_rate_limited(seconds))


def _too_large(detail: str, item: str) -> Fault:
    return Fault(replies.too_large(read_size(detail, item)))


def _some_failed(detail: str, item: str) -> Fault:
    return Fault(refuse=read_positions(detail, item))


def _slow(detail: str, item: str) -> Fault:
    return Fault(delay=read_seconds(detail, item))


def _latency(detail: str, item: str) -> Fault:
    seconds, jitter = read_latency(detail, item)
    return Fault(delay=seconds, jitter=jitter)


def _fixed(fault: Fault, detail: str, item: str) -> Fault:
    if detail:
        raise ValueError(
            f"{item}: this kind takes nothing after a colon, got '{detail}' (how often is a share, 10%, or a count, 3x)"
        )
    return fault


def _of_proxy(status: int, detail: str, item: str) -> Fault:
    if detail not in {"", "html"}:
        raise ValueError(
            f"{item}: must be {status} or {status}:html, got '{status}:{detail}' "
            f"(how often is a share, {status}:10%, or a count, {status}:3x){near(detail, ['html'])}"
        )
    return Fault(replies.of_proxy(status, html=bool(detail)))


def _proxy(status: int) -> Kind:
    return Kind(partial(_of_proxy, status), (f"{status}", f"{status}:html"))


_UNAUTHORIZED = replies.track_error(401, "Invalid credentials")

KINDS: dict[str, Kind] = {
    "429": Kind(_rate_limited, ("429", "429:SECONDS")),
    "413": Kind(_too_large, ("413:BYTES",)),
    "400": Kind(_some_failed, ("400:POSITION+POSITION",)),
    "401": Kind(partial(_fixed, Fault(replies.unauthorized(), track_reply=_UNAUTHORIZED)), ("401",)),
    "403": Kind(partial(_fixed, Fault(replies.track_error(403, "Forbidden"))), ("403",)),
    "408": _proxy(408),
    "414": _proxy(414),
    "500": _proxy(500),
    "502": _proxy(502),
    "503": _proxy(503),
    "504": _proxy(504),
    "taken": Kind(partial(_fixed, Fault(silent=True)), ("taken",)),
    "drop-reply": Kind(partial(_fixed, Fault(silent=True)), ("drop-reply",)),
    "reset": Kind(partial(_fixed, Fault(reset=True)), ("reset",)),
    "slow": Kind(_slow, ("slow:SECONDS",)),
    "latency": Kind(_latency, ("latency:TIME", "latency:TIME±JITTER")),
}
"""By the word that names the kind."""

FORMS = tuple(form for kind in KINDS.values() for form in kind.forms)
"""The forms of each kind."""

LATENCY = "latency"


def find_kind(name: str, item: str) -> Kind:
    """Return the kind of a name; ValueError with the kinds there are."""
    kind = KINDS.get(name)
    if kind is None:
        hint = near(name, KINDS)
        raise ValueError(f"{item}: unknown kind '{name}'{hint or ';'} the kinds are {', '.join(FORMS)}")
    return kind


def make_fault(text: str, item: str) -> Fault:
    """Return the fault of a text `KIND` or `KIND:DETAIL`; ValueError that starts with the item."""
    name, _, detail = (part.strip() for part in text.partition(":"))
    fault = find_kind(name, item).make(detail, item)
    return replace(fault, name=f"{name}:{detail}" if detail else name)


def fault_of_status(status: str, max_bytes: int) -> Fault:
    """Return the fault that answers with a status: `max_bytes` is the limit that a 413 names. ValueError otherwise."""
    known = [name for name in KINDS if name.isdigit()]
    if status not in known:
        raise ValueError(f"code must be one of {', '.join(sorted(known))}, got '{status[:20]}'{near(status, known)}")
    if status == "413":
        return Fault(replies.too_large(max_bytes), name=status)
    if status == "400":  # the kind 400 fails single events, and its status depends on them
        sentence = "the request is refused by a fault of the emulator"
        return Fault(replies.error(400, sentence), name=status, track_reply=replies.track_error(400, sentence))
    return make_fault(status, "code")
