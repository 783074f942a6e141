"""Validate, gzip and deliver Mixpanel events, with a verdict for every event.

event -> validate -> truncate -> serialize -> batch -> gzip -> send -> retry -> report
"""

from typing import TYPE_CHECKING, Any

from mixpress._core import (
    Batch,
    BatchIterator,
    Builder,
    Encoded,
    Encoder,
    Finding,
    Limits,
    Rejection,
    Rule,
    Tallies,
    Truncation,
    __version__,
    derive_insert_id,
    encode,
    rules,
)

if TYPE_CHECKING:
    from mixpress.auth import ProjectSecret, ProjectToken, ServiceAccount
    from mixpress.client.async_client import AsyncClient
    from mixpress.client.client import Client
    from mixpress.errors import (
        AuthError,
        ClientClosed,
        DeadLetterError,
        ImportInterrupted,
        MixpressError,
        QueueFull,
        SpoolError,
        TransportError,
    )
    from mixpress.report.report import Failure, Report
    from mixpress.report.stats import Stats
    from mixpress.retry import RetryPolicy
    from mixpress.send.rate_limit import RateLimit

__all__ = [
    "AsyncClient",
    "AuthError",
    "Batch",
    "BatchIterator",
    "Builder",
    "Client",
    "ClientClosed",
    "DeadLetterError",
    "Encoded",
    "Encoder",
    "Failure",
    "Finding",
    "ImportInterrupted",
    "Limits",
    "MixpressError",
    "ProjectSecret",
    "ProjectToken",
    "QueueFull",
    "RateLimit",
    "Rejection",
    "Report",
    "RetryPolicy",
    "Rule",
    "ServiceAccount",
    "SpoolError",
    "Stats",
    "Tallies",
    "TransportError",
    "Truncation",
    "__version__",
    "derive_insert_id",
    "encode",
    "rules",
]

# The client is imported on first use, so that a program that only encodes does not load it.
_MODULES = {
    "AsyncClient": "client.async_client",
    "AuthError": "errors",
    "Client": "client.client",
    "ClientClosed": "errors",
    "DeadLetterError": "errors",
    "Failure": "report.report",
    "ImportInterrupted": "errors",
    "MixpressError": "errors",
    "ProjectSecret": "auth",
    "ProjectToken": "auth",
    "QueueFull": "errors",
    "RateLimit": "send.rate_limit",
    "Report": "report.report",
    "RetryPolicy": "retry",
    "ServiceAccount": "auth",
    "SpoolError": "errors",
    "Stats": "report.stats",
    "TransportError": "errors",
}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module 'mixpress' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415 - lazy

    return getattr(import_module(f"mixpress.{_MODULES[name]}"), name)


def __dir__() -> list[str]:
    return sorted(__all__)
