"""The protocol without sockets: who is believed, and what hostile bytes can do."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lease.peers import KEY, Peer
from mixpress.lease.amount import NOTHING, Amount
from mixpress.lease.conversation import Conversation, Ledger
from mixpress.lease.holding import Ask
from mixpress.lease.messages import (
    MAX_PAST,
    Grant,
    Join,
    ask_of_json,
    ask_to_json,
    grant_of_json,
    grant_to_json,
    join_of_json,
    join_to_json,
)
from mixpress.lease.protocol import (
    MAX_GREETING,
    MAX_LINE,
    ProtocolError,
    WrongSecretError,
    line_of,
    message_of,
    nonce,
)
from mixpress.send.rate_limit import RateLimit

LIMIT = RateLimit(events=1000, bytes=10**6, seconds=60)
HELD: dict[str, Any] = {"held": [0, 0], "past": []}

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=70),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=9), inner, max_size=4),
    max_leaves=12,
)
names = st.sampled_from(["held", "past", "used", "back", "need", "want", "lent", "valid", "wait", "limit", "workers"])
amounts = st.builds(Amount, st.integers(0, 10**9), st.integers(0, 10**12))
ages = st.floats(0, 600).map(lambda age: round(age, 3))


@pytest.fixture
def ledger() -> Ledger:
    return Ledger(LIMIT, KEY)


def dropped(conversation: Conversation, data: bytes, now: float = 0.0) -> bool:
    try:
        conversation.feed(data, now)
    except ProtocolError:
        return True
    return False


def test_a_worker_with_the_secret_borrows(ledger: Ledger) -> None:
    peer = Peer(Conversation(ledger, 0.0), 0.0)
    peer.meeting.check("server", peer.answer["proof"])
    assert peer.say(0.0, **HELD)["workers"] == 1
    assert peer.say(0.1, need=[10, 100], want=[30, 300])["lent"] == [30, 300]
    assert ledger.stats(0.1)["import"].lent_events == 30


def test_a_worker_with_another_secret_is_dropped(ledger: Ledger) -> None:
    with pytest.raises(WrongSecretError, match="the worker has another secret"):
        Peer(Conversation(ledger, 0.0), 0.0, key=b"x" * 32)
    assert ledger.stats(0.0) == {}


def test_a_server_without_the_secret_is_not_believed() -> None:
    impostor = Ledger(LIMIT, KEY)
    peer = Peer(Conversation(impostor, 0.0), 0.0)
    with pytest.raises(WrongSecretError, match="the server has another secret"):
        peer.meeting.check("server", peer.meeting.proof("worker"))
    with pytest.raises(WrongSecretError):
        peer.meeting.check("server", "0" * 64)


def test_each_endpoint_has_its_own_limit(ledger: Ledger) -> None:
    for endpoint in ("import", "engage"):
        peer = Peer(Conversation(ledger, 0.0), 0.0, endpoint=endpoint)
        peer.say(0.0, **HELD)
        for _ in range(30):
            peer.say(0.0, need=[33, 100], want=[33, 100])
    assert {name: stats.lent_events for name, stats in ledger.stats(0.0).items()} == {"import": 990, "engage": 990}


@pytest.mark.parametrize("change", ["changed", "repeated", "skipped", "reflected", "of another connection", "cut"])
def test_a_line_that_is_not_the_next_one_of_its_worker_drops_the_connection(ledger: Ledger, change: str) -> None:
    peer, other = (Peer(Conversation(ledger, 0.0), 0.0) for _ in range(2))
    peer.say(0.0, **HELD)
    line = peer.line(need=[10, 100], want=[30, 300])
    if change == "repeated":
        assert not dropped(peer.conversation, line)
    forged = {
        "changed": line.replace(b"[30,300]", b"[90,300]"),
        "repeated": line,
        "skipped": peer.line(need=[10, 100], want=[30, 300]),
        "reflected": peer.theirs.close({"need": [10, 100], "want": [30, 300]}),
        "of another connection": other.line(**HELD),
        "cut": line[:-9] + b"\n",
    }[change]
    assert dropped(peer.conversation, forged)


def test_a_recorded_worker_cannot_be_played_again(ledger: Ledger) -> None:
    said: list[bytes] = []

    class Recorded(Conversation):
        def feed(self, data: bytes, now: float) -> bytes:
            said.append(data)
            return super().feed(data, now)

    peer = Peer(Recorded(ledger, 0.0), 0.0)
    peer.say(0.0, **HELD)
    again = Conversation(ledger, 0.0)
    assert not dropped(again, said[0])
    assert dropped(again, said[1])


def test_neither_the_secret_nor_the_key_is_in_what_is_said() -> None:
    key = b"the derived key of 32 characters"
    said: list[bytes] = []

    class Recorded(Conversation):
        def feed(self, data: bytes, now: float) -> bytes:
            answer = super().feed(data, now)
            said.extend([data, answer])
            return answer

    peer = Peer(Recorded(Ledger(LIMIT, key), 0.0), 0.0, key=key)
    peer.say(0.0, **HELD)
    assert len(said) == 6
    assert key not in b"".join(said)
    assert key.hex().encode() not in b"".join(said)


@given(st.lists(st.binary(max_size=MAX_LINE), max_size=6))
def test_garbage_before_the_proof_is_dropped_or_waited_for(pieces: list[bytes]) -> None:
    conversation = Conversation(Ledger(LIMIT, KEY), 0.0)
    for piece in pieces:
        if dropped(conversation, piece):
            break
    assert not conversation.is_worker


@given(st.dictionaries(names, values, max_size=4), st.dictionaries(names, values, max_size=4))
def test_a_worker_that_says_nonsense_is_dropped_and_counts_for_nothing_more(
    first: dict[str, Any], second: dict[str, Any]
) -> None:
    ledger = Ledger(LIMIT, KEY)
    conversation = Conversation(ledger, 0.0)
    peer = Peer(conversation, 0.0)
    for message in (first, second):
        text = json.dumps(message).encode()  # with NaN and infinities
        if dropped(conversation, peer.ours._mac(text) + b" " + text + b"\n"):
            break
    conversation.end(0.0)
    allotment = ledger.allotment("import")
    assert (allotment.workers, allotment.waiting, allotment.lent) == (0, 0, NOTHING)


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"[]",
        b"NaN",
        b"1" * 500,
        b"[" * 500,
        b'{"a":' * 80,
        b'{"mixpress-lease":2,"endpoint":"import","nonce":"' + b"0" * 64 + b'"}',
        b'{"mixpress-lease":1,"endpoint":"import","nonce":"' + b"z" * 64 + b'"}',
        b'{"mixpress-lease":1,"endpoint":"import","nonce":1e400}',
        b'{"mixpress-lease":1,"endpoint":["import"],"nonce":"' + b"0" * 64 + b'"}',
        b"\xff\xfe" * 20,
        b"GET / HTTP/1.1\r",
    ],
)
def test_a_first_line_of_another_form_drops_the_connection(line: bytes, ledger: Ledger) -> None:
    assert dropped(Conversation(ledger, 0.0), line + b"\n")


def test_a_line_without_an_end_is_dropped_at_its_longest(ledger: Ledger) -> None:
    stranger = Conversation(ledger, 0.0)
    assert not dropped(stranger, b"x" * (MAX_GREETING - 1))
    assert dropped(stranger, b"x")
    peer = Peer(Conversation(ledger, 0.0), 0.0)
    assert not dropped(peer.conversation, b"x" * (MAX_LINE - 1))
    assert dropped(peer.conversation, b"x")


def test_lines_may_come_in_pieces(ledger: Ledger) -> None:
    peer = Peer(Conversation(ledger, 0.0), 0.0)
    line = peer.line(**HELD)
    answers = [peer.conversation.feed(line[place : place + 1], 0.0) for place in range(len(line))]
    assert [bool(answer) for answer in answers] == [False] * (len(line) - 1) + [True]


@pytest.mark.parametrize(
    "amount", [[1], [1, -1], [1.5, 1], [True, 1], [1, 2**60], ["1", 1], None, {}, [1, 10**300], [1, float("inf")]]
)
def test_an_amount_is_two_integers(amount: Any) -> None:
    with pytest.raises(ProtocolError):
        ask_of_json({"used": amount})


@given(amounts, st.lists(st.tuples(ages, amounts), max_size=MAX_PAST))
def test_a_worker_that_joins_is_understood(held: Amount, past: list[tuple[float, Amount]]) -> None:
    line = line_of(join_to_json(Join(held, past)))
    assert join_of_json(message_of(line)) == Join(held, past)


@given(amounts, amounts, amounts, amounts)
def test_a_worker_that_asks_is_understood(used: Amount, back: Amount, need: Amount, want: Amount) -> None:
    ask = Ask(used, back, need, want)
    line = line_of(ask_to_json(ask))
    assert len(line) + 65 < MAX_LINE
    assert ask_of_json(message_of(line)) == ask


@pytest.mark.parametrize("limit", [LIMIT, RateLimit(), RateLimit(bytes=10), RateLimit(events=1e18, seconds=0.5)])
def test_a_grant_is_understood(limit: RateLimit) -> None:
    grant = Grant(Amount(3, 400), 2.0, 0.125, limit, 7)
    assert grant_of_json(message_of(line_of(grant_to_json(grant)))) == grant


@pytest.mark.parametrize(
    "change",
    [{"limit": [0, 1, 1]}, {"limit": [1, 1]}, {"limit": [None, None, None]}, {"valid": -1}, {"wait": "1"}, {"lent": 1}],
)
def test_a_grant_of_another_form_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        grant_of_json(grant_to_json(Grant(Amount(3, 400), 2.0, 0.1, LIMIT, 7)) | change)


def test_the_longest_first_message_fits_a_line() -> None:
    most = Amount(2**50, 2**50)
    line = line_of(join_to_json(Join(most, [(599.999, Amount(2_000_000, 2_000_000_000))] * 100)))
    assert len(line) + 65 < MAX_LINE


def test_nonces_differ() -> None:
    assert len({nonce() for _ in range(100)}) == 100
