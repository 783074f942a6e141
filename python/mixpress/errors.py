"""What can go wrong beside the events: one small tree.

    MixpressError
    ├── AuthError           the server does not accept the credentials (401, 403)
    ├── TransportError      no answer came; its `kind` says why
    │     refused, unknown-host, unreachable    no server was reached
    │     timeout, reset                        it was reached, and the connection gave no answer
    │     tls, certificate                      the other side does not speak TLS, or is not trusted
    │     proxy                                 the proxy does not let the request through
    ├── ImportInterrupted   the caller's iterable or callback raised; its exception is `__cause__`
    ├── DeadLetterError     the dead-letter file could not be opened, or not all of it written
    ├── QueueFull           an event found no room, and was not taken
    ├── ClientClosed        the client was closed while an import was under way
    └── SpoolError          the spool's file is damaged, read-only, full, or another project's

An event that is wrong is none of these: it is a `Failure` in the report, and the others go on. A wrong
argument is a `TypeError` or `ValueError`. Messages quote what the server said, never a credential.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from mixpress.report.report import Report

TransportKind = Literal["refused", "unknown-host", "unreachable", "timeout", "reset", "tls", "certificate", "proxy"]
SpoolErrorKind = Literal["corrupt", "read-only", "full", "busy", "unopened", "io", "version", "destination", "forked"]


class MixpressError(Exception):
    """The root of the tree.

    `report` says what became of every event read until then; None where no import was under way.
    """

    report: Report | None = None


class AuthError(MixpressError):
    """The server answered 401 or 403: wrong or missing credentials, or no right to this project."""


class TransportError(MixpressError):
    """No answer came to a request.

    `kind` is `"refused"` (nobody listens there), `"unknown-host"`, `"unreachable"`, `"timeout"`,
    `"reset"` (the connection broke), `"tls"`, `"certificate"` or `"proxy"` (it wants credentials, or forbids
    the host). A transport of your own raises this for whatever keeps an answer from coming.
    """

    def __init__(self, message: str, kind: TransportKind = "reset") -> None:
        super().__init__(message)
        self.kind: TransportKind = kind

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (*self.args, self.kind), self.__dict__

    @property
    def retryable(self) -> bool:
        """Whether the same request may go through later: neither trust nor a proxy's rules come by waiting."""
        return self.kind not in {"certificate", "proxy"}

    @property
    def nobody_there(self) -> bool:
        """Whether no server was reached at all, so that nothing can have arrived."""
        return self.kind in {"refused", "unknown-host", "unreachable", "tls", "certificate", "proxy"}


class ImportInterrupted(MixpressError):  # noqa: N818 - the events went well, the import did not end
    """The iterable of events raised; what it gave before was delivered. Its exception is `__cause__`."""


class DeadLetterError(MixpressError):
    """The dead-letter file could not be opened (before anything was sent), or not written to its end."""


class QueueFull(MixpressError):  # noqa: N818 - the word of the standard library for it
    """The queue has no room: with `on_full="raise"` at once, with `"block"` after `block_timeout` seconds. The event
    was not taken, and is in no count."""


class ClientClosed(MixpressError):  # noqa: N818 - as above
    """The client was closed, by another thread or at the end of the process; what was not confirmed is undelivered."""


class SpoolError(MixpressError):
    """The spool's file can't be used. `path` names it.

    `kind` is `"corrupt"`, `"read-only"`, `"full"` (no room on the disk), `"busy"` (another process writes and does
    not stop), `"unopened"`, `"io"`, `"version"` (made by a newer mixpress), `"destination"` (its events are another
    project's) or `"forked"` (opened before a fork that Python did not see). An event whose `append` raised is not
    in the file; what was accepted before stays in it.
    """

    def __init__(self, message: str, path: str, kind: SpoolErrorKind) -> None:
        super().__init__(message)
        self.path = path
        self.kind: SpoolErrorKind = kind

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (*self.args, self.path, self.kind), self.__dict__
