"""Pages of other sites cannot use the control API, and no credential is shown by it."""

from __future__ import annotations

import base64
import logging
from pathlib import Path

import orjson
import pytest

from mixpress.emulator import Emulator, Request
from mixpress.emulator.control.guard import Guard
from mixpress.emulator.request import hide_credentials

from .conftest import Start
from .sender import Sender, event

OWN = {"host": "127.0.0.1:8400"}
PATHS = ["/_emulator/events", "/", "/page/main.js"]


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:8400", "127.0.0.1", "127.9.9.9:1", "localhost:8400", "LOCALHOST", "a.localhost:80", "[::1]:8400"],
)
def test_names_of_this_machine_are_accepted(host: str) -> None:
    assert Guard().refusal("GET", "/_emulator/events", {"host": host}) is None


@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "evil.example:8400",
        "localhost.evil.example",
        "evil-localhost",
        "127.0.0.1.evil.example",
        "128.0.0.1",
        "0.0.0.0:8400",
        "[::2]:8400",
        "",
        "localhost:port",
        "user@localhost",
        "localhost/x",
        "local host",
        "[::1",
        "a,localhost",
        "0x7f.1",
    ],
)
def test_other_names_are_refused(host: str) -> None:
    for path in PATHS:
        assert "Host header" in (Guard().refusal("GET", path, {"host": host}) or "")


def test_an_emulator_for_other_machines_answers_to_addresses_and_names_of_its_network() -> None:
    guard = Guard(only_loopback=False, hosts=frozenset({"mixpanel.test"}))
    for host in ["emulator:8400", "192.168.1.5:8400", "[fe80::1]:8400", "localhost", "mixpanel.test"]:
        assert guard.refusal("GET", "/", {"host": host}) is None
    for host in ["evil.example:8400", "mixpanel.test.evil.example", "192.168.1.5.evil.example"]:
        assert "--allowed-host" in (guard.refusal("GET", "/", {"host": host}) or "")
    assert guard.refusal("GET", "/", {"host": "emulator:8400", "origin": "http://evil.example"}) is not None


def test_an_allowed_host_is_answered_and_another_is_not(start: Start) -> None:
    _, sender = start(allowed_hosts=["Mixpanel.test"])
    for host, status in [("mixpanel.test:8400", 200), ("other.test", 403)]:
        assert sender.request("GET", "/_emulator/ready", headers={"Host": host}).status == status
    for wrong in ["http://mixpanel.test", "mixpanel.test:8400", ""]:
        with pytest.raises(ValueError, match="an allowed host must be a name without scheme and port"):
            Emulator(allowed_hosts=[wrong])
    with pytest.raises(TypeError, match="must be a list of names"):
        Emulator(allowed_hosts="mixpanel.test")


@pytest.mark.parametrize(
    ("origin", "accepted"),
    [
        ("http://127.0.0.1:8400", True),
        ("https://127.0.0.1:8400", True),
        ("http://127.0.0.1:3000", False),
        ("http://localhost:8400", False),
        ("http://evil.example", False),
        ("http://evil.example/127.0.0.1:8400", False),
        ("http://127.0.0.1:8400.evil.example", False),
        ("null", False),
        ("", False),
        ("file://127.0.0.1:8400", False),
        ("http://[", False),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "OPTIONS"])
def test_requests_of_another_origin_are_refused(method: str, origin: str, accepted: bool) -> None:
    for path in PATHS:
        refusal = Guard().refusal(method, path, {**OWN, "origin": origin})
        assert (refusal is None) == accepted


@pytest.mark.parametrize(
    ("site", "accepted"), [("same-origin", True), ("none", True), ("same-site", False), ("cross-site", False)]
)
def test_requests_of_another_site_are_refused(site: str, accepted: bool) -> None:
    for path in PATHS:
        assert (Guard().refusal("GET", path, {**OWN, "sec-fetch-site": site}) is None) == accepted


def test_a_link_of_another_site_may_open_the_page_and_nothing_else() -> None:
    link = {**OWN, "sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    assert Guard().refusal("GET", "/", link) is None
    assert Guard().refusal("GET", "/_emulator/events", link) is not None
    assert Guard().refusal("GET", "/", {**link, "sec-fetch-dest": "iframe"}) is not None
    assert Guard().refusal("GET", "/", {**link, "sec-fetch-mode": "no-cors"}) is not None


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("GET", "/_emulator/events"),
        ("GET", "/_emulator/live"),
        ("GET", "/%5Femulator/events"),
        ("GET", "/_emulator/nothing"),
        ("OPTIONS", "/_emulator/sql"),
        ("POST", "/_emulator/reset"),
        ("PUT", "/_emulator/faults"),
        ("GET", "/"),
        ("GET", "/page/main.js"),
    ],
)
@pytest.mark.parametrize(
    "headers", [{"Host": "evil.example"}, {"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}]
)
def test_every_route_is_guarded(
    server: Emulator, sender: Sender, method: str, target: str, headers: dict[str, str]
) -> None:
    sender.post("/import", [event()])
    answer = sender.request(method, target, None, headers)
    assert answer.status == 403
    assert list(answer.json) == ["error"]
    assert not [name for name in answer.headers if name.lower().startswith("access-control")]
    assert server.count() == 1


@pytest.mark.parametrize("target", ["/_emulator/events", "/_emulator/nothing", "/_emulator/ready", "/_emulator/stats"])
def test_replies_are_neither_stored_nor_sniffed_nor_shared(server: Emulator, sender: Sender, target: str) -> None:
    headers = sender.request("GET", target, None, {"Origin": server.url}).headers
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert not [name for name in headers if name.lower().startswith("access-control")]


FOREIGN = [
    {"Origin": "http://shop.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.mark.parametrize("headers", FOREIGN)
def test_any_page_may_track_and_none_may_import(server: Emulator, sender: Sender, headers: dict[str, str]) -> None:
    """A form of another site's page needs no preflight, and can have any `api_key`."""
    form = f"api_key=x&data=[{orjson.dumps(event()).decode()}]".encode()
    answer = sender.post("/import?strict=1", form, kind="application/x-www-form-urlencoded", user=None, headers=headers)
    assert answer.status == 403
    assert (answer.json["code"], answer.json["status"]) == (403, "Forbidden")
    assert "the request comes from a page of another" in answer.json["error"]
    assert (server.count(), server.requests()) == (0, [])
    assert sender.post("/track", [event(token="t")], headers=headers).status == 200
    assert sender.post("/track/", [event("B", token="t")], headers=headers).status == 200
    assert server.count() == 2


def test_ingestion_has_any_host_and_takes_the_emulators_own_page(server: Emulator, sender: Sender) -> None:
    assert sender.post("/import?strict=1", [event()], headers={"Host": "events.example"}).status == 200
    own = {"Origin": server.url, "Sec-Fetch-Site": "same-origin"}
    assert sender.post("/import?strict=1", [event("B")], headers=own).status == 200


@pytest.mark.parametrize("headers", FOREIGN)
@pytest.mark.parametrize(("method", "target"), [("GET", "/unknown"), ("POST", "/"), ("GET", "/import")])
def test_pages_of_other_sites_cannot_replace_the_log(
    server: Emulator, sender: Sender, method: str, target: str, headers: dict[str, str]
) -> None:
    sender.post("/import", [event()])
    assert sender.request(method, target, None, headers).status == 403
    assert [request.number for request in server.requests()] == [1]
    assert sender.request(method, target).status in {404, 405}
    assert len(server.requests()) == 2


def test_the_terminal_shows_no_control_character_and_no_long_path(
    sender: Sender, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "mixpress.emulator")
    for headers in [None, FOREIGN[0]]:
        sender.request("GET", "/%1b]0;x%07%0Aforged%C2%9B" + "a" * 5000, None, headers)
    for record in caplog.records:
        line = record.getMessage()
        assert line.startswith("GET /\\u001b]0;x\\u0007\\nforged\\u009baaa")
        assert line.isprintable()
        assert len(line) < 500
    assert len(caplog.records) == 2


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "evil.example", ""])
def test_other_machines_need_a_decision(host: str) -> None:
    with pytest.raises(ValueError, match="must be 127"):
        Emulator(host=host)
    if host in {"evil.example", ""}:
        with pytest.raises(ValueError, match="host must be localhost or an IP address"):
            Emulator(host=host, allow_other_hosts=True)
    else:
        Emulator(host=host, allow_other_hosts=True)


def test_an_emulator_for_other_machines_answers_under_any_name(start: Start) -> None:
    server, _ = start(host="0.0.0.0", allow_other_hosts=True)
    sender = Sender(server.url.replace("0.0.0.0", "127.0.0.1"))
    assert sender.request("GET", "/_emulator/ready", None, {"Host": "emulator:8400"}).status == 200
    sender.close()


# -- credentials

CANARY = "canary-7f3a"
SECRET_HEADERS = {
    "Proxy-Authorization": f"Basic {CANARY}",
    "Cookie": f"session={CANARY}",
    "X-Api-Key": CANARY,
    "Api-Key": CANARY,
    "X-Auth-Token": CANARY,
    "X-Amz-Security-Token": CANARY,
    "X-CSRF-Token": CANARY,
    "X-Goog-Signature": CANARY,
    "Referer": f"http://127.0.0.1/?api_key={CANARY}",
    "X-Original-URI": f"/import?strict=1&api_key={CANARY}",
    "Ocp-Apim-Subscription-Key": CANARY,
}


def test_credentials_are_hidden_and_all_else_is_shown() -> None:
    shown = hide_credentials(
        {"user-agent": "x?y=1", "authorization": "Basic x", "referer": "http://a/b?c", "x-request-id": "1"}
    )
    assert shown == {"user-agent": "x?y=1", "authorization": "***", "referer": "http://a/b", "x-request-id": "1"}


@pytest.mark.parametrize(
    "name",
    [
        *["ocp-apim-subscription-key", "x-functions-key", "X-Access-Key", "x-goog-iap-jwt-assertion", "x-bearer"],
        *["key", "pwd", "sig", "x-sig", "x_sig", "jwt", "assertion"],
    ],
)
def test_names_of_credentials_are_recognised(name: str) -> None:
    assert hide_credentials({name: CANARY}) == {name: "***"}


def test_names_with_a_part_of_such_a_name_are_shown() -> None:
    shown = {"x-design": "a", "signal": "b", "assigned": "c"}
    assert hide_credentials(shown) == shown


@pytest.mark.parametrize(
    "query",
    [
        *[f"?api_key={CANARY}&token=1", f"?a=1&token={CANARY}", f"?api%5Fkey={CANARY}", f"?next=/x%3Ftoken%3D{CANARY}"],
        *[f"%3Ftoken%3D{CANARY}", f"%3fSIG%3d{CANARY}", f"%253Ftoken%253D{CANARY}"],
    ],
)
def test_a_url_in_a_value_is_shown_without_the_credentials_in_its_query(query: str) -> None:
    for name in ["x-original-uri", "x-envoy-original-path", "x-forwarded-uri", "redirect"]:
        assert hide_credentials({name: f"/import{query}"}) == {name: "/import"}


def test_no_route_and_no_log_shows_a_credential(start: Start, caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    caplog.set_level(logging.DEBUG)
    seen: list[Request] = []
    server, sender = start(before=seen.append, db=tmp_path / "events.db")
    sent = [event("A"), event("B", insert_id="")]
    for target in ["/import?strict=1&project_id=1", f"/import?api_key={CANARY}&token={CANARY}", "/nothing"]:
        for user in [f"{CANARY}:", f"robot:{CANARY}", None]:
            sender.post(target, sent, user=user, headers=SECRET_HEADERS)
    sender.request("GET", f"/track?data=e30%3D&api_key={CANARY}&password={CANARY}", None, SECRET_HEADERS)
    form = f"data=%5B%5D&api_key={CANARY}".encode()
    sender.post("/import", form, kind="application/x-www-form-urlencoded", user=None)
    bodies = []
    for name in ["ready", "events", "refused", "requests?limit=1000", "stats", "faults", "nothing"]:
        bodies.append(sender.request("GET", f"/_emulator/{name}", None, SECRET_HEADERS).body.decode())
    query = b'{"sql":"SELECT * FROM events"}'
    headers = {"Content-Type": "application/json", **SECRET_HEADERS}
    bodies.append(sender.request("POST", "/_emulator/sql", query, headers).body.decode())
    logged = [record.getMessage() for record in caplog.records if not record.name.startswith("urllib3")]  # the client's
    shown = [*bodies, *logged, repr(server), repr(server.requests()), repr(server.refused()), repr(server.stats())]
    shown += [repr([request.headers for request in seen])]
    hidden = [CANARY, base64.b64encode(CANARY.encode()).decode()[:12]]
    assert [text for text in shown if any(secret in text for secret in hidden)] == []
    assert '"authorization":"***"' in bodies[3]
    assert '"cookie":"***"' in bodies[3]
    assert not [path for path in tmp_path.iterdir() if CANARY.encode() in path.read_bytes()]
