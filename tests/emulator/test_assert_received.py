"""`Emulator.assert_received`: what it finds, how it waits, and what it says if nothing comes."""

from __future__ import annotations

import threading
from typing import Any
from unittest.mock import ANY

import pytest

from mixpress.emulator import Emulator
from mixpress.emulator.accept import Row
from mixpress.emulator.assertions import Wanted, wait_for
from mixpress.emulator.store.store import Store

from .sender import Sender, event

LONG = 60.0
"""Seconds that no test waits unless it fails."""


def message(server: Emulator, name: str, properties: Any = None) -> str:
    with pytest.raises(AssertionError) as caught:
        server.assert_received(name, properties, within=0)
    return str(caught.value)


def put(sender: Sender, *events: Any) -> None:
    sender.post("/import?strict=1", list(events))


@pytest.mark.parametrize(
    "properties",
    [
        None,
        {},
        {"plan": "pro"},
        {"plan": "pro", "seats": 5, "paid": True},
        {"address": {"city": "Paris"}},
        {"address": {"city": ..., "zip": ANY}},
        {"tags": ["a", {"b": 1}]},
        {"tags": ("a", {})},
        {"score": pytest.approx(0.3)},
        {"none": None},
    ],
)
def test_an_event_with_these_properties_is_returned(server: Emulator, sender: Sender, properties: Any) -> None:
    more = {"plan": "pro", "seats": 5, "paid": True, "score": 0.1 + 0.2, "none": None}
    nested = {"address": {"city": "Paris", "zip": "1"}, "tags": ["a", {"b": 1, "c": 2}]}
    put(sender, event("Other"), event("Upgraded", **more, **nested))
    assert server.assert_received("Upgraded", properties, within=0) == server.events("Upgraded")[0]


@pytest.mark.parametrize(
    "properties",
    [
        {"plan": "free"},
        {"plan": "pro", "other": ...},
        {"seats": True},
        {"seats": 1.5},
        {"paid": 1},
        {"address": {"city": "Paris", "street": "x"}},
        {"address": "Paris"},
        {"plan": {"name": "pro"}},
        {"tags": ["a"]},
        {"tags": ["a", "b", "c"]},
        {"none": False},
    ],
)
def test_an_event_with_other_properties_is_not(server: Emulator, sender: Sender, properties: Any) -> None:
    more = {"plan": "pro", "seats": 1, "paid": True, "address": {"city": "Paris"}, "tags": ["a", "b"], "none": None}
    put(sender, event("Upgraded", **more))
    assert "the nearest event" in message(server, "Upgraded", properties)


def test_the_first_event_of_several_is_returned(server: Emulator, sender: Sender) -> None:
    put(sender, *(event("A", number=number, insert_id=f"i-{number}") for number in range(2001)[1:]))
    assert server.assert_received("A", within=0)["properties"]["number"] == 1
    assert server.assert_received("A", {"number": 1999}, within=0)["properties"]["number"] == 1999


def test_a_name_longer_than_the_api_keeps_is_found(server: Emulator, sender: Sender) -> None:
    put(sender, event("n" * 300, text="t" * 300))
    assert server.assert_received("n" * 300, within=0)
    assert "strings are cut to 255 characters" in message(server, "n" * 300, {"text": "t" * 300})


def test_an_event_that_comes_later_ends_the_wait(server: Emulator, sender: Sender) -> None:
    listening = threading.Event()
    listen, before = server._parts.log.listen, list(server._parts.log._listeners)

    def listen_and_tell(tell: Any) -> Any:
        stop = listen(tell)
        listening.set()
        return stop

    def send() -> None:
        assert listening.wait(LONG)
        put(sender, event("Other"))
        put(sender, event("Late", plan="free"))
        put(sender, event("Late", plan="pro"))  # replaces the other one

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(server._parts.log, "listen", listen_and_tell)
        thread = threading.Thread(target=send)
        thread.start()
        assert server.assert_received("Late", {"plan": "pro"}, within=LONG)
        thread.join()
    assert server._parts.log._listeners == before


class Arriving:
    """A clock, and requests that come at certain times."""

    def __init__(self, store: Store, come: dict[float, Row]) -> None:
        self._store = store
        self._come = come
        self.now = 100.0
        self.waits: list[float] = []

    def monotonic(self) -> float:
        return self.now

    def take(self, seconds: float) -> list[int]:
        self.waits.append(seconds)
        end = self.now + seconds
        if not self._come or min(self._come) > end:
            self.now = end
            return []
        self.now = min(self._come)
        self._store.add("/import", [self._come.pop(self.now)], 0, int(self.now))
        return [int(self.now)]


def row(name: str, number: int) -> Row:
    return Row(name, number, "u", f"i-{number}", b'{"number":%d}' % number)


def test_the_wait_ends_at_its_deadline() -> None:
    store = Store()
    arriving = Arriving(store, {101.0: row("A", 1), 103.0: row("B", 2), 104.0: row("A", 3), 105.5: row("A", 4)})
    assert wait_for(store, Wanted("A", {"number": 4}, 5.0), arriving, arriving.monotonic) is None
    assert arriving.waits == [5.0, 4.0, 2.0, 1.0]
    assert wait_for(store, Wanted("A", {"number": 4}, 5.0), arriving, arriving.monotonic) is not None
    assert arriving.now == 105.5
    store.close()


def test_an_event_that_is_there_is_not_waited_for() -> None:
    store = Store()
    store.add("/import", [row("A", 1)])
    arriving = Arriving(store, {})
    assert wait_for(store, Wanted("A", {}, 5.0), arriving, arriving.monotonic) == {
        "event": "A",
        "properties": {"number": 1},
    }
    assert wait_for(store, Wanted("B", {}, 0.0), arriving, arriving.monotonic) is None
    assert arriving.waits == []
    store.close()


def test_an_event_of_which_no_listener_heard_is_found_at_the_end() -> None:
    store = Store()

    class Deaf(Arriving):
        def take(self, seconds: float) -> list[int]:
            store.add("/import", [row("A", 1)])
            return []

    arriving = Deaf(store, {})
    assert wait_for(store, Wanted("A", {}, 5.0), arriving, arriving.monotonic)
    store.close()


def test_many_requests_at_once_are_read_together() -> None:
    store = Store()

    class Burst(Arriving):
        def take(self, seconds: float) -> list[int]:
            store.add("/import", [row("A", 1)], 0, 40_000)
            return list(range(1, 40_001))

    arriving = Burst(store, {})
    assert wait_for(store, Wanted("A", {}, 5.0), arriving, arriving.monotonic)
    store.close()


def test_without_a_request_the_message_asks_for_the_url(server: Emulator) -> None:
    assert message(server, "A").splitlines() == [
        'no event "A" was stored within 0 s',
        "stored: no event",
        f"no request came: does the client send to {server.url}, and does it flush its queue before the assertion?",
    ]


def test_the_message_compares_the_nearest_event(server: Emulator, sender: Sender) -> None:
    put(sender, event("Upgraded", plan="basic", seats=1, insert_id="a"))
    put(sender, event("Upgraded", plan="free", seats=5, address={"city": "Rome"}, insert_id="b"))
    put(sender, event("Downgraded", plan="pro", seats=5, note="x"))
    wanted = {"plan": "pro", "seats": 5, "address": {"city": "Paris"}, "note": "x"}
    lines = message(server, "Upgraded", wanted).splitlines()
    assert lines[:5] == [
        'no event "Upgraded" with these properties was stored within 0 s',
        'wanted: {"plan": "pro", "seats": 5, "address": {"city": "Paris"}, "note": "x"}',
        'stored: 3 events, 2 of them "Upgraded"',
        "the nearest event (- wanted, + stored):",
        '    event: "Upgraded"',
    ]
    assert lines[5:12] == [
        "    1 of the wanted properties are equal",
        '  - plan: "pro"',
        '  + plan: "free"',
        '  - address.city: "Paris"',
        '  + address.city: "Rome"',
        '  - note: "x"',
        "  + note is absent",
    ]
    assert lines[13:] == ["requests: 3, 0 of them failed"]


def test_a_misspelled_name_is_recognised(server: Emulator, sender: Sender) -> None:
    put(sender, event("Purchase", plan="pro"), event("signed up"))
    lines = message(server, "Signed Up", {"plan": "pro"}).splitlines()
    assert 'stored: 2 events: 1 "Purchase", 1 "signed up"' in lines
    assert lines[lines.index('  - event: "Signed Up"') + 1] == '  + event: "signed up"'


def test_an_event_of_another_name_with_equal_properties_is_the_nearest(server: Emulator, sender: Sender) -> None:
    put(sender, event("Purchase", plan="free"), event("Upgrade", plan="pro", address={"city": "Rome", "zip": "1"}))
    lines = message(server, "Signed Up", {"plan": "basic", "address": {"city": "Rome"}}).splitlines()
    assert lines[lines.index('  - event: "Signed Up"') + 1 :][:3] == [
        '  + event: "Upgrade"',
        "    1 of the wanted properties are equal",
        '  - plan: "basic"',
    ]
    assert "the nearest event" not in message(server, "Signed Up", {"plan": "basic"})
    assert "the nearest event" not in message(server, "Signed Up")


def test_a_refused_event_like_it_is_shown_with_its_reason(server: Emulator, sender: Sender) -> None:
    put(sender, event("Signed Up", insert_id="null"), event("Other", insert_id="null"), 7, "Signed Up")
    put(sender, {"event": 7, "properties": {"plan": "pro"}})
    lines = message(server, "Signed Up", {"plan": "pro"}).splitlines()
    start = lines.index("refused: 2 events like the wanted one:")
    assert lines[start + 1].startswith("  request 1, event 0: ")
    assert "'null' is a disallowed value" in lines[start + 1]
    assert lines[start + 2].startswith("  request 2, event 0: ")
    assert "refused: 5 other events" in message(server, "Unlike").splitlines()
    sender.post("/import?strict=1", b"{")
    lines = message(server, "Signed Up").splitlines()
    assert "requests: 3, 3 of them failed" in lines
    assert lines[-1].startswith("  request 3: POST /import 400, ")


def test_a_request_to_another_path_is_named(server: Emulator, sender: Sender) -> None:
    sender.post("/trck", [event()])
    assert "request: POST /trck 404, no endpoint POST /trck" in message(server, "Signed Up")


def test_the_message_is_bounded_and_printable(server: Emulator, sender: Sender) -> None:
    wide = {f"property {number} \x9b \u202e": "x" * 255 for number in range(200)}
    for number in range(12):
        put(sender, *(event(f"Name {number} {place}", **wide) for place in range(30)))
        put(sender, *(event("Near\n", **wide, insert_id="null") for _ in range(30)))
        sender.post("/import?strict=1", b"{" * 100_000)
    deep: Any = []
    for _ in range(5000):
        deep = [deep]
    text = message(server, "Near\n", {**dict.fromkeys(wide, "y" * 100_000), "deep": deep, "half": "\ud800"})
    assert len(text) < 20_000
    assert text.replace("\n", "").isprintable()
    assert "\\u009b" in text
    text.encode()


@pytest.mark.parametrize(
    ("wanted", "error", "words"),
    [
        (({"event": "A"},), TypeError, "event must be the name of an event, a string, got dict"),
        (("A", ["plan"]), TypeError, "properties must be a dict, got list"),
        (("A", None, -1), ValueError, "within must be a number of seconds >= 0, got -1"),
        (("A", None, float("nan")), ValueError, "within must be a number of seconds >= 0, got nan"),
    ],
)
def test_a_wrong_argument_is_named(server: Emulator, wanted: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        server.assert_received(*wanted)


def test_a_comparison_that_raises_leaves_the_server_usable(server: Emulator, sender: Sender) -> None:
    class Odd:
        def __eq__(self, other: object) -> bool:
            raise RuntimeError("odd")

        __hash__ = None  # type: ignore[assignment]

    put(sender, event("A", plan="pro"))
    before = list(server._parts.log._listeners)
    with pytest.raises(RuntimeError, match="odd") as caught:
        server.assert_received("A", {"plan": Odd()})
    assert server.count("A") == 1, caught
    assert server._parts.log._listeners == before
