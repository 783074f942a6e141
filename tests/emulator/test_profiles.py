"""`limits="observed"`: what the real server is reported to do where the documentation says something else."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mixpress.emulator import Emulator
from mixpress.emulator.finish import _cut_text
from mixpress.emulator.limits import DOCUMENTED, OBSERVED, profile

from .conftest import Start
from .sender import FORM, Sender, event
from .test_rules import nested, sized

STRICT = "/import?strict=1"


@pytest.fixture
def observed(start: Start) -> tuple[Emulator, Sender]:
    return start(limits="observed")


def test_objects_may_be_nested_ten_deep(observed: tuple[Emulator, Sender]) -> None:
    _, sender = observed
    assert sender.post(STRICT, [event(inner=nested(10))]).status == 200
    [(_, _, message)] = sender.post(STRICT, [event(inner=nested(11))]).failures
    assert message.endswith("objects must not be nested deeper than 10")


@pytest.mark.parametrize(("size", "status"), [(10 * 2**20, 200), (10 * 2**20 + 1, 413)])
def test_ten_megabytes_are_mebibytes(observed: tuple[Emulator, Sender], size: int, status: int) -> None:
    _, sender = observed
    answer = sender.post(STRICT, b"[" + b" " * (size - 2) + b"]")
    assert answer.status == status
    if status == 413:
        assert answer.json["error"] == "request exceeds max limit of 10485760 bytes"


def test_a_megabyte_is_a_mebibyte(observed: tuple[Emulator, Sender]) -> None:
    _, sender = observed
    assert sender.post(STRICT, [sized(2**20 - 1)]).status == 200
    message = "the event is invalid: must be smaller than 1048576 bytes of JSON"
    assert sender.post(STRICT, [sized(2**20)]).failures == [(0, "", message)]


@pytest.mark.parametrize(
    ("text", "characters", "octets"),
    [
        ("x" * 256, "x" * 255, "x" * 255),
        ("\u00e9" * 255, "\u00e9" * 255, "\u00e9" * 127),
        ("\u00e9" * 256, "\u00e9" * 255, "\u00e9" * 127),
        ("\u20ac" * 90, "\u20ac" * 90, "\u20ac" * 85),
        ("\U0001f600" * 64, "\U0001f600" * 64, "\U0001f600" * 63),
        ("x" * 254 + "\u00e9", "x" * 254 + "\u00e9", "x" * 254),
        ("x" * 253 + "\u00e9", "x" * 253 + "\u00e9", "x" * 253 + "\u00e9"),
    ],
    ids=["ascii", "255 of 2 bytes", "256 of 2 bytes", "3 bytes", "4 bytes", "254 + 2 bytes", "253 + 2 bytes"],
)
def test_strings_are_cut_to_255_characters_or_bytes(start: Start, text: str, characters: str, octets: str) -> None:
    sent = event(text, distinct_id=text, items=[text, {"inner": text}], **{text: 1})
    for limits, cut in (("documented", characters), ("observed", octets)):
        server, sender = start(limits=limits)
        for body in (orjson.dumps([sent]), b'[{"x":1},' + orjson.dumps(sent) + b"]"):
            sender.post("/import", body)
        expected = event(cut, distinct_id=cut, items=[cut, {"inner": cut}], **{cut: 1})
        assert server.events() == [expected]


def test_an_escaped_character_is_cut_by_its_bytes(observed: tuple[Emulator, Sender]) -> None:
    server, sender = observed
    body = orjson.dumps([event(text="?")]).replace(b'"?"', b'"' + rb"\u20ac" * 100 + b'"')
    assert body.isascii()
    assert sender.post(STRICT, body).status == 200
    assert server.events() == [event(text="\u20ac" * 85)]


@given(st.text(max_size=300) | st.text("\u00e9\u20ac\U0001f600x", min_size=60, max_size=300))
def test_no_character_is_cut_in_two(text: str) -> None:
    cut = _cut_text(text)
    assert text.startswith(cut)
    assert len(cut.encode()) <= 255
    assert cut == text or len(text[: len(cut) + 1].encode()) > 255


def test_numbers_replace_those_of_the_profile() -> None:
    assert profile("documented") == DOCUMENTED
    assert profile("observed", 5) == profile("observed", max_depth=5)
    limits = profile("observed", max_depth=3, max_body_bytes=10)
    assert (limits.max_depth, limits.max_body_bytes) == (3, 10)
    assert (limits.max_event_bytes, limits.string_unit) == (OBSERVED.max_event_bytes, "bytes")


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        ({"limits": "real"}, "limits must be 'documented' or 'observed', got 'real'"),
        ({"limits": None}, "limits must be 'documented' or 'observed', got None"),
        ({"max_depth": 0}, "max_depth must be an integer >= 1, got 0"),
        ({"max_body_bytes": 1.5}, "max_body_bytes must be an integer >= 1, got 1.5"),
        ({"identity": "merged"}, "identity must be 'original' or 'simplified', got 'merged'"),
    ],
)
def test_an_invalid_option_names_what_is_allowed(settings: Any, sentence: str) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011 - compared below
        Emulator(**settings)
    assert str(error.value) == sentence


def test_the_official_client_may_send_more_than_50_events(server: Emulator, sender: Sender) -> None:
    from urllib.parse import urlencode

    data = orjson.dumps([event(token="t", insert_id=f"id-{number}") for number in range(51)]).decode()
    form = urlencode({"data": data, "verbose": 1, "ip": 0}).encode()
    assert sender.post("/track", form, kind=FORM).json == {"error": None, "status": 1}
    assert server.count() == 51
