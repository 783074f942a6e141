"""The default mode where it differs from the official client, whose faults it does not have."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
import threading
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl

import mixpanel
import pytest
import requests
import requests_mock
import responses

from mixpress.compat.mixpanel import BufferedConsumer, Consumer, MixpanelException

TRACK = "https://api.mixpanel.com/track"
ENGAGE = "https://api.mixpanel.com/engage"
IMPORT = "https://api.mixpanel.com/import"
TAKEN = {"status": 1, "error": None}
REFUSED = {"status": 0, "error": "not now"}


@pytest.fixture
def server() -> Iterator[responses.RequestsMock]:
    with responses.RequestsMock() as mock:
        yield mock


def sent(server: responses.RequestsMock) -> list[Any]:
    return [json.loads(data_of(call.request)) for call in server.calls]


def data_of(request: Any) -> str:
    body = request.body.decode() if isinstance(request.body, bytes) else request.body
    return str(dict(parse_qsl(body))["data"])


# Replies


@pytest.mark.parametrize(
    "reply", [{"status": "OK"}, {"code": 200, "num_records_imported": 1, "status": "OK"}, {}, {"error": None}, 1]
)
def test_every_form_of_success_is_recognized(server: responses.RequestsMock, reply: Any) -> None:
    server.post(TRACK, json=reply)
    Consumer().send("events", "{}")
    assert len(server.calls) == 1


@pytest.mark.parametrize(
    ("status", "reply", "said"),
    [
        (400, {"code": 400, "error": "some data points failed", "status": "Bad Request"}, "some data points failed"),
        (413, {"code": 413, "error": "request exceeds max limit of 9 bytes"}, "request exceeds max limit of 9 bytes"),
        (429, {"error": "slow down", "status": 0}, "slow down"),
        (200, {"error": "bad token"}, "bad token"),
        (403, {}, "the server answered 403 with the status None"),
        (200, {"status": 0}, "the server answered 200 with the status 0"),
        (200, {"status": "error"}, "the server answered 200 with the status 'error'"),
        (200, 0, "the server answered 0"),
        (404, 1, "the server answered 1"),
        (200, [], r"the server answered \[\]"),
    ],
)
def test_every_form_of_failure_raises(server: responses.RequestsMock, status: int, reply: Any, said: str) -> None:
    server.post(TRACK, json=reply, status=status)
    with pytest.raises(MixpanelException, match=f"^Mixpanel error: {said}$"):
        Consumer().send("events", "{}")


@pytest.mark.parametrize(
    "body",
    [
        "<p>no right, a-secret, YS1zZWNyZXQ6, YWNjb3VudDphLXNlY3JldA==</p>",
        '{"status": 0, "error": "unknown: a-secret"}',
    ],
)
def test_a_quoted_reply_does_not_show_the_secret(server: responses.RequestsMock, body: str) -> None:
    server.post(IMPORT, body=body, status=403)
    with pytest.raises(MixpanelException) as by_secret:
        Consumer().send("imports", "{}", None, "a-secret")
    account = mixpanel.ServiceAccountCredentials("account", "a-secret", "17")
    with pytest.raises(MixpanelException) as by_account:
        Consumer(credentials=account).send("imports", "{}")
    assert "YS1zZWNyZXQ6" not in str(by_secret.value)
    assert "YWNjb3VudDphLXNlY3JldA==" not in str(by_account.value)
    for caught in (by_secret, by_account):
        assert "a-secret" not in str(caught.value)
        assert "***" in str(caught.value)


# The buffer


def test_messages_delivered_before_a_failure_are_not_sent_again(server: responses.RequestsMock) -> None:
    for reply in (TAKEN, REFUSED, TAKEN, TAKEN):
        server.post(TRACK, json=reply)
    consumer = BufferedConsumer(2)
    consumer._buffers["events"].extend(waiting(number) for number in range(5))
    with pytest.raises(MixpanelException) as caught:
        consumer.flush()
    assert caught.value.message == "[2,3]"
    consumer.flush()
    assert sent(server) == [[0, 1], [2, 3], [2, 3], [4]]


def waiting(number: int) -> Any:
    from mixpress.compat.mixpanel.buffered import _Waiting

    return _Waiting(str(number), (None, None))


def test_a_failing_endpoint_does_not_stop_the_others(server: responses.RequestsMock) -> None:
    server.post(TRACK, json=REFUSED)
    server.post(ENGAGE, json=TAKEN)
    consumer = BufferedConsumer()
    consumer.send("events", "1")
    consumer.send("people", "2")
    with pytest.raises(MixpanelException) as caught:
        consumer.flush()
    assert (caught.value.endpoint, caught.value.message) == ("events", "[1]")
    assert sent(server) == [[1], [2]]


def test_an_interrupted_batch_stays_in_the_buffer(server: responses.RequestsMock) -> None:
    consumer = BufferedConsumer()
    consumer.send("events", "1")

    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    official, consumer._consumer.send = consumer._consumer.send, interrupt  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        consumer.flush()
    consumer._consumer.send = official  # type: ignore[method-assign]
    server.post(TRACK, json=TAKEN)
    consumer.flush()
    assert sent(server) == [[1]]


def test_messages_are_sent_with_their_own_secrets(server: responses.RequestsMock) -> None:
    server.post(IMPORT, json=TAKEN)
    consumer = BufferedConsumer()
    for number, secret in enumerate(["one", "one", "two", "one"]):
        consumer.send("imports", str(number), None, secret)
    consumer.flush()
    assert sent(server) == [[0, 1], [2], [3]]
    assert len({call.request.headers["Authorization"] for call in server.calls}) == 2


@pytest.mark.parametrize("size", [0, -3])
def test_a_size_below_one_counts_as_one(server: responses.RequestsMock, size: int) -> None:
    server.post(TRACK, json=TAKEN)
    BufferedConsumer(size).send("events", "1")
    assert sent(server) == [[1]]


def test_threads_lose_no_message_and_send_none_twice() -> None:
    class Server:
        def __init__(self) -> None:
            self.messages: list[Any] = []

        def send(self, _endpoint: str, messages: str, api_key: Any = None) -> None:
            self.messages += json.loads(messages)

    consumer = BufferedConsumer(7)
    consumer._consumer = server = Server()  # type: ignore[assignment]
    start = threading.Barrier(8)

    def run(thread: int) -> None:
        start.wait()
        for number in range(2000):
            consumer.send("events", str(thread * 2000 + number))
            if number % 100 == 0:
                consumer.flush()

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        threads = [threading.Thread(target=run, args=[number]) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    consumer.flush()
    assert sorted(server.messages) == list(range(16_000))


# NaN


def test_nan_in_an_event_is_sent_as_null_and_the_rest_is_unchanged(
    server: responses.RequestsMock, caplog: pytest.LogCaptureFixture
) -> None:
    server.post(TRACK, json=TAKEN)
    given = r'{"a": NaN,"b":[-Infinity, 1.50,{"NaN":"Infinity \" NaN"}],"c":Infinity}'
    Consumer().send("events", given)
    assert data_of(server.calls[0].request) == r'{"a": null,"b":[null, 1.50,{"NaN":"Infinity \" NaN"}],"c":null}'
    [record] = caplog.records
    assert (record.name, record.levelno) == ("mixpress", logging.WARNING)
    assert record.getMessage().endswith("null was sent for a, b[0], c")


def test_nan_does_not_affect_other_events(server: responses.RequestsMock) -> None:
    server.post(TRACK, json=TAKEN)
    consumer = BufferedConsumer()
    client = mixpanel.Mixpanel("token", consumer=consumer)
    client.track("user", "Seen", {"score": float("nan")})
    client.track("user", "Seen", {"score": 1.5})
    consumer.flush()
    [messages] = sent(server)
    assert [one["properties"]["score"] for one in messages] == [None, 1.5]


@pytest.mark.parametrize("make", [Consumer, BufferedConsumer])
@pytest.mark.parametrize("method", ["people_increment", "people_set"])
def test_an_update_with_nan_raises_at_the_call(make: Any, method: str) -> None:
    client = mixpanel.Mixpanel("token", consumer=make())
    with pytest.raises(MixpanelException, match=r"NaN or infinity, found at: \$(add|set)\.score") as caught:
        getattr(client, method)("user", {"score": float("inf"), "good": 1})
    assert caught.value.endpoint == "people"
    assert "Infinity" in caught.value.message


@pytest.mark.parametrize("message", ['{"name":"NaN"}', "{Infinitys", '{"a":"'])
def test_the_text_nan_is_not_changed(server: responses.RequestsMock, message: str) -> None:
    server.post(ENGAGE, json=TAKEN)
    Consumer().send("people", message)
    assert data_of(server.calls[0].request) == message


def test_nan_in_a_message_that_is_not_json(server: responses.RequestsMock) -> None:
    server.post(TRACK, json=TAKEN)
    Consumer().send("events", "{broken NaN")
    assert data_of(server.calls[0].request) == "{broken null"
    with pytest.raises(MixpanelException, match="a message that is not JSON"):
        Consumer().send("groups", "{broken NaN")


# Mocks, adapters, options and missing packages


def test_requests_mock_sees_the_requests() -> None:
    with requests_mock.Mocker() as mock:
        mock.post(TRACK, json=TAKEN)
        Consumer().send("events", "{}")
        assert mock.call_count == 1


def test_an_adapter_mounted_on_the_session_is_used() -> None:
    class Adapter(requests.adapters.BaseAdapter):
        def send(self, request: Any, *_: Any, **__: Any) -> Any:
            reply = requests.Response()
            reply.status_code, reply._content, reply.request = 200, b"1", request
            seen.append(data_of(request))
            return reply

        def close(self) -> None:
            pass

    seen: list[str] = []
    consumer = BufferedConsumer(1)
    consumer._consumer._session.mount("https://", Adapter())
    consumer.send("events", "{}")
    consumer.close()
    assert seen == ["[{}]"]


def test_close_sends_the_buffer(server: responses.RequestsMock) -> None:
    server.post(TRACK, json=TAKEN)
    consumer = BufferedConsumer()
    consumer.send("events", "1")
    consumer.close()
    assert sent(server) == [[1]]


@pytest.mark.parametrize("make", [Consumer, BufferedConsumer])
def test_options_of_fast_are_refused_without_fast(make: Any) -> None:
    with pytest.raises(TypeError, match=r"^linger, spool: only valid with fast=True$"):
        make(linger=3, spool="x.spool")
    with pytest.raises(TypeError, match="colour"):
        make(colour="red")


BARE = """
import sys
for name in ("mixpanel", "requests"):
    sys.modules[name] = None
from mixpress.compat.mixpanel import BufferedConsumer, Consumer, MixpanelException
assert MixpanelException.__module__ == "mixpress.compat.mixpanel.exception"
consumer = BufferedConsumer(fast=True)
try:
    consumer.send("events", "no JSON")
except MixpanelException as error:
    assert error.message == "no JSON" and error.endpoint == "events"
for make in (Consumer, BufferedConsumer):
    try:
        make()
    except ImportError as error:
        print(error)
try:
    from mixpress.compat.mixpanel import Mixpanel
except ImportError as error:
    print(error)
"""


def test_without_the_official_client_and_requests_the_errors_name_the_extra() -> None:
    run = subprocess.run([sys.executable, "-W", "error", "-c", BARE], capture_output=True, text=True, check=False)
    assert run.stderr == ""
    assert run.stdout.splitlines() == [
        *["without fast=True a consumer needs requests: pip install 'mixpress[mixpanel]'"] * 2,
        "Mixpanel needs the official client: pip install 'mixpress[mixpanel]'",
    ]
