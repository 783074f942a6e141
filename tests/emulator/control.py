"""Calls of the control API."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from .sender import Sender


def get(sender: Sender, name: str, **parameters: Any) -> Any:
    answer = sender.request("GET", f"/_emulator/{name}?{urlencode(parameters, doseq=True)}")
    assert answer.status == 200, answer.body
    assert answer.headers["Content-Type"] == "application/json"
    return answer.json


def error(sender: Sender, method: str, target: str, body: bytes | None = None, **headers: str) -> tuple[int, str]:
    answer = sender.request(method, f"/_emulator/{target}", body, {k.replace("_", "-"): v for k, v in headers.items()})
    assert set(answer.json) == {"error"}
    return answer.status, answer.json["error"]
