"""`Job`: one batch for the worker pool. `CancelToken`: ends a run, or one batch, early."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

from mixpress.clock import REAL
from mixpress.flag import Flag

if TYPE_CHECKING:
    from mixpress.batch import SendableBatch
    from mixpress.report.verdicts import VerdictSink


class CancelToken(Flag):
    """Set when a run, or a batch, must end before its events have verdicts. `error` is the cause; None for Ctrl-C."""

    error: Exception | None = None
    ends: float | None = None
    """When it counts as set: at exit, the thread that sends is the only one, and no other can set it."""

    def is_set(self) -> bool:
        """Return whether the events must be given up."""
        return super().is_set() or (self.ends is not None and REAL.monotonic() >= self.ends)

    @property
    def seconds_left(self) -> float | None:
        """The seconds until `ends`; None without it."""
        return None if self.ends is None else max(0.0, self.ends - REAL.monotonic())

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until the token is set."""
        if (left := self.seconds_left) is not None:
            timeout = left if timeout is None else min(timeout, left)
        super().wait(timeout)
        return self.is_set()

    def __init__(self, what: str = "the import stopped") -> None:
        super().__init__()
        self._what = what

    def cancel(self, error: Exception | None) -> None:
        """Set the token and wake its waiters. Only the first call counts."""
        if not self.is_set():
            self.error = error
            self.set()

    @property
    def reason(self) -> str:
        """The failure message of an event that has no verdict because of the cancellation."""
        return f"{self._what} before the server had confirmed it: {self.error or 'interrupted'}"


class Job(ABC):
    """A batch to send, the sink of its verdicts, and the token that cancels it.

    `started` is set by the worker that takes it: until then the caller may give it up.

    A `patient` job is retried for as long as the policy allows even if no server was ever reached: tracked events have
    no caller who could correct a wrong URL.
    """

    started = False
    profiles: frozenset[int] | None = None
    """For updates: a hash of the id of each profile; None if they are not known, so that it may be any profile."""

    def __init__(
        self, batch: SendableBatch, verdicts: VerdictSink, cancel_token: CancelToken, *, patient: bool = False
    ) -> None:
        self.batch = batch
        self.verdicts = verdicts
        self.cancel_token = cancel_token
        self.patient = patient

    def prepare(self) -> None:  # noqa: B027 - not every job needs it
        """Count the events as accepted, and do what can be done before the job has a permit to send. Called once, on
        the thread that handles the job.
        """

    def may_overtake(self, earlier: Job) -> bool:
        """Return whether it may be sent before an earlier job is done: if no profile is in both."""
        mine, theirs = self.profiles, earlier.profiles
        return mine is not None and theirs is not None and mine.isdisjoint(theirs)

    @abstractmethod
    def done(self) -> None:
        """Handle the end of the job. Called once, when every event has a verdict, on the thread that found that out."""

    def not_taken(self) -> None:  # noqa: B027 - not every job needs it
        """Note that the server surely has not taken a request with this batch, or a part of it, which it must not
        receive twice.
        """

    def give_up(self, error: Exception | None) -> None:
        """Count every event, as undelivered. Only for a job that no worker has."""
        self.cancel_token.cancel(error)
        self.verdicts.undeliver(self.batch, self.cancel_token.reason, accepted=self.batch.count)
        self.done()
