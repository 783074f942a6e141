"""POST /track: the token, and the parameters `ip`, `verbose`, `img` and `callback`."""

from __future__ import annotations

from urllib.parse import quote

import orjson
import pytest

from mixpress.emulator import Emulator

from .sender import FORM, JSON, NDJSON, NOW, Sender, event

GOOD = event(token="t")
BAD = event(token="")
NO_TOKEN = "'properties.token' must not be missing or blank"


@pytest.mark.parametrize(
    ("kind", "body"),
    [(JSON, orjson.dumps([GOOD])), (FORM, b"data=" + quote(orjson.dumps([GOOD])).encode())],
    ids=["json", "form"],
)
@pytest.mark.parametrize("packed", [False, True], ids=["plain", "gzip"])
def test_track_needs_no_credentials(server: Emulator, sender: Sender, kind: str, body: bytes, packed: bool) -> None:
    answer = sender.post("/track", body, kind=kind, packed=packed, user=None)
    assert (answer.status, answer.body) == (200, b"1")
    assert server.events(endpoint="/track") == [GOOD]


@pytest.mark.parametrize("token", [..., "", None, 7, ["t"]])
def test_an_event_needs_a_token(server: Emulator, sender: Sender, token: object) -> None:
    sent = event(token=token)
    assert sender.post("/track", [sent]).body == b"0"
    assert sender.post("/track?verbose=1", [sent]).json == {"error": NO_TOKEN, "status": 0}
    assert server.count() == 0


def test_one_valid_event_is_enough_for_a_success(server: Emulator, sender: Sender) -> None:
    assert sender.post("/track?verbose=1", [BAD, GOOD]).json == {"error": None, "status": 1}
    assert server.events() == [GOOD]


def test_strict_has_no_effect(sender: Sender) -> None:
    assert sender.post("/track?strict=1", [BAD]).body == b"0"


def test_an_event_needs_only_a_token(server: Emulator, sender: Sender) -> None:
    assert sender.post("/track", [{"event": "e", "properties": {"token": "t"}}]).body == b"1"
    assert server.events() == [{"event": "e", "properties": {"token": "t", "time": NOW * 1000}}]


def test_form_fields_are_parameters(sender: Sender) -> None:
    body = b"verbose=1&data=" + quote(orjson.dumps(GOOD)).encode()
    assert sender.post("/track", body, kind=FORM).json == {"error": None, "status": 1}
    assert sender.post("/track?verbose=0", body, kind=FORM).body == b"1"


def test_ip_adds_an_id_to_an_event_without_one(server: Emulator, sender: Sender) -> None:
    nameless = event(token="t", distinct_id=...)
    assert sender.post("/track?ip=1", [{**nameless, "event": "a"}, {**nameless, "event": "b"}]).body == b"1"
    ids = {stored["properties"].get("distinct_id") for stored in server.events()}
    assert len(ids) == 1
    [computed] = ids
    assert len(computed) == 36
    assert "127.0.0.1" not in computed


@pytest.mark.parametrize(
    ("target", "distinct_id"), [("/track?ip=0", ...), ("/track", ...), ("/track?ip=1", ""), ("/track?ip=1", "user")]
)
def test_ip_does_not_change_other_events(server: Emulator, sender: Sender, target: str, distinct_id: object) -> None:
    sent = event(token="t", distinct_id=distinct_id)
    assert sender.post(target, [sent]).body == b"1"
    assert server.events() == [sent]


def test_ip_is_the_address_of_the_connection(server: Emulator, sender: Sender) -> None:
    nameless = event(token="t", distinct_id=...)
    for number, headers in enumerate([{}, {"X-Forwarded-For": "203.0.113.9"}]):
        sender.post("/track?ip=1", [{**nameless, "event": str(number)}], headers=headers)
    assert len({stored["properties"]["distinct_id"] for stored in server.events()}) == 1


def test_parameters_of_track_have_no_effect_on_import(server: Emulator, sender: Sender) -> None:
    assert sender.post("/import?ip=1&img=1&callback=;", [event(distinct_id=...)]).body == b"1"
    assert server.events() == [event(distinct_id=...)]


@pytest.mark.parametrize("sent", [GOOD, BAD])
def test_img_returns_a_transparent_pixel(sender: Sender, sent: object) -> None:
    answer = sender.post("/track?img=1&verbose=1&callback=f", [sent])
    assert (answer.status, answer.headers["Content-Type"]) == (200, "image/gif")
    assert answer.body.startswith(b"GIF89a\x01\x00\x01\x00")  # 1 wide, 1 high
    assert answer.body.endswith(b";")
    # A graphic control extension with the transparency flag.
    assert b"\x21\xf9\x04\x01" in answer.body


@pytest.mark.parametrize("name", ["f", "$", "_then", "app.taken", "a1.b2.$c", "x" * 128])
def test_callback_wraps_the_reply(server: Emulator, sender: Sender, name: str) -> None:
    answer = sender.post(f"/track?callback={name}", [GOOD])
    assert answer.headers["Content-Type"].startswith("text/javascript")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.body == f"{name}(1);".encode()
    assert server.count() == 1


def test_callback_wraps_the_verbose_reply(sender: Sender) -> None:
    assert sender.post("/track?callback=f&verbose=1", [GOOD]).body == b'f({"error":null,"status":1});'
    assert sender.post("/track?callback=f&verbose=1", [BAD]).body.startswith(b'f({"error":"\'properties.token')
    assert sender.post("/track?callback=f", [BAD]).body == b"f(0);"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "1f",
        "alert(1)",
        "f;g",
        "a..b",
        ".a",
        "a.",
        "a b",
        "f\n",
        "a-b",
        "a[0]",
        "<script>",
        "\u00e4",
        "a\u00e4",
        "x" * 129,
    ],
)
def test_callback_must_be_the_name_of_a_function(server: Emulator, sender: Sender, name: str) -> None:
    answer = sender.post(f"/track?callback={quote(name)}", [GOOD])
    assert answer.status == 400
    error = "'callback' is invalid: must be the name of a JavaScript function"
    assert answer.json == {"error": error, "status": "error"}
    assert server.count() == 0


@pytest.mark.parametrize(
    ("kind", "content", "status"),
    [(NDJSON, b"{}", 415), ("text/plain", b"[]", 415), (JSON, [GOOD] * 2001, 400)],
)
def test_errors_have_the_shape_of_track(sender: Sender, kind: str, content: object, status: int) -> None:
    answer = sender.post("/track", content, kind=kind)
    assert answer.status == status
    assert (set(answer.json), answer.json["status"]) == ({"error", "status"}, "error")
