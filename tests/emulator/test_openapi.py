"""/openapi.json describes the emulator: schemathesis sends what it allows and what it does not, and reads replies."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mixpress.emulator import Emulator

from .sender import NOW, Sender, event

schemathesis = pytest.importorskip("schemathesis", reason="schemathesis needs Python 3.11")

DESCRIPTION = json.loads(files("mixpress.emulator").joinpath("openapi.json").read_text(encoding="utf-8"))
OPERATIONS = [
    (method, path)
    for path, item in DESCRIPTION["paths"].items()
    for method in item
    if path != "/_emulator/live"  # its reply has no end; test_control_live.py reads it
]
FEW = settings(
    max_examples=8,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
AUTHORIZATION = {"Authorization": "Basic dXNlcjpzZWNyZXQ="}
"""Of a service account, `user:secret`."""


@pytest.fixture(scope="module")
def described() -> Iterator[tuple[Emulator, Any]]:
    with Emulator(now=lambda: NOW, lookup_tables={"songs": "Songs"}) as server:
        sender = Sender(server.url)
        sender.post("/import?strict=1", [event(), event("")])
        sender.close()
        yield server, schemathesis.openapi.from_url(f"{server.url}/openapi.json")


def checks() -> list[Any]:
    """Return the checks of schemathesis: no 5xx, and status, type, headers and body as described."""
    from schemathesis import checks as built_in
    from schemathesis.specs.openapi import checks as of_openapi

    return [
        built_in.not_a_server_error,
        of_openapi.status_code_conformance,
        of_openapi.content_type_conformance,
        of_openapi.response_headers_conformance,
        of_openapi.response_schema_conformance,
    ]


@pytest.mark.parametrize(
    ("method", "path", "mode"),
    [
        (method, path, mode)
        for method, path in OPERATIONS
        for mode in ("positive", "negative")
        # Nothing can be wrong in a request without parameters and body.
        if mode == "positive" or {"parameters", "requestBody"} & DESCRIPTION["paths"][path][method].keys()
    ],
)
def test_replies_are_as_described(described: tuple[Emulator, Any], method: str, path: str, mode: str) -> None:
    server, schema = described
    operation = schema[path][method.upper()]
    strategy = operation.as_strategy(generation_mode=schemathesis.GenerationMode(mode))

    @FEW
    @given(case=strategy, known=st.booleans())
    def send(case: Any, known: bool) -> None:
        server.faults = None
        headers = AUTHORIZATION if known and not path.startswith("/_emulator") else {}
        if "{id}" in path and known:
            case.path_parameters["id"] = "songs"  # another id is a 404
        case.call_and_validate(base_url=server.url, checks=checks(), headers=headers, timeout=30)

    try:
        send()
    finally:
        server.faults = None


def test_the_description_is_served_as_it_is_packaged(server: Emulator, sender: Sender) -> None:
    answer = sender.request("GET", "/openapi.json")
    assert (answer.status, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json == DESCRIPTION
    assert server.requests() == []
    assert sender.request("POST", "/openapi.json").status == 405


def test_every_reference_and_every_part_of_the_description_is_used() -> None:
    used = set(references(DESCRIPTION))
    components = DESCRIPTION["components"]
    defined = {f"#/components/{kind}/{name}" for kind in ("schemas", "responses") for name in components[kind]}
    assert used == defined


def references(part: Any) -> Iterator[str]:
    if isinstance(part, dict):
        for name, value in part.items():
            yield from [value] if name == "$ref" else references(value)
    elif isinstance(part, list):
        for value in part:
            yield from references(value)
