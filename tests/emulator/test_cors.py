"""Scripts of other sites may use /track, /engage and /groups, as with the API, and nothing else."""

from __future__ import annotations

from urllib.parse import quote

import orjson
import pytest

from mixpress.emulator import Emulator, RateLimit

from .conftest import Start
from .sender import FORM, Sender, event

GOOD = event(token="t")
FORM_BODY = b"data=" + quote(orjson.dumps([GOOD])).encode()
ORIGIN = {"Origin": "https://app.example.com"}


@pytest.mark.parametrize("target", [path + end for path in ("/track", "/engage", "/groups") for end in ("", "/")])
def test_a_browser_may_ask_whether_it_may_send(server: Emulator, sender: Sender, target: str) -> None:
    asked = {**ORIGIN, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-requested-with"}
    answer = sender.request("OPTIONS", target, headers=asked)
    assert (answer.status, answer.body) == (204, b"")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    methods = "GET, POST, OPTIONS" if target.startswith("/track") else "POST, OPTIONS"
    assert answer.headers["Access-Control-Allow-Methods"] == methods
    assert answer.headers["Access-Control-Allow-Headers"] == "X-Requested-With"
    assert server.requests() == []


@pytest.mark.parametrize(
    ("target", "body", "status"),
    [
        ("/track?verbose=1&ip=1", FORM_BODY, 200),
        ("/track/?verbose=1", FORM_BODY, 200),
        ("/track", b"data=nonsense", 200),
        ("/track?callback=1x", FORM_BODY, 400),
        ("/track", FORM_BODY + b"&x=" + b"x" * 5000, 413),
        ("/engage", FORM_BODY, 200),
        ("/groups/?verbose=1", FORM_BODY, 200),
    ],
)
def test_a_script_may_read_every_reply_of_track(start: Start, target: str, body: bytes, status: int) -> None:
    _, sender = start(max_body_bytes=1000)
    answer = sender.post(target, body, kind=FORM, user=None, headers=ORIGIN)
    assert answer.status == status
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_script_may_read_a_429(start: Start) -> None:
    _, sender = start(rate_limit=RateLimit(events=1, bytes=10_000))
    statuses = []
    for _ in range(2):
        answer = sender.post("/track", FORM_BODY, kind=FORM, user=None, headers=ORIGIN)
        statuses.append((answer.status, answer.headers["Access-Control-Allow-Origin"]))
    assert statuses == [(200, "*"), (429, "*")]


@pytest.mark.parametrize("method", ["POST", "OPTIONS", "GET"])
@pytest.mark.parametrize("target", ["/import", "/import?strict=1", "/", "/_emulator/stats"])
def test_no_other_reply_can_be_read(sender: Sender, method: str, target: str) -> None:
    answer = sender.request(method, target, b"[]" if method == "POST" else None, ORIGIN)
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]


def test_track_with_a_slash_is_track(server: Emulator, sender: Sender) -> None:
    assert sender.post("/track/?ip=1&verbose=1", FORM_BODY, kind=FORM).json == {"error": None, "status": 1}
    assert sender.request("GET", f"/track/?data={quote(orjson.dumps(GOOD))}").body == b"1"
    assert server.events(endpoint="/track") == [GOOD]
    assert [request.path for request in server.requests()] == ["/track", "/track"]
