"""A worker that speaks the protocol line by line, and clocks of lease servers."""

from __future__ import annotations

from typing import Any

from mixpress.clock import Clock
from mixpress.lease.conversation import Conversation
from mixpress.lease.protocol import Meeting, line_of, message_of, nonce

KEY = b"k" * 32
SPEED = 20


class FastClock(Clock):
    """A clock on which 20 seconds pass in one."""

    def monotonic(self) -> float:
        return SPEED * super().monotonic()

    def wait(self, wake: Any, seconds: float) -> None:
        super().wait(wake, seconds / SPEED)


class SetClock(Clock):
    """A clock that stands still until a test changes `now`."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


class Peer:
    """The worker's side of a conversation, in its own words."""

    def __init__(self, conversation: Conversation, now: float, key: bytes = KEY, endpoint: str = "import") -> None:
        self.conversation = conversation
        greeting = {"mixpress-lease": 1, "endpoint": endpoint, "nonce": nonce()}
        challenge = message_of(conversation.feed(line_of(greeting), now))
        self.meeting = Meeting(key, endpoint, greeting["nonce"], challenge["server"], challenge["nonce"])  # type: ignore[arg-type]
        self.answer = message_of(conversation.feed(line_of({"proof": self.meeting.proof("worker")}), now))
        self.ours, self.theirs = self.meeting.seals()

    def line(self, **message: Any) -> bytes:
        return self.ours.close(message)

    def say(self, now: float, **message: Any) -> dict[str, Any]:
        return self.theirs.open(self.conversation.feed(self.line(**message), now).rstrip(b"\n"))
