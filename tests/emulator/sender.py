"""A plain HTTP client, and the events that it sends."""

from __future__ import annotations

import base64
import gzip
import json
from dataclasses import dataclass
from typing import Any

import orjson
import urllib3

NOW = 1_700_000_000
"""The emulator's clock in these tests, in seconds since the epoch."""
DAY = 86_400

JSON = "application/json"
NDJSON = "application/x-ndjson"
FORM = "application/x-www-form-urlencoded"


def event(name: str = "Signed Up", /, **properties: Any) -> dict[str, Any]:
    """A valid event of two hours ago; a property given as `...` is left out. `insert_id` is `$insert_id`."""
    given = {"time": NOW - 7200, "distinct_id": "user-1", "insert_id": "id-1", **properties}
    given["$insert_id"] = given.pop("insert_id")
    return {"event": name, "properties": {key: value for key, value in given.items() if value is not ...}}


@dataclass(frozen=True)
class Answer:
    """What came back."""

    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def failures(self) -> list[tuple[int, str, str]]:
        """(index, field, message) of each failed record."""
        return [(each["index"], each["field"], each["message"]) for each in self.json["failed_records"]]


class Sender:
    """Posts to one emulator, by default as JSON and with a project's token."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = urllib3.PoolManager(retries=False)

    def post(
        self,
        target: str,
        content: object,
        *,
        kind: str = JSON,
        packed: bool = False,
        user: str | None = "token:",
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send bytes as they are, anything else as JSON; `packed` gzips it."""
        body = content if isinstance(content, bytes) else orjson.dumps(content)
        sent = {"Content-Type": kind} if kind else {}
        if packed:
            body = gzip.compress(body)
            sent["Content-Encoding"] = "gzip"
        if user is not None:
            sent["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
        return self.request("POST", target, body, {**sent, **(headers or {})})

    def request(
        self, method: str, target: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> Answer:
        """Any request."""
        reply = self.http.request(method, self.url + target, body=body, headers=headers)
        return Answer(reply.status, reply.headers, reply.data)

    def close(self) -> None:
        """Close the connections."""
        self.http.clear()
