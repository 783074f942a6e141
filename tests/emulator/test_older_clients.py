"""What older clients and pixels send: GET /track, no body, `api_key`, `$merge`; and the faults of /track."""

from __future__ import annotations

import base64
import os
import subprocess
import sys
from typing import Any
from urllib.parse import quote

import orjson
import pytest

from mixpress.emulator import Emulator

from .conftest import Start
from .sender import FORM, JSON, NOW, Sender, event

GOOD = event(token="t")
TEXT = quote(orjson.dumps(GOOD))
BASE64 = quote(base64.b64encode(orjson.dumps([GOOD])))
STRICT = "/import?strict=1"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("data", [TEXT, BASE64, BASE64.rstrip("%3D")], ids=["json", "base64", "base64 without ="])
def test_an_event_may_be_in_the_query(server: Emulator, sender: Sender, method: str, data: str) -> None:
    answer = sender.request(method, f"/track?data={data}")
    assert (answer.status, answer.body) == (200, b"1")
    assert server.events() == [GOOD]
    [request] = server.requests()
    assert (request.method, request.path, request.status, request.events) == (method, "/track", 200, 1)


def test_a_get_has_the_parameters_of_a_post(server: Emulator, sender: Sender) -> None:
    pixel = sender.request("GET", f"/track?data={TEXT}&img=1")
    assert (pixel.headers["Content-Type"], pixel.body[:6]) == ("image/gif", b"GIF89a")
    script = sender.request("GET", f"/track?data={TEXT}&callback=f")
    assert script.headers["Content-Type"].startswith("text/javascript")
    assert script.body == b"f(1);"
    assert sender.request("GET", f"/track?data={TEXT}&verbose=1").json == {"error": None, "status": 1}
    assert sender.request("GET", f"/track?data={TEXT}&callback=1x").status == 400
    assert server.count() == 1


@pytest.mark.parametrize(
    ("method", "target", "body", "kind"),
    [
        ("GET", "/track", None, ""),
        ("GET", "/track?data=", None, ""),
        ("GET", "/track?data=%7B", None, ""),
        ("GET", "/track?data=[]", None, ""),
        ("POST", "/track", None, ""),
        ("POST", "/track", b"", FORM),
        ("POST", "/track", b"", JSON),
        ("POST", "/track", b"{", JSON),
        ("POST", "/track", b"[]", JSON),
        ("POST", "/track", b"nonsense", ""),
        ("POST", "/track", b"a=1", FORM),
        ("POST", "/track", b"data=nonsense", FORM),
    ],
)
def test_what_has_no_readable_event_is_0(
    server: Emulator, sender: Sender, method: str, target: str, body: bytes | None, kind: str
) -> None:
    headers = {"Content-Type": kind} if kind else {}
    answer = sender.request(method, target, body, headers)
    assert (answer.status, answer.body) == (200, b"0")
    joint = "&" if "?" in target else "?"
    verbose = sender.request(method, f"{target}{joint}verbose=1", body, headers).json
    assert verbose["status"] == 0
    assert verbose["error"]
    assert sender.request(method, f"{target}{joint}callback=f", body, headers).body == b"f(0);"
    assert server.count() == 0


def test_the_parameters_of_an_unreadable_form_count(sender: Sender) -> None:
    assert sender.post("/track", b"data=nonsense&verbose=1", kind=FORM).json["status"] == 0


@pytest.mark.parametrize(
    ("text", "status", "error"), [("401=1", 401, "Invalid credentials"), ("403=1", 403, "Forbidden")]
)
def test_a_denial_of_track_is_the_documented_error(start: Start, text: str, status: int, error: str) -> None:
    server, sender = start(faults=text)
    for answer in (sender.post("/track", [GOOD]), sender.request("GET", f"/track?data={TEXT}")):
        assert answer.status == status
        assert answer.json == {"error": error, "status": "error"}
    assert server.count() == 0


def test_an_api_key_counts_as_a_secret(start: Start) -> None:
    server, sender = start(credentials=[("key", "")])
    form = b"data=" + TEXT.encode()
    for body, target, status in [
        (form, "/import?api_key=key", 200),
        (form + b"&api_key=key", "/import", 200),
        (form, "/import?api_key=other", 401),
        (form + b"&api_key=other", "/import", 401),
        (form + b"&api_key=", "/import", 401),
        (form, "/import", 401),
        (b"nonsense", "/import", 401),
    ]:
        assert sender.post(target, body, kind=FORM, user=None).status == status, (body, target)
    assert server.count() == 1


def test_an_api_key_in_the_query_is_not_shown() -> None:
    seen: list[Any] = []
    with Emulator(before=seen.append) as server:
        sender = Sender(server.url)
        assert sender.post("/import?api_key=canary&verbose=1", [event()], user=None).status == 200
        sender.close()
    assert [dict(request.query) for request in seen] == [{"verbose": "1"}]
    assert "canary" not in repr(seen)


def test_a_merge_needs_only_its_two_ids(server: Emulator, sender: Sender) -> None:
    merge = {"event": "$merge", "properties": {"$distinct_ids": ["a", "b"]}}
    assert sender.post(STRICT, [merge]).status == 200
    [stored] = server.events()
    assert stored == {"event": "$merge", "properties": {"$distinct_ids": ["a", "b"], "time": NOW * 1000}}


@pytest.mark.parametrize("ids", [..., None, [], ["a"], ["a", "b", "c"], ["a", 7], ["a", ""], "ab"])
def test_a_merge_without_two_ids_is_refused(server: Emulator, sender: Sender, ids: object) -> None:
    properties = {} if ids is ... else {"$distinct_ids": ids}
    answer = sender.post(STRICT, [{"event": "$merge", "properties": properties}])
    assert answer.failures[0][:2] == (0, "properties.$distinct_ids")
    assert server.count() == 0


OPEN_AT_EXIT = """
import atexit, urllib.request
from mixpress.emulator import Emulator

server = Emulator().__enter__()

def send():
    for _ in range(3):
        request = urllib.request.Request(server.url + "/track", b"[]", {"Content-Type": "application/json"})
        with urllib.request.urlopen(request) as reply:
            print(reply.status)

atexit.register(send)
"""


def test_an_emulator_that_is_open_at_exit_answers_and_ends_with_the_process() -> None:
    done = subprocess.run(
        [sys.executable, "-c", OPEN_AT_EXIT], capture_output=True, text=True, timeout=20, check=False, env=os.environ
    )
    assert (done.returncode, done.stdout.split(), done.stderr) == (0, ["200"] * 3, "")
