"""Two readings of the same documents: the emulator imports what the core accepts, and refuses what it rejects."""

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
    """Return whether a case changes no rule and is not about the one rule that the documents do not have."""
    return set(case.get("options", {})) <= PLAIN and case.get("rejects", ["", ""])[1] != "key-collision"


CASES = [(file, case) for file, case in read_cases() if is_about_the_documents(case)]

# The documents of /track do not list these as required.
CORE_ALONE_ON_TRACK = {"time-missing", "insert-id-missing"}
# Cases that the core accepts and the emulator refuses.
EMULATOR_ALONE = {
    # The core truncates it, and a name of spaces arrives.
    "'event' of 255 spaces and a letter is not blank, though it is blank once it is cut",
    # The documents define a token as a text.
    "a token that is null counts as a token on /track",
}


class Clock:
    """A clock that each case sets, in seconds since the epoch."""

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
        # The core only warns of a time in the future by default; /import refuses it with strict=1.
        future = any(warning.rule == "time-in-future" for warning in encoded.warnings)
        expected = int(not (future and endpoint == "import") and case["id"] not in EMULATOR_ALONE)
        body = encoded.batches[0].body
    answer = sender.post(f"/{endpoint}?strict=1", body)
    assert server.count() == expected, answer.body
    assert answer.status == (200 if expected or endpoint == "track" else 400)


def with_token(event: Any, token: str | None) -> Any:
    """Return an event that the core rejected, with the token that the core would have added."""
    if token is None or not isinstance(event, dict) or not isinstance(event.get("properties"), dict):
        return event
    return {**event, "properties": {**event["properties"], "token": event["properties"].get("token", token)}}


def test_most_cases_are_compared() -> None:
    assert len(CASES) > 300
