"""Events as a customer sends them: by HTTP, to /import."""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
import urllib.request
from typing import Any
from urllib.error import HTTPError

from mixpress.emulator import Emulator

Event = dict[str, Any]
SECRET = "hidden-secret-4e1f9c"


def event(name: str = "Signed Up", distinct_id: str = "ada", **properties: Any) -> Event:
    """Return an event of now; a person's events of one name have the same `$insert_id`."""
    insert_id = re.sub("[^a-z]+", "-", f"{distinct_id} {name}".lower())[:36]
    own = {"time": int(time.time()), "distinct_id": distinct_id, "$insert_id": insert_id}
    return {"event": name, "properties": {**own, **properties}}


def numbered(count: int, name: str = "Flight Arrived", **properties: Any) -> list[Event]:
    """Return events with the property `number`, from 1."""
    return [
        event(name, number=at, **{"$insert_id": f"{name[:6]}-{at}".replace(" ", "-"), **properties})
        for at in range(1, count + 1)
    ]


def send(server: Emulator, *events: Event, strict: bool = True) -> int:
    """Send one request and return the status of its reply."""
    request = urllib.request.Request(
        f"{server.url}/import?strict={int(strict)}&project_id=2195193",
        gzip.compress(json.dumps(events).encode(), 1),
        {
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
            "Authorization": f"Basic {base64.b64encode(f'service:{SECRET}'.encode()).decode()}",
            "User-Agent": "flights/1.0",
        },
    )
    try:
        with urllib.request.urlopen(request, timeout=20) as reply:
            return int(reply.status)
    except HTTPError as error:
        with error:
            return error.code
