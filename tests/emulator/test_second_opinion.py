"""Two readings of the same documents: what the core lets through is taken, what it rejects is refused."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from cases.rule_cases import event_of, read_cases
from mixpress import Encoder
from mixpress.emulator import Emulator

from .sender import Sender

PLAIN = {"endpoint", "token", "now"}


def is_about_the_documents(case: dict[str, Any]) -> bool:
    """Not one that changes rules, nor of the one rule that the documents do not have."""
    return set(case.get("options", {})) <= PLAIN and case.get("rejects", ["", ""])[1] != "key-collision"


CASES = [(file, case) for file, case in read_cases() if is_about_the_documents(case)]

# The page of /track does not name these as required.
CORE_ALONE_ON_TRACK = {"time-missing", "insert-id-missing"}
# What the core lets through and the emulator does not.
EMULATOR_ALONE = {
    "'event' of 255 spaces and a letter is not blank, though it is blank once it is cut",  # the cut comes first
    "a token that is null counts as a token on /track",  # by the documents a token is a text
}


class Clock:
    """A clock that stands where a case puts it, in seconds since the epoch."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


CLOCK = Clock()


@pytest.fixture(scope="module")
def one_emulator() -> Iterator[tuple[Emulator, Sender]]:
    with Emulator(now=CLOCK) as emulator:
        sender = Sender(emulator.url)
        yield emulator, sender
        sender.close()


@pytest.mark.parametrize(("file", "case"), [pytest.param(f, c, id=f"{f}: {c['id']}") for f, c in CASES])
def test_the_core_and_the_emulator_agree(
    one_emulator: tuple[Emulator, Sender], file: str, case: dict[str, Any]
) -> None:
    server, sender = one_emulator
    server.clear()
    options = case.get("options", {})
    CLOCK.now = options.get("now", 1_700_000_000_000) / 1000
    endpoint = options.get("endpoint", "import")
    token = options.get("token")
    encoded = Encoder(endpoint=endpoint, token=token, now=CLOCK, compression=None).encode([event_of(case)])
    if encoded.rejected:
        expected = int(endpoint == "track" and encoded.rejected[0].rule in CORE_ALONE_ON_TRACK)
        body = json.dumps([with_token(event_of(case), token)]).encode()
    else:
        # The core warns of a time in the future by default; /import refuses it under strict.
        future = any(warning.rule == "time-in-future" for warning in encoded.warnings)
        expected = int(not (future and endpoint == "import") and case["id"] not in EMULATOR_ALONE)
        body = encoded.batches[0].body
    answer = sender.post(f"/{endpoint}?strict=1", body)
    assert server.count() == expected, answer.body
    assert answer.status == (200 if expected or endpoint == "track" else 400)


def with_token(event: Any, token: str | None) -> Any:
    """An event that the core rejected, with the token that it would have added."""
    if token is None or not isinstance(event, dict) or not isinstance(event.get("properties"), dict):
        return event
    return {**event, "properties": {**event["properties"], "token": event["properties"].get("token", token)}}


def test_the_cases_are_there() -> None:
    assert len(CASES) > 300
