"""The exceptions of mixpress, in one tree.

    MixpressError
    ├── AuthError           the server does not accept the credentials (401, 403)
    ├── TransportError      no reply came; its `kind` says why
    │     refused, unknown-host, unreachable    no server was reached
    │     invalid-host                          no host can have the name in the URL
    │     timeout, reset                        a server was reached and sent no reply
    │     tls, certificate                      the server does not speak TLS, or is not trusted
    │     proxy                                 the proxy refuses the request
    ├── ImportInterrupted   the caller's iterable or callback raised; its exception is `__cause__`
    ├── DeadLetterError     the dead-letter file could not be opened, or not be written completely
    ├── QueueFull           the queue had no room for an event, which was not accepted
    ├── ClientClosed        the client was closed during an import
    ├── LookupTableError    a lookup table was not sent or not replaced; its `kind` says why
    ├── EngineError         Spark gave a write up
    ├── TaskUndelivered     a task of a cluster ended with rows without an answer
    ├── SpoolError          the spool's file is damaged, read-only, full, or bound to another project
    └── StateError          the state file of an import can't be used, or an input changed since it was written

An invalid event raises none of these: it is a `Failure` in the report, and the other events are sent. An invalid
argument is a `TypeError` or `ValueError`. Messages quote the server's reply, and never a credential.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mixpress.report.report import Report

TransportKind = Literal[
    "refused", "unknown-host", "unreachable", "timeout", "reset", "tls", "certificate", "proxy", "invalid-host"
]
SpoolErrorKind = Literal["corrupt", "read-only", "full", "busy", "unopened", "io", "version", "destination", "forked"]
LookupTableErrorKind = Literal[
    "invalid", "unreadable", "refused", "not-found", "too-large", "rate-limited", "undelivered"
]
StateErrorKind = Literal["corrupt", "read-only", "full", "busy", "unopened", "io", "version", "other-import", "changed"]


class MixpressError(Exception):
    """The base class of all.

    `report` has the verdicts on every event read before the error; None outside an import or a drain.
    """

    report: Report | None = None


class AuthError(MixpressError):
    """The server replied 401 or 403: wrong or missing credentials, or no permission for this project.

    Also raised before a request that the API does not allow with such credentials, as lookup tables with a token.
    """


class TransportError(MixpressError):
    """No reply came to a request.

    `kind` is `"refused"` (the host refused the connection), `"unknown-host"`, `"unreachable"`, `"timeout"`, `"reset"`
    (the connection broke; the default), `"tls"`, `"certificate"`, `"proxy"` (the proxy requires credentials or refuses
    the host) or `"invalid-host"` (no host can have the name in the URL). A custom transport raises this for every
    failure to get a reply.
    """

    def __init__(self, message: str, kind: TransportKind = "reset") -> None:
        super().__init__(message)
        self.kind: TransportKind = kind
        self.connect_timed_out = False
        """Whether a `"timeout"` came before there was a connection. The transport sets it."""

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (*self.args, self.kind), self.__dict__

    @property
    def retryable(self) -> bool:
        """Whether a retry may succeed: not for `"certificate"`, `"proxy"` and `"invalid-host"`, which need a change of
        configuration.
        """
        return self.kind not in {"certificate", "proxy", "invalid-host"}

    @property
    def unsent(self) -> bool:
        """Whether the request can't have left this machine: no connection was made, or none whose certificate is
        trusted.
        """
        return self.connect_timed_out or self.kind in {
            *("refused", "unknown-host", "unreachable", "certificate", "invalid-host")
        }

    @property
    def nobody_there(self) -> bool:
        """Whether no server was reached, so that it can't have received anything."""
        return self.kind in {"refused", "unknown-host", "unreachable", "tls", "certificate", "proxy", "invalid-host"}


class ImportInterrupted(MixpressError):  # noqa: N818 - the caller's iterable failed, not the import
    """The iterable of events raised; its exception is `__cause__`. The events before it were delivered."""


class DeadLetterError(MixpressError):
    """The dead-letter file could not be opened, before anything was sent, or could not be written completely."""


class QueueFull(MixpressError):  # noqa: N818 - named like `queue.Full`
    """The queue has no room: raised immediately with `on_full="raise"`, after `block_timeout` seconds with `"block"`.
    The event was not accepted and is not counted."""


class ClientClosed(MixpressError):  # noqa: N818 - the result of a call, not a fault
    """The client was closed, by another thread or at exit. Events that were not confirmed are undelivered."""


class EngineError(MixpressError):
    """Spark gave a write up, after it had repeated the tasks that failed. `report` has what the other tasks had
    written; None if no task was started. Ray raises what the task raised."""


class TaskUndelivered(MixpressError):  # noqa: N818 - a verdict on rows, not a fault
    """Rows of a task of Spark or Ray have no answer, also because no server was reached. A repeated task does not
    count events twice. Spark repeats the task; Ray does with `retry_exceptions=[TaskUndelivered]`. `report` has the
    verdicts of this attempt."""


class SpoolError(MixpressError):
    """The spool's file at `path` can't be used.

    `kind` is `"corrupt"`, `"read-only"`, `"full"` (no room on the disk), `"busy"` (locked by another process for 10
    seconds), `"unopened"`, `"io"`, `"version"` (created by a newer mixpress), `"destination"` (bound to another
    project) or `"forked"` (opened before a fork that Python did not see). An event whose `append` raised is not in the
    file; events accepted before stay in it.
    """

    def __init__(self, message: str, path: str, kind: SpoolErrorKind) -> None:
        super().__init__(message)
        self.path = path
        self.kind: SpoolErrorKind = kind

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (*self.args, self.path, self.kind), self.__dict__


class StateError(MixpressError):
    """The state file at `path` can't be used, or a file of the import is not the one that it describes.

    `kind` is `"corrupt"` (damaged, or no state file), `"read-only"`, `"full"` (no room on the disk), `"busy"` (another
    import has it), `"unopened"`, `"io"`, `"version"` (written by another version of mixpress), `"other-import"`
    (another mapping, encoder or project) or `"changed"` (a file of the import changed since). What was delivered
    before it is recorded, or is sent again by the next import, which is safe.
    """

    def __init__(self, message: str, path: str, kind: StateErrorKind) -> None:
        super().__init__(message)
        self.path = path
        self.kind: StateErrorKind = kind

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (*self.args, self.path, self.kind), self.__dict__


@dataclass(frozen=True)
class LookupProblem:
    """A row of a lookup table that breaks a rule."""

    row: int
    """1 for the first row after the header, 0 for the header."""
    message: str
    line: int | None = None
    """The line of the CSV text in which the row begins, from 1; None for rows that were no CSV text, and where the
    server found the problem."""

    def __str__(self) -> str:
        place = f"row {self.row:,}" if self.row else "header"
        return f"{place} (line {self.line:,}): {self.message}" if self.line else f"{place}: {self.message}"


class LookupTableError(MixpressError):
    """A lookup table was not sent, or the server did not replace it. The old rows of the table remain.

    `kind` is `"invalid"` (the table breaks a rule, and was not sent), `"unreadable"` (its source can't be read; not
    sent), `"refused"` (the server found problems, or replied with a status that is not known), `"not-found"` (no table
    has this id), `"too-large"`, `"rate-limited"` (100 replacements in 24 hours) or `"undelivered"` (no reply that says
    whether the table was replaced; sending it again is safe).

    `problems` has the first 10 rows that break a rule, in their order, and `count` is the number of all; the server
    lists at most 10. `retry_after`: seconds after which the server takes another call, where it says so.
    """

    def __init__(
        self,
        message: str,
        kind: LookupTableErrorKind,
        problems: Sequence[LookupProblem] = (),
        count: int | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind: LookupTableErrorKind = kind
        self.problems = tuple(problems)
        self.count = len(self.problems) if count is None else count
        self.retry_after = retry_after

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (*self.args, self.kind, self.problems, self.count, self.retry_after), self.__dict__
