"""A plain HTTP client for the emulator, and events to send."""

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
    """Return a valid event of two hours ago. A property given as `...` is left out. `insert_id` is `$insert_id`."""
    given = {"time": NOW - 7200, "distinct_id": "user-1", "insert_id": "id-1", **properties}
    given["$insert_id"] = given.pop("insert_id")
    return {"event": name, "properties": {key: value for key, value in given.items() if value is not ...}}


@dataclass(frozen=True)
class Answer:
    """A reply."""

    status: int
    headers: urllib3.HTTPHeaderDict
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def failures(self) -> list[tuple[int, str, str]]:
        """Return (index, field, message) of each failed record."""
        return [(each["index"], each["field"], each["message"]) for each in self.json["failed_records"]]


class Sender:
    """Sends requests to one emulator, by default with JSON and a project token."""

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
        """Post bytes as they are, anything else as JSON; with `packed`, gzipped."""
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
        """Send any request."""
        reply = self.http.request(method, self.url + target, body=body, headers=headers)
        return Answer(reply.status, reply.headers, reply.data)

    def close(self) -> None:
        """Close the connections."""
        self.http.clear()
